#include "session_line.h"

#include <string.h>

#include "base/ident.h"
#include "base/json.h"
#include "input.h"

#define TIME_MOST	9007199254740991.	/* ms */
#define COUNT_MOST	9007199254740991.
#define INT_MOST	2147483647.
#define WORD_MOST	64
#define TEXT_MOST	65535

static const struct field archive_piece_f[] = {
	FIELD(archive_piece, T_INT, MUST, position, 0, INT_MOST, NULL),
	FIELD(archive_piece, T_ANY, MUST, body, 0, 0, NULL),
};
static FIELDS(archive_piece, "Piece");

static const struct field archive_vote_f[] = {
	FIELD(archive_vote, T_STR, MUST, user, 1, 255, NULL),
	FIELD(archive_vote, T_I64, MUST, created_ms, 1, TIME_MOST, NULL),
};
static FIELDS(archive_vote, "Vote");

static const struct field archive_answer_f[] = {
	FIELD(archive_answer, T_ID, MUST, id, 0, 0, NULL),
	FIELD(archive_answer, T_INT, MUST, lane, 0, INT_MOST, NULL),
	FIELD(archive_answer, T_STR, MUST, model, 1, 64, NULL),
	FIELD(archive_answer, T_STR, MUST, status, 1, WORD_MOST, NULL),
	FIELD(archive_answer, T_STR, MAY, text, 0, 0, NULL),
	FIELD(archive_answer, T_STR, OMIT, reasoning, 0, 0, NULL),
	FIELD(archive_answer, T_STR, OMIT, error, 0, 0, NULL),
	FIELD(archive_answer, T_ANY, OMIT, questions, 0, 0, NULL),
	FIELD(archive_answer, T_ANY, OMIT, seams, 0, 0, NULL),
	FIELD(archive_answer, T_I64, MAY, prompt_tokens, 0, COUNT_MOST, NULL),
	FIELD(archive_answer, T_I64, MAY, completion_tokens, 0, COUNT_MOST, NULL),
	FIELD(archive_answer, T_BOOL, MAY, estimated, 0, 0, NULL),
	FIELD(archive_answer, T_STR, MUST, cost, 1, WORD_MOST, NULL),
	FIELD(archive_answer, T_I64, MUST, created_ms, 1, TIME_MOST, NULL),
	FIELD(archive_answer, T_I64, OMIT, first_ms, 0, TIME_MOST, NULL),
	FIELD(archive_answer, T_I64, OMIT, last_ms, 0, TIME_MOST, NULL),
	FIELD(archive_answer, T_I64, OMIT, ended_ms, 0, TIME_MOST, NULL),
	FIELD_SUB(archive_answer, T_LIST, OMIT, citations, &archive_piece_fields, 0, 0, NULL),
	FIELD_SUB(archive_answer, T_LIST, OMIT, tool_runs, &archive_piece_fields, 0, 0, NULL),
	FIELD_SUB(archive_answer, T_LIST, OMIT, votes, &archive_vote_fields, 0, 0, NULL),
};
static FIELDS(archive_answer, "Answer");

static const struct field archive_turn_f[] = {
	FIELD(archive_turn, T_ID, MUST, id, 0, 0, NULL),
	FIELD_AS(archive_turn, T_ID, MUST, group_id, "group", 0, 0, NULL),
	FIELD(archive_turn, T_ID, OMIT, parent, 0, 0, NULL),
	FIELD(archive_turn, T_BOOL, OMIT, private, 0, 0, NULL),
	FIELD(archive_turn, T_STR, MUST, voice, 1, 32, NULL),
	FIELD(archive_turn, T_STR, MAY, question, 0, 0, NULL),
	FIELD(archive_turn, T_ANY, OMIT, context, 0, 0, NULL),
	FIELD(archive_turn, T_STR, MUST, content_type, 1, WORD_MOST, NULL),
	FIELD(archive_turn, T_STR, OMIT, file_url, 0, 0, NULL),
	FIELD(archive_turn, T_ANY, OMIT, unread, 0, 0, NULL),
	FIELD(archive_turn, T_I64, MUST, created_ms, 1, TIME_MOST, NULL),
	FIELD(archive_turn, T_I64, MUST, ended_ms, 1, TIME_MOST, NULL),
	FIELD(archive_turn, T_I64, OMIT, stop_ms, 0, TIME_MOST, NULL),
	FIELD_SUB(archive_turn, T_LIST, MUST, answers, &archive_answer_fields, 0, 0, NULL),
};
static FIELDS(archive_turn, "Turn");

