#include "charset.h"

#include <errno.h>
#include <iconv.h>
#include <string.h>
#include <strings.h>

#include "base/utf8.h"

#define PIECE	65536		/* bytes of room for what iconv gives at once */
#define RARE	100		/* of so many characters of a text one may be a control character */

static const struct mark {
	const char	*bytes;
	size_t		 n;
	const char	*charset;
} marks[] = {
	{ "\xef\xbb\xbf", 3, "UTF-8" },
	{ "\xff\xfe", 2, "UTF-16LE" },
	{ "\xfe\xff", 2, "UTF-16BE" },
};

/* What browsers take the names for. Others are not tried: iconv knows dangerous ones. */
static const struct {
	const char	*name, *charset;
} names[] = {
	{ "gb2312", "GB18030" },
	{ "gbk", "GB18030" },
	{ "gb18030", "GB18030" },
	{ "x-gbk", "GB18030" },
	{ "big5", "BIG5-HKSCS" },
	{ "big5-hkscs", "BIG5-HKSCS" },
	{ "euc-jp", "EUC-JP" },
	{ "euc-kr", "UHC" },
	{ "iso-8859-1", "CP1252" },
	{ "iso-8859-2", "ISO-8859-2" },
	{ "iso-8859-15", "ISO-8859-15" },
	{ "koi8-r", "KOI8-R" },
	{ "latin1", "CP1252" },
	{ "shift_jis", "CP932" },
	{ "windows-1250", "CP1250" },
	{ "windows-1251", "CP1251" },
	{ "windows-1252", "CP1252" },
};

static const char *
charset_of(const char *name)
{
	for (size_t i = 0; name != NULL && i < sizeof(names) / sizeof(names[0]); i++)
		if (strcasecmp(names[i].name, name) == 0)
			return names[i].charset;
	return NULL;
}

/* All of it, or -1. */
static int
convert(struct str *out, const char *p, size_t n, const char *charset)
{
	iconv_t	 cd;
	char	*from = (char *)p, *to;
	size_t	 room, done;
	int	 rc = 0;

	if ((cd = iconv_open("UTF-8", charset)) == (iconv_t)-1)
		return -1;
	while (rc == 0 && n > 0) {
		room = PIECE;
		if ((to = str_room(out, room)) == NULL) {
			rc = -1;
			break;
		}
		errno = 0;
		done = iconv(cd, &from, &n, &to, &room);
		out->len += PIECE - room;
		if (done == (size_t)-1 && errno != E2BIG)
			rc = -1;
	}
	iconv_close(cd);
	if (out->p != NULL)
		out->p[out->len] = '\0';
	return rc;
}

/* Begins anew where the last attempt ended. */
static int
attempt(struct str *out, size_t before, const char *p, size_t n, const char *charset)
{
	if (out->len > before) {
		out->len = before;
		out->p[before] = '\0';
	}
	return charset == NULL ? -1 : convert(out, p, n, charset);
}

/* Is it text at all? Not what holds zeros, or many control characters. */
static bool
is_text(const char *p, size_t n)
{
	size_t	controls = 0;

	for (size_t i = 0; i < n; i++) {
		const unsigned char	c = (unsigned char)p[i];

		if (c == '\0')
			return false;
		controls += (c < ' ' && strchr("\t\n\v\f\r\033", c) == NULL) || c == 0x7f;
	}
	return controls <= n / RARE;
}

/* A file of another kind by its first bytes, though none of them need be a zero. */
static bool
is_other(const char *p, size_t n)
{
	static const char	*const begin[] = { "%PDF-", "PK\x03\x04" };

	for (size_t i = 0; i < sizeof(begin) / sizeof(begin[0]); i++)
		if (n >= strlen(begin[i]) && memcmp(p, begin[i], strlen(begin[i])) == 0)
			return true;
	return false;
}

int
charset_decode(struct str *out, const char *p, size_t n, const char *name)
{
	const size_t	before = out->len;
	int		rc = -1;

	if (is_other(p, n))
		return -1;
	for (size_t i = 0; rc == -1 && i < sizeof(marks) / sizeof(marks[0]); i++)
		if (n >= marks[i].n && memcmp(p, marks[i].bytes, marks[i].n) == 0)
			rc = attempt(out, before, p + marks[i].n, n - marks[i].n,
			    marks[i].charset);
	if (rc == -1 && utf8_valid(p, n)) {
		attempt(out, before, p, n, NULL);
		rc = str_put(out, p, n);
	}
	if (rc == -1)
		rc = attempt(out, before, p, n, charset_of(name));
	if (rc == -1)
		rc = attempt(out, before, p, n, "GB18030");
	if (rc == -1)
		return -1;
	/* Of a mark alone nothing is left, perhaps not even memory. */
	return out->len == before || is_text(out->p + before, out->len - before) ? 0 : -1;
}
