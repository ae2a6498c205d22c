/*
 * How the dialect "session" tells a turn: its record as it begins; a message for each delta; last
 * the record as it ended, with the whole answer. All parts together are that answer: what the model
 * thinks before it has a member of its own.
 */
#include "chat_talk.h"

#include <string.h>

#include "core/turn.h"

/* The ref of a turn: what its records say of the question, and the models that may answer it. */
struct chat_ref {
	char			*content_type, *problem_text;
	char			*unread;	/* NULL: nothing */
	struct chat_user	*author;
	struct list		 models;	/* of struct chat_model, the chosen one first */
};

static const struct field chat_ref_f[] = {
	FIELD(chat_ref, T_STR, MUST, content_type, 0, 0, NULL),
	FIELD(chat_ref, T_STR, MUST, problem_text, 0, 0, NULL),
	FIELD(chat_ref, T_ANY, OMIT, unread, 0, 0, NULL),
	FIELD_SUB(chat_ref, T_OBJ, MUST, author, &chat_user_fields, 0, 0, NULL),
	FIELD_SUB(chat_ref, T_LIST, MUST, models, &chat_model_fields, 0, 0, NULL),
};
static FIELDS(chat_ref, "ChatRef");

static char *
voice_ref(struct arena *a, const struct turn *t, const struct question *q)
{
	struct chat_model	*models = arena_array(a, q->nmodels, sizeof(*models));
	struct chat_ref		 ref = {
		.content_type = (char *)q->content_type, .problem_text = (char *)q->text,
		.unread = (char *)q->unread,
		.author = chat_user_of(a, t->owner, (char *)q->author_name,
		    (char *)q->author_avatar),
		.models = { models, q->nmodels },
	};
	struct str		 s = STR_INIT(0);
	struct jw		 w;
	char			*text;

	for (size_t i = 0; i < q->nmodels; i++) {
		const struct model	*m = q->models[i];

		models[i] = *chat_model_of(a, m->id, m->name, m->code, m->logo);
	}
	jw_open(&w, &s);
	json_write(&w, NULL, &chat_ref_fields, &ref, NULL);
	text = arena_strndup(a, s.p, s.len);
	str_free(&s);
	return text;
}

static struct chat_ref
ref_read(struct ctx *cx, const char *text)
{
	struct chat_ref	 ref = { .content_type = (char *)"", .problem_text = (char *)"" };
	json_auto	*j = json_parse(cx, text, strlen(text));

	if (j != NULL)
		json_read(cx, j, &chat_ref_fields, &ref);
	return ref;
}

/* The one that was asked last, or will be. */
static struct chat_model *
model_of(const struct chat_ref *ref, int64_t asked)
{
	struct chat_model	*m = ref->models.p;

	for (size_t i = 0; i < ref->models.n; i++)
		if (m[i].id == asked)
			return &m[i];
	return ref->models.n > 0 ? m : NULL;
}

static char *
citations_of(struct arena *a, const struct lane *l)
{
	struct str	 s = STR_INIT(0);
	struct jw	 w;
	char		*array;

	if (l->ncitations == 0)
		return NULL;
	jw_open(&w, &s);
	jw_arr(&w, NULL);
	for (size_t i = 0; i < l->ncitations; i++)
		jw_raw(&w, NULL, l->citations[i], strlen(l->citations[i]));
	jw_close(&w);
	array = arena_strndup(a, s.p, s.len);
	str_free(&s);
	return array;
}

/* As it begins. */
static struct chat_record
record_of(struct arena *a, const struct lane *l)
{
	const struct turn	*t = l->turn;
	struct ctx		 cx = { .a = a };
	struct chat_ref		 ref = ref_read(&cx, t->ref);
	struct chat_model	*m = model_of(&ref, l->asked);

	return (struct chat_record){
		.id = l->answer, .session_id = t->session, .group_id = t->group,
		.model_id = m != NULL ? m->id : 0, .author_id = t->owner, .author = ref.author,
		.model = m, .content_type = ref.content_type, .problem_text = ref.problem_text,
		.unread = ref.unread,
		.answer_text = (char *)"", .status = (char *)chat_status("running"),
		.create_at = t->created_ms,
	};
}

static void
say(struct out *o, const struct chat_conversation *c)
{
	struct jw	 w;

	msg_open(o);
	jw_open(&w, &o->buf);
	json_write(&w, NULL, &chat_conversation_fields, c, NULL);
	msg_close(o);
}

static void
voice_begin(struct out *o, const struct turn *t)
{
	struct arena			*a = arena_new(0);
	struct lane			 l = t->lanes[0];
	struct chat_record		 record;
	const struct chat_conversation	 c = { .stream_id = t->id, .record = &record };

	l.asked = 0;			/* also where it is told again */
	record = record_of(a, &l);
	say(o, &c);
	arena_free(a);
}

/* More of the answer, more of what is thought before it; NULL: nothing of that. */
static void
say_more(struct out *o, const char *text, size_t len, const char *thought, size_t thought_len)
{
	struct jw	 w;

	msg_open(o);
	jw_open(&w, &o->buf);
	jw_obj(&w, NULL);
	jw_arr(&w, "parts");
	if (text != NULL)
		jw_strn(&w, NULL, text, len);
	jw_end(&w);
	if (thought != NULL)
		jw_strn(&w, "reasoning", thought, thought_len);
	jw_bool(&w, "finished", false);
	jw_end(&w);
	msg_close(o);
}

static void
voice_delta(struct out *o, const struct lane *l, const struct delta *d)
{
	(void)l;
	if (d->flags & DELTA_REASONING)
		say_more(o, NULL, 0, d->text, d->len);
	else
		say_more(o, d->text, d->len, NULL, 0);
}

static void
voice_whole(struct out *o, const struct lane *l)
{
	say_more(o, l->text.p != NULL ? l->text.p : "", l->text.len,
	    l->reasoning.len > 0 ? l->reasoning.p : NULL, l->reasoning.len);
}

/* The last message, however it ended. */
static void
voice_last(struct out *o, const struct lane *l)
{
	struct arena			*a = arena_new(0);
	struct chat_record		 record = record_of(a, l);
	struct chat_error		 error;
	struct chat_conversation	 c = {
		.record = &record, .finished = true, .stopped = strcmp(l->status, "stopped") == 0,
	};
	const struct fail		 why = {
		.kind = l->why, .what = record.model != NULL ? record.model->name : NULL,
	};

	record.status = (char *)chat_status(l->status);
	if (l->text.p != NULL)
		record.answer_text = l->text.p;
	record.citations = citations_of(a, l);
	if (l->why != F_NONE) {
		error = (struct chat_error){ .code = fail_status(l->why),
		    .msg = (char *)fail_text(a, &why, l->turn->lang) };
		c.error = &error;
	}
	say(o, &c);
	arena_free(a);
}

const struct voice chat_voice = {
	.name = "session",
	.version = 2,
	.prefix = "data: ",
	.ref = voice_ref,
	.wants_text = true,
	.begin = voice_begin,
	.delta = voice_delta,
	.whole = voice_whole,
	.end = voice_last,
	.fail = voice_last,
};
