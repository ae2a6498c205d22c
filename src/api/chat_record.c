/* Records: questions with their answers, as the dialect "session" shows them. */
#include "chat.h"

#include <string.h>

#include "store/turn.h"

const char *
chat_status(const char *stored)
{
	static const struct {
		const char	*stored, *shown;
	} words[] = {
		{ "running", "processing" },
		{ "error", "finished_fail" },
		{ "timeout", "finished_timeout" },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(stored, words[i].stored) == 0)
			return words[i].shown;
	return "finished_success";
}

static void
show(struct arena *a, const struct record_row *row, struct chat_record *out)
{
	*out = (struct chat_record){
		.id = row->id, .session_id = row->session, .group_id = row->group_id,
		.author_id = row->owner,
		.author = chat_user_of(a, row->owner, row->owner_name, row->owner_avatar),
		.content_type = row->content_type, .problem_text = chat_text(a, row->question),
		.unread = row->unread,
		.answer_text = chat_text(a, row->text),
		.status = arena_strdup(a, chat_status(row->status)),
		.create_at = row->created_ms,
	};
	if (row->masked)
		return;
	out->model_id = row->model;
	out->model = chat_model_of(a, row->model, row->model_name, row->model_code,
	    row->model_logo);
}

/* The first n of them as a JSON array; NULL where there are none. */
static char *
array_of(struct arena *a, const struct citation_row *c, size_t n)
{
	struct str	 s = STR_INIT(0);
	struct jw	 w;
	char		*array;

	if (n == 0)
		return NULL;
	jw_open(&w, &s);
	jw_arr(&w, NULL);
	for (size_t i = 0; i < n; i++)
		jw_raw(&w, NULL, c[i].body, strlen(c[i].body));
	jw_close(&w);
	array = arena_strndup(a, s.p, s.len);
	str_free(&s);
	return array;
}

/* Gives the records of one session, newest first, their citations, which come oldest first. */
static int
cite(struct ctx *cx, int64_t owner, struct chat_record *records, size_t n)
{
	struct citation_row	*c;
	size_t			 nc, k;

	if (n == 0)
		return 0;
	if (records_citations(cx, owner, records[0].session_id, records[n - 1].id, records[0].id,
	    &c, &nc) == -1)
		return -1;
	for (size_t i = n; i-- > 0; c += k, nc -= k) {
		for (; nc > 0 && c->answer < records[i].id; nc--)
			c++;
		for (k = 0; k < nc && c[k].answer == records[i].id; k++)
			;
		records[i].citations = array_of(cx->a, c, k);
	}
	return 0;
}

int
chat_record_load(struct ctx *cx, int64_t owner, int64_t answer, struct chat_record *out)
{
	const struct record_row	*row;

	if ((row = records_get(cx, owner, answer)) == NULL)
		return -1;
	show(cx->a, row, out);
	return cite(cx, owner, out, 1);
}

int
chat_records_load(struct ctx *cx, int64_t owner, int64_t session, int64_t skip, int64_t size,
    struct list *out)
{
	struct record_row	*rows;
	struct chat_record	*records;
	size_t			 n;

	if (records_list(cx, owner, session, skip, size, &rows, &n) == -1)
		return -1;
	records = arena_array(cx->a, n, sizeof(*records));
	for (size_t i = 0; i < n; i++)
		show(cx->a, &rows[i], &records[i]);
	*out = (struct list){ records, n };
	return cite(cx, owner, records, n);
}
