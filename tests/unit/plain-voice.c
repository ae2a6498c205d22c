#include "plain-voice.h"

#include <inttypes.h>

#include "base/arena.h"
#include "core/turn.h"

static void
say(struct out *o, const char *text)
{
	msg_open(o);
	str_puts(&o->buf, text);
	msg_close(o);
}

static void
voice_begin(struct out *o, const struct turn *t)
{
	msg_open(o);
	str_printf(&o->buf, "begin %s %d", t->ref, t->nlanes);
	msg_close(o);
}

static char *
voice_ref(struct arena *a, const struct turn *t, const struct question *q)
{
	return arena_printf(a, "s%" PRId64 " of %" PRId64 " %s %s to %s", t->session, t->group,
	    q->content_type, q->text, q->nmodels > 0 ? q->models[0]->code : "nobody");
}

static void
say_text(struct out *o, const struct lane *l)
{
	str_printf(&o->buf, " [%s][%s]", l->reasoning.len > 0 ? l->reasoning.p : "",
	    l->text.len > 0 ? l->text.p : "");
}

static void
voice_delta(struct out *o, const struct lane *l, const struct delta *d)
{
	msg_open(o);
	str_printf(&o->buf, "%s %" PRId64 " %d ", l->mask, d->at_ms, d->flags);
	str_put(&o->buf, d->text, d->len);
	msg_close(o);
}

static void
voice_whole(struct out *o, const struct lane *l)
{
	msg_open(o);
	str_printf(&o->buf, "%s all", l->mask);
	say_text(o, l);
	msg_close(o);
}

static void
voice_end(struct out *o, const struct lane *l)
{
	msg_open(o);
	str_printf(&o->buf, "%s %s at %" PRId64 ", %" PRId64 " tokens", l->mask, l->status,
	    l->ended_ms, l->completion_tokens);
	say_text(o, l);
	msg_close(o);
}

static void
voice_fail(struct out *o, const struct lane *l)
{
	msg_open(o);
	str_printf(&o->buf, "%s failed: %s, %" PRId64 " tokens", l->mask, fail_name(l->why),
	    l->completion_tokens);
	say_text(o, l);
	msg_close(o);
}

static void
voice_cite(struct out *o, const struct lane *l)
{
	msg_open(o);
	str_printf(&o->buf, "%s cites %zu:", l->mask, l->ncitations);
	for (size_t i = 0; i < l->ncitations; i++)
		str_puts(&o->buf, l->citations[i]);
	if (l->questions != NULL)
		str_printf(&o->buf, " asks %s", l->questions);
	msg_close(o);
}

static void
voice_done(struct out *o, const struct turn *t)
{
	(void)t;
	say(o, "done");
}

const struct voice	plain_voice = {
	.name = "plain", .version = 1, .prefix = "", .ref = voice_ref,
	.wants_text = true,
	.begin = voice_begin, .delta = voice_delta, .whole = voice_whole, .end = voice_end,
	.fail = voice_fail, .cite = voice_cite, .done = voice_done,
};

const struct voice *const	plain_voices[] = { &plain_voice, NULL };
