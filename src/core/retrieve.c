#include "retrieve.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/ident.h"
#include "base/jw.h"
#include "tokens.h"

#define TF_MAX	255

struct bag {			/* a text's tokens as hashes */
	struct arena	*a;
	int64_t		*h;
	size_t		 n, size;
};

static void
bag_add(void *arg, const char *token, size_t len)
{
	struct bag	*b = arg;
	int64_t		*grown;

	if (b->n == b->size) {
		b->size = b->size > 0 ? 2 * b->size : 64;
		grown = arena_array(b->a, b->size, sizeof(*grown));
		if (b->n > 0)
			memcpy(grown, b->h, b->n * sizeof(*grown));
		b->h = grown;
	}
	b->h[b->n++] = ident_hash64(token, len);
}

static int
by_hash(const void *a, const void *b)
{
	int64_t	 x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* The text's tokens as postings, sorted by hash; *length gets how many tokens there are in all. */
static struct posting *
postings_of(struct arena *a, const char *text, size_t *n, size_t *length)
{
	struct bag	 bag = { .a = a };
	struct posting	*p;

	*length = tokens_each(a, text, strlen(text), bag_add, &bag);
	if (bag.n > 0)
		qsort(bag.h, bag.n, sizeof(*bag.h), by_hash);
	p = arena_array(a, bag.n, sizeof(*p));
	*n = 0;
	for (size_t i = 0; i < bag.n; i++) {
		if (*n == 0 || p[*n - 1].h != bag.h[i])
			p[(*n)++] = (struct posting){ .h = bag.h[i], .tf = 1 };
		else if (p[*n - 1].tf < TF_MAX)
			p[*n - 1].tf++;
	}
	return p;
}

int
retrieve_index_call(struct ctx *cx, int64_t tenant, struct call_record *c)
{
	struct posting	*p;
	size_t		 n, length;

	p = postings_of(cx->a, c->summary, &n, &length);
	c->tokens = (int64_t)length;
	return call_put(cx, tenant, c, p, n);
}

static char *
citation(struct ctx *cx, const struct call_record *c, const char *begin)
{
	struct str	 s = STR_INIT(0);
	struct jw	 w;
	char		*text;

	jw_open(&w, &s);
	jw_obj(&w, NULL);
	jw_str(&w, "id", c->ref);
	jw_str(&w, "summary", c->summary);
	jw_str(&w, "start_time", begin);
	jw_i64(&w, "duration", c->duration);
	jw_str(&w, "callnumber", c->callnumber);
	jw_str(&w, "callednumber", c->callednumber);
	jw_str(&w, "labels", c->labels);
	jw_close(&w);
	text = arena_strndup(cx->a, s.p, s.len);
	str_free(&s);
	return text;
}

static const char *
or_unknown(const char *s)
{
	return s != NULL && *s != '\0' ? s : "-";
}

/* What the models are told of one record. */
static void
tell(struct str *s, enum lang lang, size_t number, const struct call_record *c, const char *begin)
{
	str_printf(s, lang == LANG_EN ?
	    "\n[%zu] %s, %lld s, from %s to %s, labels %s\n%s\n" :
	    "\n[%zu] %s,时长%lld秒,主叫%s,被叫%s,标签%s\n%s\n",
	    number, begin, (long long)c->duration, or_unknown(c->callnumber),
	    or_unknown(c->callednumber), or_unknown(c->labels), c->summary);
}

int
retrieve_calls(struct ctx *cx, int64_t tenant, const char *question, int64_t from_ms,
    int64_t to_ms, struct found *f)
{
	struct str		 s = STR_INIT(0);
	struct call_record	*c;
	struct posting		*p;
	int64_t			*h;
	size_t			 n, length;
	char			 begin[32];

	*f = (struct found){ 0 };
	p = postings_of(cx->a, question, &n, &length);
	if (n == 0)
		return 0;
	h = arena_array(cx->a, n, sizeof(*h));
	for (size_t i = 0; i < n; i++)
		h[i] = p[i].h;
	if (call_search(cx, tenant, h, n, from_ms, to_ms, RETRIEVE_MOST, &c, &f->n) == -1)
		return -1;
	if (f->n == 0)
		return 0;
	f->citations = arena_array(cx->a, f->n, sizeof(*f->citations));
	str_puts(&s, cx->lang == LANG_EN ?
	    "Call records that were found for the question."
	    " Rest the answer on those that bear on it:\n" :
	    "以下是针对该问题检索到的通话记录,请以其中相关的内容为依据作答:\n");
	for (size_t i = 0; i < f->n; i++) {
		clock_format(begin, sizeof(begin), c[i].start_ms, cx->conf->timezone);
		f->citations[i] = citation(cx, &c[i], begin);
		tell(&s, cx->lang, i + 1, &c[i], begin);
	}
	f->knowledge = arena_strndup(cx->a, s.p, s.len);
	str_free(&s);
	return 0;
}
