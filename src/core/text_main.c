/* The program in the sandbox: standard input is a file, its text goes to standard output. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "sandbox.h"
#include "text_formats.h"

#define OUT_MAX		(32 << 20)	/* bytes, not tidied */
#define PIECE		(1 << 20)

static const struct {
	const char	*name;
	enum text_end	(*read)(struct str *, const char *, size_t);
} formats[] = {
	{ "txt", text_plain },
	{ "html", text_html },
	{ "docx", text_docx },
};

void
text_break(struct str *out, int ends)
{
	int	n = 0;

	while (out->len > 0 && (out->p[out->len - 1] == ' ' || out->p[out->len - 1] == '\t'))
		out->len--;
	while ((size_t)n < out->len && out->p[out->len - 1 - (size_t)n] == '\n')
		n++;
	for (; out->len > 0 && n < ends; n++)
		str_putc(out, '\n');
}

/* All of standard input; -1: errno. */
static int
take_all(struct str *in)
{
	char	*to;
	ssize_t	 n;

	while ((to = str_room(in, PIECE)) != NULL) {
		if ((n = read(0, to, PIECE)) <= 0)
			return (int)n;
		in->len += (size_t)n;
	}
	errno = EFBIG;
	return -1;
}

static int
give_all(const struct str *out)
{
	ssize_t	n;

	for (size_t at = 0; at < out->len; at += (size_t)n)
		if ((n = write(1, out->p + at, out->len - at)) == -1)
			return -1;
	return 0;
}

static enum text_end
read_as(const char *name)
{
	struct str	in = STR_INIT(TEXT_FILE_MAX), raw = STR_INIT(OUT_MAX), out = STR_INIT(0);
	enum text_end	end = TEXT_UNKNOWN;

	if (sandbox_settle() == -1 || take_all(&in) == -1)
		return TEXT_NONE;
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (strcmp(name, formats[i].name) == 0)
			end = formats[i].read(&raw, in.p != NULL ? in.p : "", in.len);
	if (raw.full)
		return TEXT_LONG;
	if (end != TEXT_OK)
		return end;
	text_tidy(&out, raw.p, raw.len);
	return give_all(&out) == 0 ? TEXT_OK : TEXT_NONE;
}

/* Its memory goes with the process, which has nothing else to do. */
_Noreturn void
text_main(int argc, char **argv)
{
	const enum text_end	end = argc == 2 ? read_as(argv[1]) : TEXT_UNKNOWN;

	_exit(end == TEXT_OK ? 0 : TEXT_STATUS + (int)end);
}
