/* The dialect "visitor": its envelopes, and the lists that its document points to. */
#include "visitor.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "api/handlers.h"
#include "base/ident.h"
#include "base/utf8.h"
#include "core/who.h"
#include "store/api_key.h"
#include "store/document.h"
#include "store/intent.h"
#include "store/model.h"

#define DONE		2000	/* Code */
#define FAILED		4000
#define SIZE		100	/* of a page */
#define NAMED_MAX	64	/* characters of an id that an error repeats */

/* ---- envelopes ------------------------------------------------------------------------------- */

static const struct field failure_f[] = {
	{ "Code", T_INT, MAY, 0, 0, 0, NULL, "4000" },
	{ "Data", T_ANY, MAY, 0, 0, 0, NULL, "null" },
	{ "Msg", T_STR, MAY, 0, 0, 0, NULL, "what was wrong, naming the field or id" },
};
static const struct fields failure_fields = { "VisitorFailure", 0, failure_f, 3 };

void
visitor_fail(struct jw *w, const char *sentence)
{
	jw_i64(w, "Code", FAILED);
	jw_null(w, "Data");
	jw_str(w, "Msg", sentence);
}

/* Too many requests, and not streams: the document has a sentence of its own. */
static bool
is_rate(const char *what)
{
	static const char *const	 rates[] = { "key_rate", "rate_limit", "address_rate" };

	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++)
		if (strcmp(what, rates[i]) == 0)
			return true;
	return false;
}

/* The document's own words for it, in its language; NULL: it has none. */
static const char *
own_words(enum fail_kind kind)
{
	switch (kind) {
	case F_UNAUTHORIZED:
		return "没有权限";
	case F_PAYMENT:
		return "API请求次数不足";
	default:
		return NULL;
	}
}

static void
visitor_explain(struct jw *w, const struct fail *f, const char *sentence)
{
	struct arena	*a = arena_new(0);
	const char	*own = own_words(f->kind);

	if (f->kind == F_LIMIT && is_rate(f->what))
		sentence = "Too Many Requests in one second";
	else if (own != NULL && strcmp(sentence, fail_text(a, f, LANG_EN)) != 0)
		sentence = arena_printf(a, "%s: %s", own, f->what);
	jw_obj(w, NULL);
	visitor_fail(w, sentence);
	jw_end(w);
	arena_free(a);
}

static const struct dialect_note notes[] = {
	{ "/v1/openapi/contacts", "联系人", NULL },
	{ "/v1/openapi/exposed", "工具", NULL },
	{ "", "访客助手", NULL },
};

const struct dialect dialect_visitor = {
	.name = "visitor", .explain = visitor_explain, .failure = &failure_fields,
	.voice = &visitor_voice, .notes = notes, .again = visitor_again,
};

int
visitor_reply_data(struct req *r, const struct fields *t, void *data)
{
	struct visitor_data	 out = { DONE, data, arena_strdup(r->cx.a, "success") };

	return reply_fields(r, t, &out);
}

int
visitor_reply_list(struct req *r, const struct fields *t, void *list, size_t n)
{
	struct visitor_list	 out = { DONE, { list, n }, arena_strdup(r->cx.a, "success") };

	return reply_fields(r, t, &out);
}

/* ---- what bodies say ------------------------------------------------------------------------- */

int
visitor_id(struct ctx *cx, const char *field, const char *text, int64_t *id)
{
	if (ident_parse(text, id))
		return 0;
	return fail(cx, F_NOT_FOUND, "%s %.*s", field,
	    (int)utf8_cut(text, strlen(text), NAMED_MAX), text);
}

int
visitor_size(int size)
{
	return size > 0 ? size : SIZE;
}

int64_t
visitor_skip(int page, int size)
{
	return page > 0 ? (int64_t)(page - 1) * visitor_size(size) : 0;
}

/* ---- lists ----------------------------------------------------------------------------------- */

/* GET /v1/openapi/check */
int
visitor_check_key(struct req *r)
{
	return reply_fields(r, &visitor_checked_fields, &(struct visitor_checked){ true });
}

/* GET /v1/openapi/ibots */
int
visitor_ibots(struct req *r)
{
	struct assistant	*from;
	struct visitor_ibot	*to;
	size_t			 n;

	if (assistant_list(&r->cx, r->cx.who->tenant, &from, &n) == -1)
		return -1;
	to = arena_array(r->cx.a, n, sizeof(*to));
	for (size_t i = 0; i < n; i++)
		to[i] = (struct visitor_ibot){ .id = from[i].id, .name = from[i].name,
		    .published = from[i].published != 0, .create_ms = from[i].created_ms };
	return visitor_reply_list(r, &visitor_ibot_list_fields, to, n);
}

/* GET /v1/openapi/models */
int
visitor_models(struct req *r)
{
	struct model		*from;
	struct visitor_model	*to;
	size_t			 n;

	if (model_list_chat(&r->cx, &from, &n) == -1)
		return -1;
	to = arena_array(r->cx.a, n, sizeof(*to));
	for (size_t i = 0; i < n; i++)
		to[i] = (struct visitor_model){ .id = from[i].code, .name = from[i].name };
	return visitor_reply_list(r, &visitor_model_list_fields, to, n);
}

/* GET /v1/openapi/intentions */
int
visitor_intentions(struct req *r)
{
	struct intent		*from;
	struct visitor_intent	*to;
	size_t			 n;

	if (intent_list(&r->cx, &from, &n) == -1)
		return -1;
	to = arena_array(r->cx.a, n, sizeof(*to));
	for (size_t i = 0; i < n; i++)
		to[i] = (struct visitor_intent){ .id = from[i].id, .name = from[i].name,
		    .examples = from[i].examples };
	return visitor_reply_list(r, &visitor_intent_list_fields, to, n);
}

/* GET /v1/openapi/knowledge */
int
visitor_knowledge(struct req *r)
{
	struct dataset		*from;
	struct visitor_dataset	*to;
	size_t			 n;

	if (dataset_of_owner(&r->cx, r->cx.who->id, &from, &n) == -1)
		return -1;
	to = arena_array(r->cx.a, n, sizeof(*to));
	for (size_t i = 0; i < n; i++)
		to[i] = (struct visitor_dataset){ .id = from[i].id, .name = from[i].name,
		    .documents = from[i].documents, .create_ms = from[i].created_ms };
	return visitor_reply_list(r, &visitor_dataset_list_fields, to, n);
}

/* GET /v1/openapi/balance */
int
visitor_balance(struct req *r)
{
	struct visitor_balance	 out = { 0 };
	const struct api_key	*k;
	int64_t			 left;

	if ((k = api_key_get(&r->cx, r->cx.who->key)) == NULL)
		return -1;
	if (k->left != NULL)
		out.money = arena_printf(r->cx.a, "%.15g", strtod(k->left, NULL));
	if (k->calls > 0) {
		left = k->calls > k->called ? k->calls - k->called : 0;
		out.calls = arena_printf(r->cx.a, "%" PRId64, left);
	}
	return visitor_reply_data(r, &visitor_balance_data_fields, &out);
}
