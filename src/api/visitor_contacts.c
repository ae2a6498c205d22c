/* What a website knows of its visitors, and what was said to them. */
#include "visitor.h"

#include <string.h>

#include "api/handlers.h"
#include "core/who.h"
#include "store/chats.h"
#include "store/session.h"

/* ---- contacts -------------------------------------------------------------------------------- */

static struct visitor_contact
show(const struct contact *c)
{
	return (struct visitor_contact){ .id = c->id, .name = c->name, .mobile = c->mobile,
		.email = c->email, .avatar = c->avatar, .userid = c->userid,
		.company = c->company, .create_ms = c->created_ms, .update_ms = c->updated_ms };
}

static int
reply_contact(struct req *r, const struct contact *c)
{
	struct visitor_contact	 shown;

	if (c == NULL)
		return -1;
	shown = show(c);
	return visitor_reply_data(r, &visitor_contact_data_fields, &shown);
}

/* GET /v1/openapi/contacts */
int
visitor_contact_get(struct req *r)
{
	struct visitor_contact_query	 in = { 0 };

	if (req_read(r, &in) == -1)
		return -1;
	return reply_contact(r, contact_get(&r->cx, r->cx.who->id, in.contact));
}

/* DELETE /v1/openapi/contacts: what was deleted */
int
visitor_contact_delete(struct req *r)
{
	struct visitor_contact_query	 in = { 0 };
	const struct contact		*c;

	if (req_read(r, &in) == -1 ||
	    (c = contact_get(&r->cx, r->cx.who->id, in.contact)) == NULL ||
	    contact_remove(&r->cx, r->cx.who->id, in.contact) == -1)
		return -1;
	return reply_contact(r, c);
}

/* PUT /v1/openapi/contacts */
int
visitor_contact_update(struct req *r)
{
	struct ctx			*cx = &r->cx;
	struct visitor_contact_change	 in = { 0 };
	int64_t				 id;

	if (req_read(r, &in) == -1)
		return -1;
	if ((id = in.contact != 0 ? in.contact : in.id) == 0)
		return fail(cx, F_MISSING, "contact_id");
	if (contact_change(cx, &(struct contact){ .id = id, .owner = cx->who->id,
	    .name = in.name, .mobile = in.mobile, .email = in.email, .avatar = in.avatar,
	    .company = in.company }) == -1)
		return -1;
	return reply_contact(r, contact_get(cx, cx->who->id, id));
}

/* One condition of the body's. -1: ctx failed. */
static int
read_filter(struct ctx *cx, const struct visitor_filter *f, size_t i, struct contact_condition *to)
{
	static const char *const	 columns[] = {
		"id", "userid", "name", "mobile", "email", "avatar", "company", NULL,
	};
	static const struct {
		const char		*name;
		enum contact_is		 is;
	} conditions[] = {
		{ "", CONTACT_EQUALS }, { "=", CONTACT_EQUALS }, { "eq", CONTACT_EQUALS },
		{ "!=", CONTACT_DIFFERS }, { "ne", CONTACT_DIFFERS },
		{ "like", CONTACT_HOLDS }, { "contains", CONTACT_HOLDS },
	};
	const char			*condition = f->condition != NULL ? f->condition : "";
	size_t				 c = 0, k = 0;

	while (columns[c] != NULL && strcmp(columns[c], f->key) != 0)
		c++;
	if (columns[c] == NULL)
		return fail(cx, F_VALUE, "filter[%zu].filter_key", i);
	while (k < sizeof(conditions) / sizeof(conditions[0]) &&
	    strcmp(conditions[k].name, condition) != 0)
		k++;
	if (k == sizeof(conditions) / sizeof(conditions[0]))
		return fail(cx, F_VALUE, "filter[%zu].filter_condition", i);
	*to = (struct contact_condition){ columns[c], conditions[k].is, f->value };
	return 0;
}

/* POST /v1/openapi/contacts */
int
visitor_contact_list(struct req *r)
{
	struct ctx			*cx = &r->cx;
	struct visitor_contact_find	 in = { 0 };
	const struct visitor_filter	*filters;
	struct contact_condition	*conditions;
	struct contact			*found;
	struct visitor_contact		*shown;
	size_t				 n;

	if (req_read(r, &in) == -1)
		return -1;
	filters = in.filter.p;
	conditions = arena_array(cx->a, in.filter.n, sizeof(*conditions));
	for (size_t i = 0; i < in.filter.n; i++)
		if (read_filter(cx, &filters[i], i, &conditions[i]) == -1)
			return -1;
	if (contact_find(cx, cx->who->id, conditions, in.filter.n,
	    visitor_skip(in.page, in.size), visitor_size(in.size), &found, &n) == -1)
		return -1;
	shown = arena_array(cx->a, n, sizeof(*shown));
	for (size_t i = 0; i < n; i++)
		shown[i] = show(&found[i]);
	return visitor_reply_list(r, &visitor_contact_list_fields, shown, n);
}

/* ---- what was said --------------------------------------------------------------------------- */

/* An answer, where there is one, and the question that it answers. How many. */
static size_t
add_messages(struct visitor_message *to, const struct record_row *row)
{
	size_t	 n = 0;

	if (row->text != NULL && *row->text != '\0')
		to[n++] = (struct visitor_message){ .id = row->id, .role = (char *)"assistant",
		    .content = row->text, .create_ms = row->created_ms };
	to[n++] = (struct visitor_message){ .id = row->group_id, .role = (char *)"user",
	    .content = row->question, .create_ms = row->created_ms };
	return n;
}

/* POST /v1/openapi/chat/history/detail */
int
visitor_history_detail(struct req *r)
{
	struct ctx			*cx = &r->cx;
	struct visitor_history_query	 in = { 0 };
	struct visitor_history		 out = { 0 };
	struct visitor_message		*messages;
	const struct session		*s;
	struct record_row		*rows;
	size_t				 n;

	if (req_read(r, &in) == -1 ||
	    (s = session_of_key(cx, cx->who->id, in.chat)) == NULL ||
	    records_list(cx, cx->who->id, s->id, visitor_skip(in.page, in.size),
	    visitor_size(in.size), &rows, &n) == -1)
		return -1;
	messages = arena_array(cx->a, 2 * n, sizeof(*messages));
	for (size_t i = 0; i < n; i++)
		out.message.n += add_messages(messages + out.message.n, &rows[i]);
	out.message.p = messages;
	return visitor_reply_data(r, &visitor_history_data_fields, &out);
}