static const struct field archive_lane_f[] = {
	FIELD(archive_lane, T_INT, MUST, lane, 0, INT_MOST, NULL),
	FIELD(archive_lane, T_STR, MUST, model, 1, 64, NULL),
	FIELD(archive_lane, T_STR, OMIT, mask, 0, 32, NULL),
	FIELD(archive_lane, T_STR, MUST, pri_id, 1, 32, NULL),
};
static FIELDS(archive_lane, "Lane");

static const struct field archive_rating_f[] = {
	FIELD(archive_rating, T_STR, MUST, user, 1, 255, NULL),
	FIELD(archive_rating, T_INT, MUST, lane, 0, INT_MOST, NULL),
	FIELD(archive_rating, T_ANY, MUST, scores, 0, 0, NULL),
	FIELD(archive_rating, T_STR, OMIT, remark, 0, 0, NULL),
	FIELD(archive_rating, T_I64, MUST, created_ms, 1, TIME_MOST, NULL),
};
static FIELDS(archive_rating, "Rating");

static const struct field archive_task_f[] = {
	FIELD(archive_task, T_STR, MUST, title, 1, TEXT_MOST, NULL),
	FIELD(archive_task, T_STR, OMIT, description, 0, 0, NULL),
	FIELD(archive_task, T_STR, OMIT, support_unit, 0, 0, NULL),
	FIELD(archive_task, T_STR, OMIT, bus_dir, 0, 0, NULL),
	FIELD(archive_task, T_STR, OMIT, work_goal, 0, 0, NULL),
	FIELD_AS(archive_task, T_BOOL, OMIT, is_default, "default", 0, 0, NULL),
	FIELD(archive_task, T_I64, MUST, created_ms, 1, TIME_MOST, NULL),
};
static FIELDS(archive_task, "Task");

static const struct field archive_session_f[] = {
	FIELD(archive_session, T_ID, MUST, id, 0, 0, NULL),
	FIELD(archive_session, T_STR, MUST, tenant, 1, 190, NULL),
	FIELD(archive_session, T_STR, MUST, user, 1, 255, NULL),
	FIELD(archive_session, T_STR, OMIT, user_name, 0, 0, NULL),
	FIELD(archive_session, T_STR, OMIT, user_avatar, 0, 0, NULL),
	FIELD_SUB(archive_session, T_OBJ, OMIT, task, &archive_task_fields, 0, 0, NULL),
	FIELD(archive_session, T_STR, MAY, title, 0, 0, NULL),
	FIELD(archive_session, T_STR, MAY, abstract, 0, 0, NULL),
	FIELD(archive_session, T_INT, MUST, module, 1, 2, NULL),
	FIELD(archive_session, T_STR, MUST, type, 1, WORD_MOST, NULL),
	FIELD(archive_session, T_STR, OMIT, dataset, 0, 0, NULL),
	FIELD(archive_session, T_STR, OMIT, model, 0, 64, NULL),
	FIELD(archive_session, T_STR, OMIT, assistant, 0, 190, NULL),
	FIELD(archive_session, T_INT, OMIT, version, 0, INT_MOST, NULL),
	FIELD(archive_session, T_STR, OMIT, app, 0, 190, NULL),
	FIELD(archive_session, T_STR, OMIT, msg_key, 0, 64, NULL),
	FIELD(archive_session, T_STR, OMIT, visitor, 0, 255, NULL),
	FIELD(archive_session, T_I64, MUST, created_ms, 1, TIME_MOST, NULL),
	FIELD(archive_session, T_I64, OMIT, revealed_ms, 0, TIME_MOST, NULL),
	FIELD(archive_session, T_I64, OMIT, answered_ms, 0, TIME_MOST, NULL),
	FIELD(archive_session, T_STRS, OMIT, documents, 0, 0, NULL),
	FIELD_SUB(archive_session, T_LIST, MUST, lanes, &archive_lane_fields, 0, 0, NULL),
	FIELD_SUB(archive_session, T_LIST, MUST, turns, &archive_turn_fields, 0, 0, NULL),
	FIELD_SUB(archive_session, T_LIST, OMIT, ratings, &archive_rating_fields, 0, 0, NULL),
};
static FIELDS(archive_session, "Session");

