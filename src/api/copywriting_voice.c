/*
 * How the dialect "copywriting" tells a turn: its dialogue, then what is said piece by piece, then
 * that it is over.
 */
#include "copywriting.h"

#include <inttypes.h>
#include <string.h>

#include "api/think.h"
#include "store/model.h"

/* What a message of a stream says, but for the first. */
struct copywriting_error {
	int	 code;			/* as an HTTP status */
	char	*msg;
};

struct copywriting_event {
	char				*result;
	bool				 is_end;
	int64_t				 dialogue;
	bool				 stopped;
	struct copywriting_error	*error;	/* NULL: none */
};

static const struct field copywriting_error_f[] = {
	FIELD(copywriting_error, T_INT, MAY, code, 0, 0, "as an HTTP status"),
	FIELD(copywriting_error, T_STR, MAY, msg, 0, 0, NULL),
};
static FIELDS(copywriting_error, "CopywritingError");

static const struct field copywriting_event_f[] = {
	FIELD(copywriting_event, T_STR, MUST, result, 0, 0, "返回消息"),
	FIELD_AS(copywriting_event, T_BOOL, MUST, is_end, "isEnd", 0, 0, "是否是最后一个消息"),
	FIELD_AS(copywriting_event, T_ID, MUST, dialogue, "userDialogueId", 0, 0, "对话id"),
	FIELD(copywriting_event, T_BOOL, OMIT, stopped, 0, 0,
	    "in the last: the answer was stopped on request"),
	FIELD_SUB(copywriting_event, T_OBJ, OMIT, error, &copywriting_error_fields, 0, 0,
	    "in the last: why the answer failed"),
};
FIELDS(copywriting_event, "CopywritingEvent");

/* What the dialogue had come to before. */
struct spent {
	int64_t	 tokens;
	double	 price;
};

static const struct field spent_f[] = {
	FIELD(spent, T_I64, MUST, tokens, 0, 0, NULL),
	FIELD(spent, T_F64, MUST, price, 0, 0, NULL),
};
static FIELDS(spent, "CopywritingSpent");

static char *
text_of(struct arena *a, const struct fields *table, const void *from, const char *zone)
{
	struct str	 s = STR_INIT(0);
	struct jw	 w;

	jw_open(&w, &s);
	json_write(&w, NULL, table, from, zone);
	return str_keep(&s, a);
}

char *
copywriting_ref(struct arena *a, int64_t tokens, double cost)
{
	const struct spent	 s = { .tokens = tokens, .price = copywriting_price(cost) };

	return text_of(a, &spent_fields, &s, NULL);
}

static struct spent
spent_before(struct arena *a, const char *ref)
{
	struct ctx	 cx = { .a = a };
	struct spent	 s = { 0 };
	json_auto	*j = NULL;

	if (ref != NULL && (j = json_parse(&cx, ref, strlen(ref))) != NULL)
		json_read(&cx, j, &spent_fields, &s);
	return s;
}

/*
 * The first message is the ref. Of a turn that runs it comes with what was spent before, of one
 * that is told from the database that is not told.
 */
static char *
voice_ref(struct arena *a, const struct turn *t, const struct question *q)
{
	const struct spent		 spent = spent_before(a, t->ref);
	char				*by, *empty = (char *)"{}";
	struct copywriting_message	 message;
	struct copywriting_dialogue	 dialogue;

	by = (char *)(q->author_name != NULL ? q->author_name : q->author != NULL ? q->author : "");
	message = (struct copywriting_message){
		.create_by = by, .create_ms = t->created_ms, .params = empty, .id = t->id,
		.content = (char *)q->text, .role = (char *)"user",
		.parent = t->parent != 0 ? t->parent : t->session, .dialogue = t->session,
		.user = t->owner,
	};
	dialogue = (struct copywriting_dialogue){
		.create_by = by, .create_ms = q->session->created_ms, .update_by = by,
		.update_ms = t->created_ms, .params = empty, .tenant = q->session->tenant,
		.id = t->session, .user = t->owner, .scene = q->session->version,
		.manage = q->session->assistant, .model = q->nmodels > 0 ? q->models[0]->id : 0,
		.total_tokens = spent.tokens, .price = spent.price, .source = empty,
		.message = &message,
	};
	return text_of(a, &copywriting_dialogue_fields, &dialogue, q->zone);
}

