/*
 * How the dialect "release" tells a turn: its ids as it begins; a message for each delta; last the
 * whole answer, what it rests on and what may be asked next; then [DONE].
 */
#include "release.h"

#include <stdlib.h>
#include <string.h>

#include "api/think.h"
#include "base/jw.h"

/*
 * The ref of a turn: the number of its round, a blank, and what its conversation is called. Every
 * message has both.
 */
static char *
voice_ref(struct arena *a, const struct turn *t, const struct question *q)
{
	return arena_printf(a, "%lld %s", (long long)t->round,
	    release_conversation(a, t->session, q->author));
}

static const char *
conversation_of(const struct turn *t)
{
	const char	*blank = t->ref != NULL ? strchr(t->ref, ' ') : NULL;

	return blank != NULL ? blank + 1 : "";
}

static int64_t
seq_of(const struct turn *t)
{
	return t->ref != NULL ? strtoll(t->ref, NULL, 10) : 0;
}

/* Most messages are told by hand: the table of the reply is for its lists. */
static void
say_delta(struct out *o, const struct turn *t, const char *text, size_t len)
{
	struct jw	 w;

	msg_open(o);
	jw_open(&w, &o->buf);
	jw_obj(&w, NULL);
	jw_str(&w, "conversation_id", conversation_of(t));
	jw_i64(&w, "seq", seq_of(t));
	jw_strn(&w, "message", "", 0);
	jw_strn(&w, "delta", text, len);
	jw_i64(&w, "finish_reason", ENDED_UNSPECIFIED);
	jw_arr(&w, "knowledge_base_results");
	jw_end(&w);
	jw_idstr(&w, "history_id", t->group);
	jw_arr(&w, "prompt_questions");
	jw_end(&w);
	jw_end(&w);
	msg_close(o);
}

static void
voice_begin(struct out *o, const struct turn *t)
{
	say_delta(o, t, "", 0);
}

static void
voice_delta(struct out *o, const struct lane *l, const struct delta *d)
{
	struct str	 s = STR_INIT(0);
	const char	*text;
	size_t		 len;

	text = think_delta(&s, d, &len);
	say_delta(o, l->turn, text, len);
	str_free(&s);
}

static void
voice_whole(struct out *o, const struct lane *l)
{
	struct str	 s = STR_INIT(0);

	think_whole(&s, l->reasoning.p, l->text.p);
	say_delta(o, l->turn, s.p != NULL ? s.p : "", s.len);
	str_free(&s);
}

/* The last message, however it ended. */
static void
voice_last(struct out *o, const struct lane *l)
{
	const struct turn	*t = l->turn;
	struct arena		*a = arena_new(0);
	struct str		 s = STR_INIT(0);
	struct release_reply	 reply;
	struct jw		 w;

	think_whole(&s, l->reasoning.p, l->text.p);
	reply = (struct release_reply){
		.conversation_id = (char *)conversation_of(t), .seq = seq_of(t),
		.message = s.p != NULL ? s.p : (char *)"", .delta = (char *)"",
		.finish_reason = release_finish(l->status),
		.knowledge_base_results = release_results(a, l->citations, l->ncitations),
		.history_id = arena_printf(a, "%lld", (long long)t->group),
		.prompt_questions = release_questions(a, l->questions),
		.stopped = strcmp(l->status, "stopped") == 0,
	};
	msg_open(o);
	jw_open(&w, &o->buf);
	json_write(&w, NULL, &release_reply_fields, &reply, NULL);
	msg_close(o);
	str_free(&s);
	arena_free(a);
}

static void
voice_done(struct out *o, const struct turn *t)
{
	(void)t;
	msg_text(o, "[DONE]");
}

const struct voice release_voice = {
	.name = "release",
	.version = 1,
	.prefix = "data: ",
	.ref = voice_ref,
	.wants_text = true,
	.begin = voice_begin,
	.delta = voice_delta,
	.whole = voice_whole,
	.end = voice_last,
	.fail = voice_last,
	.done = voice_done,
};
