#include "config.h"

#include "text.h"

#include <string.h>
#include <unistd.h>

#include "base/utf8.h"
#include "sandbox.h"
#include "text_formats.h"

#define SELF		"/proc/self/exe"
#define POPPLER_DATA	"/usr/share/poppler"
#define NO_LIBRARY	127
#define RAW_MAX		(16 << 20)	/* bytes before they are tidied: more is too long a text */

static const char *const data_dirs[] = { POPPLER_DATA, NULL };
static const char *const txt_argv[] = { TEXT_PROGRAM, "txt", NULL };
static const char *const html_argv[] = { TEXT_PROGRAM, "html", NULL };
static const char *const docx_argv[] = { TEXT_PROGRAM, "docx", NULL };
static const char *const pdf_argv[] = { "pdftotext", "-q", "-enc", "UTF-8", "-", "-", NULL };

/* As in pdftotext(1). */
static enum text_end
pdf_means(int status)
{
	return status == 0 ? TEXT_OK : status == 3 ? TEXT_KEPT : TEXT_NOT_PDF;
}

/* What is no status of ours is the loader's, which lacks a library, or of a defect. */
static enum text_end
own_means(int status)
{
	if (status == 0)
		return TEXT_OK;
	if (status == NO_LIBRARY)
		return TEXT_NONE;
	return status > TEXT_STATUS && status < TEXT_STATUS + TEXT_ENDS ?
	    (enum text_end)(status - TEXT_STATUS) : TEXT_DIED;
}

/* Who takes the text out, and what its exit status means; NULL: it is one of ours. */
static const struct reader {
	const char		*type;
	const char		*path;
	const char *const	*argv;
	enum text_end		(*means)(int status);
} readers[] = {
	{ "txt", SELF, txt_argv, own_means },
	{ "md", SELF, txt_argv, own_means },
	{ "html", SELF, html_argv, own_means },
	{ "docx", SELF, docx_argv, own_means },
	{ "pdf", PDFTOTEXT, pdf_argv, pdf_means },
};

enum reason
text_why(enum text_end end)
{
	static const enum reason	whys[] = {
#define TEXT(name) [TEXT_##name] = REASON_##name,
#include "text.def"
#undef TEXT
	};

	return whys[end];
}

/* ---- tidying --------------------------------------------------------------------------------- */

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* The blanks before it go; of several empty lines one stays, at the beginning none. */
static void
end_line(struct str *out, size_t from)
{
	while (out->len > from && is_blank(out->p[out->len - 1]))
		out->len--;
	if (out->len == from || (out->len - from > 1 && out->p[out->len - 1] == '\n' &&
	    out->p[out->len - 2] == '\n'))
		return;
	str_putc(out, '\n');
}

/* Control characters, marks of an encoding and what is no character. */
static bool
is_dross(uint32_t c)
{
	return (c < ' ' && c != '\t') || (c >= 0x7f && c < 0xa0) || c == 0xfeff ||
	    (c & 0xfffe) == 0xfffe || (c >= 0xfdd0 && c <= 0xfdef);
}

static bool
is_end(uint32_t c)
{
	return (c >= '\n' && c <= '\r') || c == 0x85 || c == 0x2028 || c == 0x2029;
}

size_t
text_tidy(struct str *out, const char *p, size_t n)
{
	const size_t	from = out->len;
	uint32_t	c, before = 0;
	size_t		len;

	for (; n > 0; p += len, n -= len) {
		if ((len = utf8_next(p, n, &c)) == 0) {
			len = 1;
			continue;
		}
		if (is_end(c) && !(before == '\r' && c == '\n'))
			end_line(out, from);
		else if (!is_end(c) && !is_dross(c))
			str_put(out, p, len);
		before = c;
	}
	while (out->len > from && (is_blank(out->p[out->len - 1]) || out->p[out->len - 1] == '\n'))
		out->len--;
	if (out->p != NULL)
		out->p[out->len] = '\0';
	return out->len > from ? utf8_length(out->p + from, out->len - from) : 0;
}

/* ---- reading --------------------------------------------------------------------------------- */

static const struct reader *
reader_of(const char *type)
{
	for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++)
		if (strcmp(readers[i].type, type) == 0)
			return &readers[i];
	return NULL;
}

static enum text_end
judge(struct str *out, const struct str *raw)
{
	const size_t	n = text_tidy(out, raw->p, raw->len);

	return n == 0 ? TEXT_EMPTY : n > TEXT_MAX ? TEXT_LONG : TEXT_OK;
}

enum text_end
text_read(const char *type, int fd, int seconds, bool (*go_on)(void *), void *arg,
    struct str *out)
{
	static const enum text_end	 ends[] = {
		[SANDBOX_DIED] = TEXT_DIED,
		[SANDBOX_SLOW] = TEXT_SLOW,
		[SANDBOX_LOUD] = TEXT_LONG,
		[SANDBOX_STOPPED] = TEXT_STOPPED,
		[SANDBOX_NONE] = TEXT_NONE,
	};
	const struct reader		*reader = reader_of(type);
	struct str			 raw = STR_INIT(RAW_MAX);
	enum sandbox_end		 ended;
	enum text_end			 end;
	struct sandbox			 s;
	int				 status;

	if (reader == NULL)
		return TEXT_UNKNOWN;
	s = (struct sandbox){ .path = reader->path, .argv = reader->argv, .reads = data_dirs,
		.in = fd, .seconds = seconds, .go_on = go_on, .arg = arg };
	ended = sandbox_run(&s, &raw, &status);
	end = ended == SANDBOX_EXITED ? reader->means(status) : ends[ended];
	if (end == TEXT_OK)
		end = judge(out, &raw);
	str_free(&raw);
	return end;
}

const char *
text_lacks(void)
{
	if (access(PDFTOTEXT, X_OK) == -1)
		return "no PDF file is read without " PDFTOTEXT ": install poppler-utils";
	if (access(POPPLER_DATA "/cMap", R_OK) == -1)
		return "Chinese is missing from PDF files: install poppler-data";
	return NULL;
}
