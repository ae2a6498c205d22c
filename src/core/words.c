#include "core/words.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "core/tokens.h"

#define STEM_LEAST	3	/* letters that are left of a word */

/* Sorted. */
static const char *const	 fillers[] = {
	"a", "about", "after", "again", "also", "am", "an", "and", "any", "are", "as", "at", "be",
	"been", "before", "between", "but", "by", "can", "could", "did", "didn", "do", "does",
	"doesn", "don", "down", "during", "each", "for", "from", "get", "got", "had", "has", "have",
	"he", "her", "here", "him", "his", "how", "i", "if", "in", "is", "isn", "it", "its", "just",
	"ll", "long", "m", "many", "may", "me", "might", "mine", "much", "must", "my", "near", "no",
	"not", "now", "of", "off", "ok", "on", "or", "our", "over", "please", "re", "s", "shall",
	"she", "should", "so", "some", "t", "than", "that", "the", "their", "them", "then", "there",
	"these", "they", "this", "those", "to", "too", "under", "up", "us", "ve", "was", "we",
	"were", "what", "when", "where", "which", "who", "whom", "whose", "why", "will", "with",
	"would", "you", "your",
	"一下", "几个", "几天", "几年", "几次", "可以", "哪些", "多久", "多大", "多少", "多长",
	"如何", "是不", "是否", "有没", "没有", "能不", "请问",
};

/* A pair with one of these is a filler, or its seam to a word. */
static const char	 particles[] = "的了吗呢吧啊呀么嘛怎什咋哪谁";

struct token {
	const char	*p;
	size_t		 len;
};

static int
compare(const void *key, const void *member)
{
	const struct token	*t = key;
	const char		*filler = *(const char *const *)member;
	const int		 order = strncmp(t->p, filler, t->len);

	return order != 0 ? order : filler[t->len] == '\0' ? 0 : -1;
}

static bool
has_particle(const char *p, size_t len)
{
	uint32_t	 c, of;
	size_t		 step;

	for (; (step = utf8_next(p, len, &c)) > 0; p += step, len -= step) {
		if (c < 0x80)
			return false;
		for (const char *q = particles; *q != '\0'; q += utf8_next(q, strlen(q), &of))
			if (utf8_next(q, strlen(q), &of) > 0 && of == c)
				return true;
	}
	return false;
}

bool
words_filler(const char *p, size_t len)
{
	const struct token	 t = { p, len };

	return bsearch(&t, fillers, sizeof(fillers) / sizeof(*fillers), sizeof(*fillers),
	    compare) != NULL || has_particle(p, len);
}

bool
words_pair(const char *p, size_t len)
{
	uint32_t	 c = 0, d = 0;
	const size_t	 first = utf8_next(p, len, &c);

	return first < len && first + utf8_next(p + first, len - first, &d) == len &&
	    tokens_han(c) && tokens_han(d);
}

/* Stems. */

static bool
is_english(const char *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (p[i] < 'a' || p[i] > 'z')
			return false;
	return true;
}

static bool
ends(const char *p, size_t len, const char *with)
{
	const size_t	 n = strlen(with);

	return len >= n + STEM_LEAST && memcmp(p + len - n, with, n) == 0;
}

static size_t
without_plural(const char *p, size_t len)
{
	if (ends(p, len, "es") && strchr("sxzh", p[len - 3]) != NULL)
		return len - 2;
	if (ends(p, len, "s") && strchr("su", p[len - 2]) == NULL)
		return len - 1;
	return len;
}

/* "planned", "planning": "plan". */
static size_t
without_tense(const char *p, size_t len)
{
	size_t	 stem = ends(p, len, "ing") ? len - 3 : ends(p, len, "ed") ? len - 2 : len;

	if (stem == len || strcspn(p, "aeiouy") >= stem)
		return len;
	if (p[stem - 1] == p[stem - 2] && strchr("lsz", p[stem - 1]) == NULL)
		stem--;
	return stem;
}

size_t
words_stem(const char *p, size_t len)
{
	if (!is_english(p, len))
		return len;
	if (ends(p, len, "ies") || ends(p, len, "ied"))
		return len - 3;
	len = without_tense(p, without_plural(p, len));
	return ends(p, len, "e") || ends(p, len, "y") ? len - 1 : len;
}
