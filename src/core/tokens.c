#include "tokens.h"

#include <stdlib.h>
#include <utf8proc.h>

#include <string.h>

#include "base/utf8.h"

enum kind { OTHER, HAN, WORD };

bool
tokens_han(uint32_t c)
{
	return (c >= 0x4e00 && c <= 0x9fff) || (c >= 0x3400 && c <= 0x4dbf) ||
	    (c >= 0xf900 && c <= 0xfaff) || (c >= 0x20000 && c <= 0x3ffff) || c == 0x3005 ||
	    c == 0x3007;
}

static enum kind
kind_of(uint32_t c)
{
	if (tokens_han(c))
		return HAN;
	switch (utf8proc_category((utf8proc_int32_t)c)) {
	case UTF8PROC_CATEGORY_LU:
	case UTF8PROC_CATEGORY_LL:
	case UTF8PROC_CATEGORY_LT:
	case UTF8PROC_CATEGORY_LM:
	case UTF8PROC_CATEGORY_LO:
	case UTF8PROC_CATEGORY_MN:
	case UTF8PROC_CATEGORY_MC:
	case UTF8PROC_CATEGORY_ND:
	case UTF8PROC_CATEGORY_NL:
	case UTF8PROC_CATEGORY_NO:
		return WORD;
	default:
		return OTHER;
	}
}

/* NFKC and casefold; the text as it is where that is not possible. */
static const char *
fold(struct arena *a, const char *text, size_t *len)
{
	utf8proc_uint8_t	*folded = NULL;
	utf8proc_ssize_t	 n;

	n = utf8proc_map((const utf8proc_uint8_t *)text, (utf8proc_ssize_t)*len, &folded,
	    UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD |
	    UTF8PROC_IGNORE);
	if (n < 0)
		return text;
	text = arena_strndup(a, (const char *)folded, (size_t)n);
	*len = (size_t)n;
	free(folded);
	return text;
}

static void
tell_characters(const char *run, size_t len, token_fn *fn, void *arg)
{
	uint32_t	 c;
	size_t		 one;

	for (; len > 0; run += one, len -= one) {
		one = utf8_next(run, len, &c);
		fn(arg, run, one);
	}
}

static size_t
tell_han(const char *run, size_t len, bool singles, token_fn *fn, void *arg)
{
	uint32_t	 c;
	size_t		 first = utf8_next(run, len, &c), second, n = 0;

	if (first == len) {
		fn(arg, run, len);
		return 1;
	}
	if (singles)
		tell_characters(run, len, fn, arg);
	for (; first < len; run += first, len -= first, first = second, n++) {
		second = utf8_next(run + first, len - first, &c);
		fn(arg, run, first + second);
	}
	return n;
}

static size_t
tell_word(const char *run, size_t len, token_fn *fn, void *arg)
{
	if (len > TOKEN_BYTES)
		len = TOKEN_BYTES - utf8_partial(run, TOKEN_BYTES);
	fn(arg, run, len);
	return 1;
}

size_t
tokens_each(struct arena *a, const char *text, size_t len, bool singles, token_fn *fn, void *arg)
{
	const char	*p = fold(a, text, &len), *end = p + len, *run = p;
	enum kind	 kind, in = OTHER;
	uint32_t	 c;
	size_t		 n = 0, step;

	for (;; p += step) {
		step = p < end ? utf8_next(p, (size_t)(end - p), &c) : 0;
		kind = step > 0 ? kind_of(c) : OTHER;
		if (kind != in) {
			if (in == HAN)
				n += tell_han(run, (size_t)(p - run), singles, fn, arg);
			else if (in == WORD)
				n += tell_word(run, (size_t)(p - run), fn, arg);
			run = p;
			in = kind;
		}
		if (step == 0)
			return n;
	}
}
