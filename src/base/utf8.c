#include "utf8.h"

#include <string.h>

#define REPLACEMENT	"\xef\xbf\xbd"

/*
 * The character at p, n > 0 bytes long at most: its length, or how many bytes are no character,
 * negative: the longest beginning of one that then goes wrong or ends (what the Unicode standard
 * replaces by one U+FFFD).
 */
static int
decode(const unsigned char *p, size_t n, uint32_t *cp)
{
	unsigned char	 least = 0x80, most = 0xbf;	/* of the second byte */
	int		 len, i;
	uint32_t	 c;

	if (p[0] < 0x80) {
		*cp = p[0];
		return 1;
	}
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return -1;
	if (p[0] < 0xe0) {
		len = 2;
		c = p[0] & 0x1f;
	} else if (p[0] < 0xf0) {
		len = 3;
		c = p[0] & 0x0f;
		if (p[0] == 0xe0)
			least = 0xa0;		/* overlong */
		else if (p[0] == 0xed)
			most = 0x9f;		/* surrogates */
	} else {
		len = 4;
		c = p[0] & 0x07;
		if (p[0] == 0xf0)
			least = 0x90;		/* overlong */
		else if (p[0] == 0xf4)
			most = 0x8f;		/* over U+10FFFF */
	}
	for (i = 1; i < len; i++) {
		if ((size_t)i == n || p[i] < least || p[i] > most)
			return -i;
		c = c << 6 | (p[i] & 0x3f);
		least = 0x80;
		most = 0xbf;
	}
	*cp = c;
	return len;
}

/* How many bytes at p are ASCII, at least, in steps of eight. */
static size_t
ascii_run(const char *p, size_t n)
{
	uint64_t	 eight;
	size_t		 i;

	for (i = 0; i + sizeof eight <= n; i += sizeof eight) {
		memcpy(&eight, p + i, sizeof eight);
		if ((eight & UINT64_C(0x8080808080808080)) != 0)
			break;
	}
	return i;
}

size_t
utf8_good(const char *s, size_t n)
{
	uint32_t	 cp;
	size_t		 i = 0;
	int		 len;

	while (i < n) {
		if ((unsigned char)s[i] < 0x80) {
			size_t	 run = ascii_run(s + i, n - i);

			i += run != 0 ? run : 1;
			continue;
		}
		if ((len = decode((const unsigned char *)s + i, n - i, &cp)) < 0)
			break;
		i += (size_t)len;
	}
	return i;
}

static bool
begins(char c)
{
	return ((unsigned char)c & 0xc0) != 0x80;
}

size_t
utf8_length(const char *s, size_t n)
{
	size_t	 chars = 0;

	for (size_t i = 0; i < n; i++)
		chars += begins(s[i]);
	return chars;
}

size_t
utf8_cut(const char *s, size_t n, size_t chars)
{
	size_t	 i;

	for (i = 0; i < n; i++)
		if (begins(s[i]) && chars-- == 0)
			break;
	return i;
}

size_t
utf8_partial(const char *s, size_t n)
{
	uint32_t	 cp;
	size_t		 k;

	for (k = 1; k <= 3 && k <= n; k++)
		if (begins(s[n - k])) {
			/* Good as far as it goes, yet not whole? */
			if ((unsigned char)s[n - k] < 0xc2 || (unsigned char)s[n - k] > 0xf4)
				return 0;
			return decode((const unsigned char *)s + n - k, k, &cp) == -(int)k ? k : 0;
		}
	return 0;
}

size_t
utf8_next(const char *s, size_t n, uint32_t *cp)
{
	int	 len;

	if (n == 0 || (len = decode((const unsigned char *)s, n, cp)) < 0)
		return 0;
	return (size_t)len;
}

