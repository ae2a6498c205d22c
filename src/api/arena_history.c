/* GET /conv/his - what was asked and answered in a session. */
#include "arena.h"

#include <string.h>

#include "api/handlers.h"
#include "core/masks.h"
#include "core/who.h"
#include "store/turn.h"

struct history {
	struct talk		 talk;		/* its lanes: those shown */
	const char		*ref;
	struct past		*past;		/* by begin time */
	size_t			 n;
	struct citation_row	*citations;	/* by answer and position */
	char			**bodies;	/* theirs, in the same order */
	size_t			 ncitations;
};

static int
history_load(struct ctx *cx, const struct his_query *in, struct history *h)
{
	int	 lane = -1;

	if (arena_open(cx, "sessionId", in->session_id, &h->talk) == -1)
		return -1;
	h->ref = arena_ref(cx->a, h->talk.session->id);
	if (arena_given(in->pri_id)) {
		int64_t	 session = h->talk.session->id;

		if (arena_open_lane(cx, in->pri_id, &h->talk) == -1)
			return -1;
		if (h->talk.session->id != session)
			return arena_missing(cx, "priId", in->pri_id);
		lane = h->talk.lanes[0].lane;
	}
	if (turn_history(cx, cx->who->id, h->talk.session->id, lane, &h->past, &h->n) == -1 ||
	    citation_list(cx, h->talk.session->id, &h->citations, &h->ncitations) == -1)
		return -1;
	h->bodies = arena_array(cx->a, h->ncitations, sizeof(*h->bodies));
	for (size_t i = 0; i < h->ncitations; i++)
		h->bodies[i] = h->citations[i].body;
	return 0;
}

/* The answer's own: they stand next to each other. */
static char **
citations_of(const struct history *h, int64_t answer, size_t *n)
{
	size_t	 low = 0, high = h->ncitations, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (h->citations[mid].answer < answer)
			low = mid + 1;
		else
			high = mid;
	}
	for (*n = 0; low + *n < h->ncitations && h->citations[low + *n].answer == answer; ++*n)
		;
	return h->bodies + low;
}

/* The answer as its stream said it. */
static const char *
whole_answer(struct arena *a, const struct past *p)
{
	const char	*text = p->text != NULL ? p->text : "";

	if (!arena_given(p->reasoning))
		return text;
	return arena_printf(a, "<think>%s</think>%s", p->reasoning, text);
}

static void
write_answer(struct jw *w, struct arena *a, const struct history *h, const struct lane_row *l,
    const struct past *p)
{
	bool		 running = strcmp(p->status, "running") == 0;
	bool		 stopped = strcmp(p->status, "stopped") == 0;
	struct frame	 f = { .session = h->ref, .at_ms = running ? p->created_ms : p->ended_ms,
	    .content = whole_answer(a, p), .finish = running ? NULL : stopped ? "stop" : p->status,
	    .mask = l->mask, .mask_name = mask_name(l->mask), .pri_id = l->pri_id };

	f.len = strlen(f.content);
	f.citations = citations_of(h, p->answer, &f.ncitations);
	arena_frame(w, &f);
	if (stopped)
		jw_bool(w, "stopped", true);
	jw_str(w, "question", p->question);
	jw_bool(w, "liked", p->liked != 0);
	if (h->talk.session->revealed_ms != 0)
		jw_str(w, "modelCode", p->model_code);
	jw_end(w);
}

/* One question per group, in the order in which they were first asked. */
static size_t
questions_of(struct arena *a, const struct history *h, const char ***questions)
{
	int64_t	*groups = arena_array(a, h->n, sizeof(*groups));
	size_t	 n = 0, k;

	*questions = arena_array(a, h->n, sizeof(**questions));
	for (size_t i = 0; i < h->n; i++) {
		for (k = 0; k < n && groups[k] != h->past[i].group_id; k++)
			;
		if (k < n)
			continue;
		groups[n] = h->past[i].group_id;
		(*questions)[n++] = h->past[i].question;
	}
	return n;
}

static void
write_history(struct jw *w, struct arena *a, const struct history *h)
{
	const char	**questions;
	size_t		  n = questions_of(a, h, &questions);

	jw_obj(w, "data");
	jw_str(w, "sessionId", h->ref);
	jw_str(w, "question", n > 0 ? questions[0] : "");
	jw_arr(w, "questions");
	for (size_t i = 0; i < n; i++)
		jw_str(w, NULL, questions[i]);
	jw_end(w);
	jw_obj(w, "chatMap");
	for (size_t i = 0; i < h->talk.nlanes; i++) {
		const struct lane_row	*l = &h->talk.lanes[i];

		jw_arr(w, l->mask);
		for (size_t k = 0; k < h->n; k++)
			if (h->past[k].lane == l->lane)
				write_answer(w, a, h, l, &h->past[k]);
		jw_end(w);
	}
	jw_end(w);
	jw_end(w);
}

/* GET /conv/his?sessionId[&priId] */
int
arena_conv_his(struct req *r)
{
	struct his_query	 in = { 0 };
	struct history		 h = { 0 };
	struct str		 s = STR_INIT(0);
	struct jw		 w;

	if (req_read(r, &in) == -1 || history_load(&r->cx, &in, &h) == -1)
		return -1;
	jw_open(&w, &s);
	jw_obj(&w, NULL);
	jw_i64(&w, "code", 200);
	jw_str(&w, "msg", arena_success(&r->cx));
	write_history(&w, r->cx.a, &h);
	jw_close(&w);
	reply(r, 200, REPLY_JSON, s.p, s.len);
	str_free(&s);
	return 0;
}
