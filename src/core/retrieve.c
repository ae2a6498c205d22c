#include "retrieve.h"

#include <string.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/jw.h"
#include "core/terms.h"

int
retrieve_index_call(struct ctx *cx, int64_t tenant, struct call_record *c)
{
	struct posting	*p;
	size_t		 n, length;

	p = terms_of(cx->a, TERMS_EXACT, c->summary, strlen(c->summary), &n, &length);
	c->tokens = (int64_t)length;
	return call_put(cx, tenant, c, p, n);
}

static char *
citation(struct ctx *cx, const struct call_record *c, const char *begin)
{
	struct str	 s = STR_INIT(0);
	struct jw	 w;

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
	return str_keep(&s, cx->a);
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
	p = terms_of(cx->a, TERMS_EXACT, question, strlen(question), &n, &length);
	if (n == 0)
		return 0;
	h = terms_hashes(cx->a, p, n);
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
	f->knowledge = str_keep(&s, cx->a);
	return 0;
}
