/* Dialogues: listing them and what was said in them, and closing their streams. */
#include "copywriting.h"

#include "api/handlers.h"
#include "api/think.h"
#include "core/chat.h"
#include "core/engine.h"
#include "core/who.h"

static char *
word(const char *s)
{
	return (char *)s;
}

static void
show_dialogue(struct arena *a, const struct dialogue_row *row, struct copywriting_dialogue *out)
{
	struct copywriting_message	*m = NULL;

	if (row->turn != 0) {
		m = arena_get(a, sizeof(*m));
		*m = (struct copywriting_message){
			.create_by = row->author, .create_ms = row->asked_ms, .params = word("{}"),
			.id = row->turn, .content = row->question, .role = word("user"),
			.parent = row->parent != 0 ? row->parent : row->id, .dialogue = row->id,
			.user = row->owner,
		};
	}
	*out = (struct copywriting_dialogue){
		.create_by = row->author, .create_ms = row->created_ms, .update_by = row->author,
		.update_ms = row->updated_ms, .params = word("{}"), .tenant = row->tenant,
		.id = row->id, .user = row->owner, .scene = row->version, .manage = row->assistant,
		.model = row->model, .total_tokens = row->tokens,
		.price = copywriting_price(row->cost), .source = word("{}"), .message = m,
		.name = row->title,
	};
}

/* GET /copywriting/dialogue/list */
int
copywriting_dialogues(struct req *r)
{
	struct ctx			*cx = &r->cx;
	struct copywriting_find		 in = { 0 };
	struct copywriting_dialogue	*out;
	struct dialogue_page		 page;
	struct dialogue_row		*rows;
	int64_t				 assistant, total;
	size_t				 n;

	if (req_read(r, &in) == -1 || copywriting_page(cx, &in.page, &page) == -1 ||
	    copywriting_id(cx, "manageId", in.of, &assistant) == -1 ||
	    (assistant != 0 && assistant_get(cx, cx->who->tenant, assistant) == NULL) ||
	    dialogue_list(cx, cx->who->id, copywriting_voice.name, assistant, &page, &rows, &n,
	    &total) == -1)
		return -1;
	out = arena_array(cx->a, n, sizeof(*out));
	for (size_t i = 0; i < n; i++)
		show_dialogue(cx->a, &rows[i], &out[i]);
	return copywriting_reply_rows(r, &copywriting_dialogue_rows_fields,
	    (struct list){ out, n }, total);
}

static struct copywriting_message
question_of(const struct ctx *cx, const struct message_row *row, int64_t dialogue, int64_t parent)
{
	return (struct copywriting_message){
		.create_by = word(cx->who->name != NULL ? cx->who->name : cx->who->subject),
		.create_ms = row->asked_ms, .params = word("{}"), .id = row->turn,
		.content = row->question, .role = word("user"), .parent = parent,
		.dialogue = dialogue, .user = cx->who->id,
	};
}

/* Tokens and price are the answer's, so that their sum over all messages is the dialogue's. */
static struct copywriting_message
answer_of(const struct ctx *cx, const struct message_row *row, int64_t dialogue)
{
	struct copywriting_message	 m = question_of(cx, row, dialogue, row->turn);
	struct str			 s = STR_INIT(0);

	think_whole(&s, row->reasoning, row->text);
	m.content = s.len > 0 ? str_keep(&s, cx->a) : word("");
	m.create_ms = row->ended_ms;
	m.id = row->answer;
	m.role = word("assistant");
	m.prompt_tokens = row->prompt_tokens;
	m.completion_tokens = row->completion_tokens;
	m.total_tokens = row->prompt_tokens + row->completion_tokens;
	m.price = copywriting_price(row->cost);
	return m;
}

/* GET /copywriting/message/list/{userDialogueId} - an answer that runs comes when it is over */
int
copywriting_messages(struct req *r)
{
	struct ctx			*cx = &r->cx;
	struct copywriting_message	*out;
	struct message_row		*rows;
	struct talk			 talk;
	int64_t				 id, parent;
	size_t				 n, k = 0;

	if (copywriting_arg(r, "userDialogueId", &id) == -1 || chat_open(cx, id, &talk) == -1 ||
	    dialogue_messages(cx, id, &rows, &n) == -1)
		return -1;
	out = arena_array(cx->a, 2 * n, sizeof(*out));
	parent = id;
	for (size_t i = 0; i < n; i++) {
		/* What went on from the rest went on from the answer before. */
		if (rows[i].parent != 0)
			parent = rows[i].parent;
		out[k++] = question_of(cx, &rows[i], id, parent);
		if (rows[i].ended_ms != 0)
			out[k++] = answer_of(cx, &rows[i], id);
		parent = rows[i].answer;
	}
	return copywriting_reply_rows(r, &copywriting_message_rows_fields,
	    (struct list){ out, k }, (int64_t)k);
}

/* GET /copywriting/dialogue/sse/close/{userDialogueId} */
int
copywriting_close(struct req *r)
{
	struct ctx		*cx = &r->cx;
	struct copywriting_done	 done = { .code = 200, .msg = copywriting_success(cx->lang) };
	struct talk		 talk;
	int64_t			 id, *turns;
	size_t			 n;

	if (copywriting_arg(r, "userDialogueId", &id) == -1 || chat_open(cx, id, &talk) == -1 ||
	    dialogue_running(cx, id, &turns, &n) == -1)
		return -1;
	for (size_t i = 0; i < n; i++)
		switch (engine_stop_turn(cx, r->engine, turns[i], cx->who->id)) {
		case -1:
			return -1;
		case 1:
			done.data = true;
		}
	return reply_fields(r, &copywriting_done_fields, &done);
}
