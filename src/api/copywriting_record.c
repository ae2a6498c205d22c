/* Runs of apps: as they are shown, and their list. */
#include "copywriting.h"

#include <string.h>

#include "api/handlers.h"
#include "api/think.h"
#include "core/who.h"
#include "store/app.h"

void
copywriting_record_show(struct arena *a, const struct run_row *row, struct copywriting_record *out)
{
	struct str	 s = STR_INIT(0);

	*out = (struct copywriting_record){
		.create_by = row->author, .create_ms = row->created_ms, .update_ms = row->ended_ms,
		.tenant = row->tenant, .id = row->id, .user = row->owner, .template = row->app,
		.dialogue = row->session, .model = row->model, .name = row->app_name,
		.type = row->kind, .content = row->question, .status = row->status,
		.completion_tokens = row->completion_tokens, .prompt_tokens = row->prompt_tokens,
		.total_tokens = row->prompt_tokens + row->completion_tokens,
		.price = copywriting_price(row->cost),
	};
	if (row->text == NULL)
		return;
	if (strcmp(row->kind, "image") == 0) {
		out->images = *row->text != '\0' ? row->text : NULL;
		return;
	}
	think_whole(&s, row->reasoning, row->text);
	out->result = s.len > 0 ? str_keep(&s, a) : row->text;
}

/* GET /copywriting/userCopywriting/record-list */
int
copywriting_records(struct req *r)
{
	struct ctx			*cx = &r->cx;
	struct copywriting_find		 in = { 0 };
	struct copywriting_record	*out;
	struct dialogue_page		 page;
	struct run_row			*rows;
	int64_t				 app, total;
	size_t				 n;

	if (req_read(r, &in) == -1 || copywriting_page(cx, &in.page, &page) == -1 ||
	    copywriting_id(cx, "templateId", in.of, &app) == -1 ||
	    (app != 0 && app_get(cx, cx->who->tenant, app) == NULL) ||
	    run_list(cx, cx->who->id, app, &page, &rows, &n, &total) == -1)
		return -1;
	out = arena_array(cx->a, n, sizeof(*out));
	for (size_t i = 0; i < n; i++)
		copywriting_record_show(cx->a, &rows[i], &out[i]);
	return copywriting_reply_rows(r, &copywriting_record_rows_fields, (struct list){ out, n },
	    total);
}
