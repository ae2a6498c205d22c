/* The dialect "copywriting": its envelopes, and what its bodies and queries have in common. */
#include "copywriting.h"

#include <string.h>

#include "api/handlers.h"
#include "api/streams.h"
#include "base/ident.h"
#include "base/utf8.h"
#include "store/model.h"

#define NAMED_MAX	64	/* characters of an id that an error repeats */
#define PAGE		10	/* rows, where it is not said */
#define HUNDREDTHS	100

static void
copywriting_fail(struct jw *w, int status, const char *sentence)
{
	jw_obj(w, NULL);
	jw_i64(w, "code", status);
	jw_str(w, "msg", sentence);
	jw_null(w, "data");
	jw_end(w);
}

static const struct field failure_f[] = {
	{ "code", T_INT, MAY, 0, 0, 0, NULL, "the HTTP status" },
	{ "msg", T_STR, MAY, 0, 0, 0, NULL, "what was wrong, naming the field or id" },
	{ "data", T_ANY, MAY, 0, 0, 0, NULL, "null" },
};
static const struct fields failure_fields = { "CopywritingFailure", 0, failure_f, 3 };

static const struct dialect_note notes[] = {
	{ "", "智能体开发平台", NULL },
};

const struct dialect dialect_copywriting = {
	.name = "copywriting", .fail = copywriting_fail, .failure = &failure_fields,
	.voice = &copywriting_voice, .notes = notes, .tenant = "tenant-id",
	.again = copywriting_again,
};

int
copywriting_again(struct req *r, int64_t turn)
{
	return r->route->flags & R_EITHER ? copywriting_run_again(r, turn) :
	    streams_tell(r, turn, 0);
}

char *
copywriting_success(enum lang lang)
{
	return (char *)(lang == LANG_EN ? "Success" : "操作成功");
}

int
copywriting_reply(struct req *r, const struct fields *table, void *data)
{
	const struct copywriting_data	 all = {
		.code = 200, .msg = copywriting_success(r->cx.lang), .data = data,
	};

	return reply_fields(r, table, &all);
}

int
copywriting_reply_rows(struct req *r, const struct fields *table, struct list rows, int64_t total)
{
	const struct copywriting_rows	 all = {
		.total = total, .rows = rows, .code = 200, .msg = copywriting_success(r->cx.lang),
	};

	return reply_fields(r, table, &all);
}

int
copywriting_id(struct ctx *cx, const char *field, const char *text, int64_t *id)
{
	*id = 0;
	if (text == NULL || *text == '\0' || ident_parse(text, id))
		return 0;
	return fail(cx, F_NOT_FOUND, "%s %.*s", field,
	    (int)utf8_cut(text, strlen(text), NAMED_MAX), text);
}

int
copywriting_arg(struct req *r, const char *what, int64_t *id)
{
	return copywriting_id(&r->cx, what, r->hit.args[0], id);
}

/* What a table of words has for one; *found false: it is none of them. */
struct word {
	const char	*word;
	int		 means;
};

static int
means(const struct word *words, const char *word, bool *found)
{
	while (words->word != NULL && strcmp(words->word, word) != 0)
		words++;
	*found = words->word != NULL;
	return words->means;
}

int
copywriting_page(struct ctx *cx, const struct copywriting_page *in, struct dialogue_page *out)
{
	static const struct word	 columns[] = {
		{ "", BY_CREATED }, { "createTime", BY_CREATED }, { "create_time", BY_CREATED },
		{ "id", BY_CREATED }, { "updateTime", BY_UPDATED }, { "update_time", BY_UPDATED },
		{ "name", BY_NAME }, { NULL, 0 },
	};
	static const struct word	 ways[] = {
		{ "", false }, { "desc", false }, { "descending", false }, { "false", false },
		{ "asc", true }, { "ascending", true }, { "true", true }, { NULL, false },
	};
	const int			 size = in->size > 0 ? in->size : PAGE;
	bool				 known;

	out->by = (enum dialogue_sort)means(columns, in->order != NULL ? in->order : "", &known);
	if (!known)
		return fail(cx, F_VALUE, "orderByColumn");
	out->rising = means(ways, in->way != NULL ? in->way : "", &known);
	if (!known)
		return fail(cx, F_VALUE, "isAsc");
	out->size = size;
	out->skip = in->number > 0 ? (int64_t)(in->number - 1) * size : 0;
	return 0;
}

struct model *
copywriting_model(struct ctx *cx, const char *json, const char *kind)
{
	struct model	*m;
	json_auto	*j = NULL;
	const char	*s = json;
	size_t		 n;
	int64_t		 id;

	if (json == NULL)
		return NULL;
	if (strchr("\"-0123456789", *json) == NULL)
		return fail_null(cx, F_TYPE, "modelServiceId");
	if (*json == '"') {
		if ((j = json_parse(cx, json, strlen(json))) == NULL)
			return NULL;
		if (json_get_str(j, &s, &n) && strlen(s) != n)
			return fail_null(cx, F_VALUE, "modelServiceId");
	}
	if (copywriting_id(cx, "modelServiceId", s, &id) == -1 || id == 0)
		return NULL;
	if ((m = model_by_id(cx, id)) == NULL && cx->fail.kind != F_NOT_FOUND)
		return NULL;
	if (m != NULL && m->enabled && strcmp(m->kind, kind) == 0)
		return m;
	fail_clear(cx);
	return fail_null(cx, F_NOT_FOUND, "modelServiceId %lld", (long long)id);
}

double
copywriting_price(double cost)
{
	return cost * HUNDREDTHS;
}