void
session_line_write(struct str *out, const struct archive_session *s)
{
	struct jw	 w;

	jw_open(&w, out);
	json_write(&w, NULL, &archive_session_fields, s, NULL);
	jw_close(&w);
	str_putc(out, '\n');
}

/* ---- what the tables cannot say -------------------------------------------------------------- */

static const char *const statuses[] = { "stop", "length", "content_filter", "timeout", "error",
	"stopped", NULL };
static const char *const content_types[] = { "text", "image", "document", NULL };
static const char *const types[] = { "chat", "spark_dataset_chat", "spark_documents_chat", NULL };

static int
check_word(struct ctx *cx, const char *const *words, const char *word, const char *name)
{
	for (; *words != NULL; words++)
		if (strcmp(*words, word) == 0)
			return 0;
	return fail(cx, F_VALUE, "%s", name);
}

/* An id is of its time: one of a time that is still to come may be given once more then. */
static int
check_id(struct ctx *cx, int64_t id, int64_t now)
{
	int64_t	 first, last;

	ident_moment(now, &first, &last);
	return id >= 0 && id <= last ? 0 :
	    fail(cx, F_VALUE, "the id %lld, of a time to come,", (long long)id);
}

static int
check_answer(struct ctx *cx, const struct archive_session *s, const struct archive_answer *a,
    int64_t now)
{
	const struct archive_lane	*lanes = s->lanes.p;
	size_t				 i;

	if (check_id(cx, a->id, now) == -1 ||
	    check_word(cx, statuses, a->status, "status") == -1)
		return -1;
	if (!input_is_amount(a->cost))
		return fail(cx, F_VALUE, "cost");
	for (i = 0; i < s->lanes.n && lanes[i].lane != a->lane; i++)
		;
	return i < s->lanes.n ? 0 : fail(cx, F_NOT_FOUND, "lane %d", a->lane);
}

static int
check_turn(struct ctx *cx, const struct archive_session *s, const struct archive_turn *t,
    int64_t now)
{
	const struct archive_answer	*a = t->answers.p;

	if (check_id(cx, t->id, now) == -1 || check_id(cx, t->group_id, now) == -1 ||
	    check_id(cx, t->parent, now) == -1 ||
	    check_word(cx, content_types, t->content_type, "content_type") == -1)
		return -1;
	for (size_t i = 0; i < t->answers.n; i++)
		if (check_answer(cx, s, &a[i], now) == -1)
			return -1;
	return 0;
}

static int
check(struct ctx *cx, const struct archive_session *s, int64_t now)
{
	const struct archive_turn	*t = s->turns.p;

	if (check_id(cx, s->id, now) == -1 || check_word(cx, types, s->type, "type") == -1)
		return -1;
	for (size_t i = 0; i < s->turns.n; i++)
		if (check_turn(cx, s, &t[i], now) == -1)
			return -1;
	return 0;
}

struct archive_session *
session_line_read(struct ctx *cx, const char *line, size_t len, int64_t now)
{
	struct archive_session	*s = arena_get(cx->a, sizeof(*s));
	json_auto		*j = NULL;

	if ((j = json_parse(cx, line, len)) == NULL)
		return NULL;
	if (!json_is_object(j))
		return fail_null(cx, F_BODY, "it is no JSON object");
	if (json_read(cx, j, &archive_session_fields, s) == -1 || check(cx, s, now) == -1)
		return NULL;
	return s;
}
