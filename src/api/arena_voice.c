/*
 * How the arena tells a turn. Per lane: content frames; one frame with an empty delta and the
 * finish_reason; then exactly one frame with the citations, for clients take a lane as done only at
 * the frame after the stop.
 */
#include "arena.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/think.h"

/* A member as text, numbers too: one upstream's id is a string, another's a number. */
static void
write_text(struct jw *w, const struct json *c, const char *name)
{
	const struct json	*v = json_at(c, name);
	const char		*s;
	char			 number[24];
	int64_t			 i;
	size_t			 n;

	if (json_get_str(v, &s, &n)) {
		jw_strn(w, name, s, n);
	} else if (json_get_i64(v, &i)) {
		snprintf(number, sizeof(number), "%" PRId64, i);
		jw_str(w, name, number);
	} else
		jw_null(w, name);
}

/*
 * The members of the document and no others: an upstream's own citations may hold anything, the
 * model's name for one.
 */
static void
write_citations(struct jw *w, const struct frame *f)
{
	struct json_parser	*parser = json_parser_new();
	struct json		*c;
	int64_t			 duration;

	for (size_t i = 0; i < f->ncitations; i++) {
		c = json_parser_parse(parser, f->citations[i], strlen(f->citations[i]));
		if (c == NULL)
			continue;
		if (json_at(c, "id") != NULL || json_at(c, "summary") != NULL) {
			jw_obj(w, NULL);
			write_text(w, c, "id");
			write_text(w, c, "summary");
			write_text(w, c, "start_time");
			duration = 0;
			json_get_i64(json_at(c, "duration"), &duration);
			jw_i64(w, "duration", duration);
			write_text(w, c, "callnumber");
			write_text(w, c, "callednumber");
			write_text(w, c, "labels");
			jw_end(w);
		}
		json_free(c);
	}
	json_parser_free(parser);
}

void
arena_frame(struct jw *w, const struct frame *f)
{
	jw_obj(w, NULL);
	jw_str(w, "session_id", f->session);
	jw_str(w, "object", "chat.completion.chunk");
	jw_i64(w, "created", f->at_ms / 1000);
	jw_arr(w, "choices");
	jw_obj(w, NULL);
	jw_i64(w, "index", 0);
	jw_obj(w, "delta");
	jw_strn(w, "content", f->len > 0 ? f->content : "", f->len);
	jw_end(w);
	jw_str(w, "finish_reason", f->finish);
	jw_end(w);
	jw_end(w);
	jw_arr(w, "citations");
	if (f->ncitations > 0)
		write_citations(w, f);
	jw_end(w);
	jw_str(w, "maskName", f->mask_name);
	jw_str(w, "maskCode", f->mask);
	jw_str(w, "privateId", f->pri_id);
}

static struct frame
frame_of(const struct lane *l, int64_t at_ms)
{
	return (struct frame){ .session = l->turn->ref, .at_ms = at_ms, .mask = l->mask,
	    .mask_name = l->mask_name, .pri_id = l->pri_id };
}

static void
say(struct out *o, const struct frame *f)
{
	struct jw	 w;

	msg_open(o);
	jw_open(&w, &o->buf);
	arena_frame(&w, f);
	jw_close(&w);
	msg_close(o);
}

/* Reasoning stands in the answer, between <think> and </think>. */
static void
voice_delta(struct out *o, const struct lane *l, const struct delta *d)
{
	struct frame	 f = frame_of(l, d->at_ms);
	struct str	 s = STR_INIT(0);

	f.content = think_delta(&s, d, &f.len);
	say(o, &f);
	str_free(&s);
}

/* The whole answer as one frame of its content. */
static void
voice_whole(struct out *o, const struct lane *l)
{
	struct frame	 f = frame_of(l, l->last_ms != 0 ? l->last_ms : l->ended_ms);
	struct str	 s = STR_INIT(0);

	think_whole(&s, l->reasoning.p, l->text.p);
	f.content = s.p;
	f.len = s.len;
	say(o, &f);
	str_free(&s);
}

static bool
was_stopped(const struct lane *l)
{
	return strcmp(l->status, "stopped") == 0;
}

static void
voice_end(struct out *o, const struct lane *l)
{
	struct frame	 f = frame_of(l, l->ended_ms);

	f.finish = was_stopped(l) ? "stop" : l->status;
	say(o, &f);
}

static void
voice_fail(struct out *o, const struct lane *l)
{
	struct fail	 why = { .kind = l->why, .what = l->mask_name };
	struct frame	 f = frame_of(l, l->ended_ms);
	struct arena	*a = arena_new(0);
	struct jw	 w;

	f.finish = l->status;
	msg_open(o);
	jw_open(&w, &o->buf);
	arena_frame(&w, &f);
	jw_obj(&w, "error");
	jw_i64(&w, "code", fail_status(l->why));
	jw_str(&w, "message", fail_text(a, &why, l->turn->lang));
	jw_close(&w);
	msg_close(o);
	arena_free(a);
}

static void
voice_cite(struct out *o, const struct lane *l)
{
	struct frame	 f = frame_of(l, l->ended_ms);
	struct jw	 w;

	f.citations = l->citations;
	f.ncitations = l->ncitations;
	msg_open(o);
	jw_open(&w, &o->buf);
	arena_frame(&w, &f);
	if (was_stopped(l))
		jw_bool(&w, "stopped", true);
	jw_close(&w);
	msg_close(o);
}

static char *
voice_ref(struct arena *a, const struct turn *t, const struct question *q)
{
	(void)q;
	return arena_ref(a, t->session);
}

const struct voice arena_voice = {
	.name = "arena",
	.version = 1,
	.prefix = "data: ",
	.ref = voice_ref,
	.delta = voice_delta,
	.whole = voice_whole,
	.end = voice_end,
	.fail = voice_fail,
	.cite = voice_cite,
};
