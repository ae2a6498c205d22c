/*
 * How the dialect "visitor" tells a turn: a message for each delta, then one with what it rests on
 * and what it cost. Thoughts are nobody's business on a website: of them an empty piece is told.
 */
#include "visitor.h"

#include <string.h>

#include "base/jw.h"
#include "store/session.h"

/* The ref of a turn: what its conversation is called and, if that is said, a blank and who asks. */
static char *
voice_ref(struct arena *a, const struct turn *t, const struct question *q)
{
	const struct session	*s = q->session;
	const char		*key = s->msg_key != NULL ? s->msg_key : "";

	(void)t;
	return s->visitor != NULL ? arena_printf(a, "%s %s", key, s->visitor) :
	    arena_strdup(a, key);
}

/* Its two halves. */
struct names {
	const char	*key, *visitor;		/* visitor NULL: nobody is named */
	size_t		 key_len;
};

static struct names
names_of(const struct turn *t)
{
	const char	*ref = t->ref != NULL ? t->ref : "", *blank = strchr(ref, ' ');

	return (struct names){ .key = ref, .visitor = blank != NULL ? blank + 1 : NULL,
		.key_len = blank != NULL ? (size_t)(blank - ref) : strlen(ref) };
}

static void
say(struct out *o, const struct turn *t, const char *text, size_t len)
{
	const struct names	 names = names_of(t);
	struct jw		 w;

	msg_open(o);
	jw_open(&w, &o->buf);
	jw_obj(&w, NULL);
	jw_strn(&w, "desc", text, len);
	jw_strn(&w, "msgKey", names.key, names.key_len);
	jw_str(&w, "visitorId", names.visitor);
	jw_end(&w);
	msg_close(o);
}

static void
voice_delta(struct out *o, const struct lane *l, const struct delta *d)
{
	say(o, l->turn, d->text, d->flags & DELTA_REASONING ? 0 : d->len);
}

static void
voice_whole(struct out *o, const struct lane *l)
{
	say(o, l->turn, l->text.p != NULL ? l->text.p : "", l->text.len);
}

static void
voice_end(struct out *o, const struct lane *l)
{
	struct arena		*a = arena_new(0);
	const struct names	 names = names_of(l->turn);
	struct visitor_usage	 usage = { l->cost };
	struct visitor_reply	 reply = {
		.desc = (char *)"", .msg_key = arena_strndup(a, names.key, names.key_len),
		.source = visitor_sources(a, l->citations, l->ncitations), .usage = &usage,
		.visitor = (char *)names.visitor, .finished = true,
		.stopped = strcmp(l->status, "stopped") == 0,
	};
	struct jw		 w;

	msg_open(o);
	jw_open(&w, &o->buf);
	json_write(&w, NULL, &visitor_reply_fields, &reply, NULL);
	msg_close(o);
	arena_free(a);
}

static void
voice_fail(struct out *o, const struct lane *l)
{
	struct arena		*a = arena_new(0);
	const struct fail	 why = { .kind = l->why, .what = l->model != NULL ?
		l->model->name : NULL };
	struct jw		 w;

	msg_open(o);
	jw_open(&w, &o->buf);
	jw_obj(&w, NULL);
	visitor_fail(&w, fail_text(a, &why, l->turn->lang));
	jw_bool(&w, "finished", true);
	jw_end(&w);
	msg_close(o);
	arena_free(a);
}

const struct voice visitor_voice = {
	.name = "visitor",
	.version = 1,
	.prefix = "data: ",
	.ref = voice_ref,
	.delta = voice_delta,
	.whole = voice_whole,
	.end = voice_end,
	.fail = voice_fail,
};
