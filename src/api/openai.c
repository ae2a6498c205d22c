/* The dialect "openai": its envelope of failures, and its models. */
#include "openai.h"

#include <string.h>

#include "api/handlers.h"
#include "store/model.h"

#define OWNER		"parley"
#define MODEL		"model "	/* begins what is at fault where a model is unknown */

static const struct field error_f[] = {
	{ "message", T_STR, MAY, 0, 0, 0, NULL, NULL },
	{ "type", T_STR, MAY, 0, 0, 0, NULL, NULL },
	{ "param", T_STR, MAY, 0, 0, 0, NULL, "the member at fault" },
	{ "code", T_STR, MAY, 0, 0, 0, NULL, NULL },
};
static const struct fields error_fields = { "OpenAIError", 0, error_f, 4 };
static const struct field failure_f[] = {
	{ "error", T_OBJ, MAY, 0, 0, 0, &error_fields, NULL },
};
static const struct fields failure_fields = { "OpenAIFailure", 0, failure_f, 1 };

/* What its clients tell failures apart by; of any other, the status alone. */
static const struct {
	enum fail_kind	 kind;
	const char	*type, *code;
	bool		 param;		/* what is at fault is a member of the body */
} known[] = {
	{ F_MISSING, "invalid_request_error", "missing_required_parameter", true },
	{ F_TYPE, "invalid_request_error", "invalid_type", true },
	{ F_RANGE, "invalid_request_error", "out_of_range", true },
	{ F_VALUE, "invalid_request_error", "invalid_value", true },
	{ F_UTF8, "invalid_request_error", "invalid_value", true },
	{ F_UNAUTHORIZED, "invalid_request_error", "invalid_api_key", false },
	{ F_PAYMENT, "insufficient_quota", "insufficient_quota", false },
	{ F_LIMIT, "rate_limit_error", "rate_limit_exceeded", false },
};

/* The member's name is what stands before an explanation. */
static void
write_param(struct jw *w, const char *what)
{
	if (what != NULL)
		jw_strn(w, "param", what, strcspn(what, " "));
	else
		jw_null(w, "param");
}

void
openai_error(struct jw *w, enum fail_kind kind, const char *what, const char *sentence)
{
	const char	*type, *code = NULL;
	size_t		 i, n = sizeof(known) / sizeof(known[0]);

	type = fail_status(kind) >= 500 ? "server_error" : "invalid_request_error";
	for (i = 0; i < n && known[i].kind != kind; i++)
		continue;
	if (i < n) {
		type = known[i].type;
		code = known[i].code;
	} else if (kind == F_NOT_FOUND && what != NULL && strncmp(what, MODEL, strlen(MODEL)) == 0)
		code = "model_not_found";
	jw_obj(w, NULL);
	jw_obj(w, "error");
	jw_str(w, "message", sentence);
	jw_str(w, "type", type);
	write_param(w, i < n && known[i].param ? what : NULL);
	jw_str(w, "code", code);
	jw_end(w);
	jw_end(w);
}

static void
openai_explain(struct jw *w, const struct fail *f, const char *sentence)
{
	openai_error(w, f->kind, f->what, sentence);
}

static const struct dialect_note notes[] = {
	{ "", "openai", NULL },
};

const struct dialect dialect_openai = {
	.name = "openai", .explain = openai_explain, .failure = &failure_fields,
	.voice = &openai_voice, .notes = notes, .again = openai_again,
};

struct model *
openai_model(struct ctx *cx, const char *code)
{
	struct model	*m = model_get(cx, code);

	if (m == NULL && cx->fail.kind != F_NOT_FOUND)
		return NULL;
	if (m != NULL && m->enabled && strcmp(m->kind, "chat") == 0)
		return m;
	fail_clear(cx);
	return fail_null(cx, F_NOT_FOUND, MODEL "%s", code);
}

static struct openai_model
shown(struct arena *a, const struct model *m)
{
	return (struct openai_model){
		.id = m->code, .object = arena_strdup(a, "model"), .created = m->created_ms / 1000,
		.owned_by = arena_strdup(a, OWNER),
	};
}

/* GET /v1/models */
int
openai_models(struct req *r)
{
	struct arena		*a = r->cx.a;
	struct openai_models	 out = { .object = arena_strdup(a, "list") };
	struct openai_model	*list;
	struct model		*models;
	size_t			 n;

	if (model_list_chat(&r->cx, &models, &n) == -1)
		return -1;
	list = arena_array(a, n, sizeof(*list));
	for (size_t i = 0; i < n; i++)
		list[i] = shown(a, &models[i]);
	out.data = (struct list){ list, n };
	return reply_fields(r, &openai_models_fields, &out);
}

/* GET /v1/models/{model} */
int
openai_model_get(struct req *r)
{
	struct openai_model	 out;
	struct model		*m;

	if ((m = openai_model(&r->cx, r->hit.args[0])) == NULL)
		return -1;
	out = shown(r->cx.a, m);
	return reply_fields(r, &openai_model_fields, &out);
}