/* Unicode's White_Space and control characters, and what has no width. */
static bool
is_blank(uint32_t cp)
{
	static const struct {
		uint32_t	from, to;
	} blanks[] = {
		{ 0x00, 0x20 }, { 0x7f, 0xa0 }, { 0x1680, 0x1680 }, { 0x2000, 0x200b },
		{ 0x2028, 0x2029 }, { 0x202f, 0x202f }, { 0x205f, 0x205f }, { 0x3000, 0x3000 },
		{ 0xfeff, 0xfeff },
	};

	for (size_t i = 0; i < sizeof(blanks) / sizeof(blanks[0]); i++)
		if (cp >= blanks[i].from && cp <= blanks[i].to)
			return true;
	return false;
}

size_t
utf8_line(char *dst, const char *s, size_t n)
{
	size_t		 len = 0, k;
	uint32_t	 cp;
	bool		 gap = false;

	for (; n > 0 && (k = utf8_next(s, n, &cp)) > 0; s += k, n -= k) {
		if (is_blank(cp)) {
			gap = len > 0;
			continue;
		}
		if (gap)
			dst[len++] = ' ';
		gap = false;
		memcpy(dst + len, s, k);
		len += k;
	}
	return len;
}

bool
utf8_blank(const char *s, size_t n)
{
	size_t		 k;
	uint32_t	 cp;

	for (; n > 0 && (k = utf8_next(s, n, &cp)) > 0; s += k, n -= k)
		if (!is_blank(cp))
			return false;
	return true;
}

size_t
utf8_clean(char *dst, const char *s, size_t n)
{
	uint32_t	 cp;
	size_t		 i = 0, out = 0;
	int		 len;

	while (i < n) {
		len = decode((const unsigned char *)s + i, n - i, &cp);
		if (len < 0) {
			memcpy(dst + out, REPLACEMENT, 3);
			out += 3;
			i += (size_t)-len;
		} else {
			memcpy(dst + out, s + i, (size_t)len);
			out += (size_t)len;
			i += (size_t)len;
		}
	}
	return out;
}

/* Han, kana and Hangul. */
static bool
is_cjk(uint32_t c)
{
	static const struct {
		uint32_t	 first, last;
	} ranges[] = {
		{ 0x1100, 0x11ff }, { 0x2e80, 0x2fd5 }, { 0x3005, 0x3005 }, { 0x3007, 0x3007 },
		{ 0x3021, 0x3029 }, { 0x3038, 0x303b }, { 0x3041, 0x3096 }, { 0x309d, 0x309f },
		{ 0x30a1, 0x30fa }, { 0x30fd, 0x30ff }, { 0x3131, 0x318e }, { 0x31f0, 0x31ff },
		{ 0x3400, 0x4dbf }, { 0x4e00, 0x9fff }, { 0xa960, 0xa97c }, { 0xac00, 0xd7fb },
		{ 0xf900, 0xfad9 }, { 0xff66, 0xff6f }, { 0xff71, 0xff9d }, { 0xffa0, 0xffdc },
		{ 0x20000, 0x323af },
	};

	for (size_t i = 0; i < sizeof ranges / sizeof ranges[0] && c >= ranges[i].first; i++)
		if (c <= ranges[i].last)
			return true;
	return false;
}

void
utf8_tally(struct utf8_tally *t, const char *s, size_t n)
{
	uint32_t	 cp;
	size_t		 i = 0;
	int		 len;

	t->bytes += n;
	while (i < n) {
		if ((len = decode((const unsigned char *)s + i, n - i, &cp)) < 0) {
			len = -len;
			cp = 0;
		}
		if (is_cjk(cp))
			t->cjk++;
		else
			t->other += (size_t)len;
		i += (size_t)len;
	}
}

int64_t
utf8_tally_tokens(const struct utf8_tally *t)
{
	return (int64_t)(t->cjk + (t->other + 3) / 4);
}

int64_t
utf8_tokens(const char *s, size_t n)
{
	struct utf8_tally	 t = { 0 };

	utf8_tally(&t, s, n);
	return utf8_tally_tokens(&t);
}