static void
voice_begin(struct out *o, const struct turn *t)
{
	msg_open(o);
	str_puts(&o->buf, t->ref);
	msg_close(o);
}

static void
say(struct out *o, const struct lane *l, const char *text, size_t len)
{
	struct jw	 w;

	msg_open(o);
	jw_open(&w, &o->buf);
	jw_obj(&w, NULL);
	jw_strn(&w, "result", text, len);
	jw_bool(&w, "isEnd", false);
	jw_idstr(&w, "userDialogueId", l->turn->session);
	jw_end(&w);
	msg_close(o);
}

static void
voice_delta(struct out *o, const struct lane *l, const struct delta *d)
{
	struct str	 s = STR_INIT(0);
	const char	*text;
	size_t		 len;

	text = think_delta(&s, d, &len);
	say(o, l, text, len);
	str_free(&s);
}

static void
voice_whole(struct out *o, const struct lane *l)
{
	struct str	 s = STR_INIT(0);

	think_whole(&s, l->reasoning.p, l->text.p);
	say(o, l, s.len > 0 ? s.p : "", s.len);
	str_free(&s);
}

/* Whom to name where it failed: what the first message says. */
static char *
model_of(struct arena *a, const char *ref)
{
	struct ctx	 cx = { .a = a };
	json_auto	*j = json_parse(&cx, ref, strlen(ref));
	int64_t		 id = 0;

	if (j != NULL)
		json_get_i64(json_member(j, "modelServiceId"), &id);
	return arena_printf(a, "modelServiceId %" PRId64, id);
}

/* However it ended. */
static void
voice_last(struct out *o, const struct lane *l)
{
	struct copywriting_event	 e = {
		.result = (char *)"", .is_end = true, .dialogue = l->turn->session,
		.stopped = strcmp(l->status, "stopped") == 0,
	};
	struct fail			 why = { .kind = l->why };
	struct copywriting_error	 error;
	struct arena			*a = arena_new(0);
	struct jw			 w;

	if (l->why != F_NONE) {
		why.what = model_of(a, l->turn->ref);
		error = (struct copywriting_error){ .code = fail_status(l->why),
		    .msg = (char *)fail_text(a, &why, l->turn->lang) };
		e.error = &error;
	}
	msg_open(o);
	jw_open(&w, &o->buf);
	json_write(&w, NULL, &copywriting_event_fields, &e, NULL);
	msg_close(o);
	arena_free(a);
}

const struct voice copywriting_voice = {
	.name = "copywriting",
	.version = 1,
	.prefix = "data:",
	.ref = voice_ref,
	.begin = voice_begin,
	.delta = voice_delta,
	.whole = voice_whole,
	.end = voice_last,
	.fail = voice_last,
};

/* A transcript, which is not stored: the whole reply. */
static void
text_end(struct out *o, const struct lane *l)
{
	struct copywriting_text		 text = {
		.text = (char *)(l->text.len > 0 ? l->text.p : ""),
	};
	const struct copywriting_data	 all = {
		.code = 200, .msg = copywriting_success(l->turn->lang), .data = &text,
		.stopped = strcmp(l->status, "stopped") == 0,
	};
	struct jw			 w;

	msg_open(o);
	jw_open(&w, &o->buf);
	json_write(&w, NULL, &copywriting_text_data_fields, &all, NULL);
	msg_close(o);
}

const struct voice copywriting_text_voice = {
	.name = "copywriting text",
	.version = 1,
	.prefix = "",
	.wants_text = true,
	.end = text_end,
};
