#include "chat_talk.h"

#include <string.h>

#include "api/answered.h"
#include "api/chat_question.h"
#include "api/chat_socket.h"
#include "api/handlers.h"
#include "api/streams.h"
#include "core/who.h"

static const struct field chat_error_f[] = {
	FIELD(chat_error, T_INT, MAY, code, 0, 0, "as an HTTP status"),
	FIELD(chat_error, T_STR, MAY, msg, 0, 0, NULL),
};
static FIELDS(chat_error, "ChatSessionError");

static const struct field chat_conversation_f[] = {
	FIELD_SUB(chat_conversation, T_OBJ, OMIT, record, &chat_record_fields, 0, 0,
	    "in a stream: in its first and its last message"),
	FIELD(chat_conversation, T_STRS, MAY, parts, 0, 0,
	    "what comes next in the answer; all together are the record's answerText"),
	FIELD(chat_conversation, T_STR, OMIT, reasoning, 0, 0,
	    "what comes next in the model's thoughts, which are no part of the answer"),
	FIELD(chat_conversation, T_BOOL, MAY, finished, 0, 0, "false where a turn goes on: also in"
	    " the error of a message by WebSocket that came in between, which has no record"),
	FIELD_AS(chat_conversation, T_I64, OMIT, stream_id, "streamId", 0, 0,
	    "in a stream's first message: its name in /v1/streams"),
	FIELD(chat_conversation, T_BOOL, OMIT, stopped, 0, 0,
	    "true: the answer was stopped on request"),
	FIELD_SUB(chat_conversation, T_OBJ, OMIT, error, &chat_error_fields, 0, 0,
	    "in a stream: why the answer failed, or why there is none (then without a record)"),
};
FIELDS(chat_conversation, "ChatSessionConversationResponse");

static int
reply_whole(struct req *r, int64_t turn, const struct answer_told *a)
{
	struct chat_record	 record;
	struct chat_conversation c = { .record = &record, .finished = true };

	(void)turn;
	if (chat_record_load(&r->cx, r->cx.who->id, a->answer, &record) == -1)
		return -1;
	c.parts = (struct list){ &record.answer_text, 1 };
	c.reasoning = a->reasoning;
	c.stopped = strcmp(a->status, "stopped") == 0;
	return reply_fields(r, &chat_conversation_fields, &c);
}

static bool
wants_stream(struct req *r)
{
	return r->method != M_POST || req_accepts(r, "text/event-stream");
}

int
chat_talk(struct req *r, const struct chat_question *q)
{
	struct turn_spec	 spec = {
		.voice = &chat_voice, .entitle = true,
		.idem_key = r->idem_key, .idem_body = r->idem_body,
	};
	struct turn		*t;

	if (chat_question_read(&r->cx, q, req_header(r, "Host"), &spec) == -1 ||
	    (t = turn_open(&r->cx, r->engine, &spec)) == NULL)
		return -1;
	turn_run(t, wants_stream(r) ? req_stream(r, chat_voice.prefix) :
	    answered_wait(r, t->id, reply_whole));
	return 0;
}

int
chat_again(struct req *r, int64_t turn)
{
	return wants_stream(r) ? streams_tell(r, turn, 0) : answered_again(r, turn, reply_whole);
}

/* POST /v1/chat/session/conversation */
int
chat_conversation(struct req *r)
{
	struct chat_question	 in = { 0 };

	return req_read(r, &in) == -1 ? -1 : chat_talk(r, &in);
}

/*
 * GET /v1/chat/session/conversation: by WebSocket, or as EventSource does it: with Last-Event-ID
 * that turn goes on and none begins
 */
int
chat_conversation_get(struct req *r)
{
	struct chat_question	 in = { 0 };
	int64_t			 turn, after;

	if (r->socket != NULL)
		return chat_socket_message(r);
	if (!req_accepts(r, "text/event-stream"))
		return fail(&r->cx, F_UPGRADE, "WebSocket, text/event-stream");
	switch (streams_last_event(r, &turn, &after)) {
	case -1:
		return -1;
	case 1:
		return streams_tell(r, turn, after);
	default:
		return req_read(r, &in) == -1 ? -1 : chat_talk(r, &in);
	}
}
