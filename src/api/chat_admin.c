/* /v1/chat/data: every session of the administrator's tenant. */
#include "chat.h"

#include "api/handlers.h"
#include "core/who.h"

/* POST /v1/chat/data/session/search */
int
chat_data_session_search(struct req *r)
{
	struct chat_data_search	 in = { 0 };
	struct chats_filter	 f;
	struct chat_row		*rows;
	struct chat_list	 out;
	size_t			 n;

	if (req_read(r, &in) == -1)
		return -1;
	f = (struct chats_filter){ .title = in.title, .user_name = in.user_name,
	    .from_ms = in.begin_time, .to_ms = in.end_time };
	if (chats_find_of_tenant(&r->cx, r->cx.who->tenant, &f, chat_skip(&in.page),
	    chat_size(&in.page), &rows, &n, &out.total) == -1 ||
	    chat_sessions_show(&r->cx, rows, n, &out.list) == -1)
		return -1;
	return reply_fields(r, &chat_data_found_fields, &out);
}

/* GET /v1/chat/data/session/{id} */
int
chat_data_session_get(struct req *r)
{
	int64_t	 id;

	if (chat_arg(r, 0, "session", &id) == -1)
		return -1;
	return chat_got_reply(r, chats_get_of_tenant(&r->cx, r->cx.who->tenant, id));
}
