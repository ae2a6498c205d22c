/* The dialect "release": its failures, its conversations' names, its models. */
#include "release.h"

#include <stdio.h>
#include <string.h>

#include "api/handlers.h"
#include "base/ident.h"
#include "core/who.h"
#include "store/model.h"

#define OWNER		"parley"
#define TYPE		"type.googleapis.com/google.rpc."

static const struct field failure_f[] = {
	{ "code", T_INT, MAY, 0, 0, 0, NULL, "google.rpc.Code" },
	{ "message", T_STR, MAY, 0, 0, 0, NULL, "for developers, in English" },
	{ "details", T_ANY, MAY, 0, 0, 0, NULL, "an array: google.rpc.BadRequest where a member of"
	    " the body is at fault, RetryInfo, and a LocalizedMessage for users" },
};
static const struct fields failure_fields = { "ReleaseStatus", 0, failure_f, 3 };

static void
open_detail(struct jw *w, const char *type)
{
	char	 url[64];

	snprintf(url, sizeof(url), TYPE "%s", type);
	jw_obj(w, NULL);
	jw_str(w, "@type", url);
}

/* Which member of the body is at fault; NULL: that is not it. */
static const char *
member_of(const struct fail *f)
{
	switch (f->kind) {
	case F_BODY:
		return "body";
	case F_MISSING:
	case F_TYPE:
	case F_RANGE:
	case F_VALUE:
	case F_UTF8:
		return f->what;
	default:
		return NULL;
	}
}

static void
write_details(struct jw *w, const struct fail *f, const char *english, const char *sentence)
{
	const char	*member = member_of(f);
	char		 delay[16];

	if (member != NULL) {
		open_detail(w, "BadRequest");
		jw_arr(w, "fieldViolations");
		jw_obj(w, NULL);
		jw_str(w, "field", member);
		jw_str(w, "description", english);
		jw_end(w);
		jw_end(w);
		jw_end(w);
	}
	if (f->retry_after > 0) {
		snprintf(delay, sizeof(delay), "%ds", f->retry_after);
		open_detail(w, "RetryInfo");
		jw_str(w, "retryDelay", delay);
		jw_end(w);
	}
	open_detail(w, "LocalizedMessage");
	jw_str(w, "locale", strcmp(sentence, english) == 0 ? "en-US" : "zh-CN");
	jw_str(w, "message", sentence);
	jw_end(w);
}

static void
release_explain(struct jw *w, const struct fail *f, const char *sentence)
{
	struct arena	*a = arena_new(0);
	const char	*english = fail_text(a, f, LANG_EN);

	jw_obj(w, NULL);
	jw_i64(w, "code", fail_rpc(f->kind));
	/* Of a conflict all that is said is a sentence for users, in their language. */
	jw_str(w, "message", f->kind == F_CONFLICT ?
	    "the request conflicts with another one" : english);
	jw_arr(w, "details");
	write_details(w, f, english, sentence);
	jw_end(w);
	jw_end(w);
	arena_free(a);
}

static const struct dialect_note notes[] = {
	{ "", "发布应用", NULL },
};

const struct dialect dialect_release = {
	.name = "release", .explain = release_explain, .failure = &failure_fields,
	.voice = &release_voice, .notes = notes, .again = release_again,
};

char *
release_conversation(struct arena *a, int64_t session, const char *author)
{
	char	*sealed;

	if (!who_is_public(author))
		return arena_printf(a, "%lld", (long long)session);
	sealed = arena_get(a, IDENT_SEALED);
	ident_seal(sealed, "conversation", session);
	return sealed;
}

int
release_finish(const char *status)
{
	static const struct {
		const char		*status;
		enum release_finish	 finish;
	} known[] = {
		{ "stop", ENDED_STOP },
		{ "stopped", ENDED_STOP },
		{ "length", ENDED_LENGTH },
		{ "content_filter", ENDED_SENSITIVE },
		{ "running", ENDED_UNSPECIFIED },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(status, known[i].status) == 0)
			return known[i].finish;
	return ENDED_UNKNOWN;
}

/* GET /studio/rag/data/v1/conversation:allModel */
int
release_all_model(struct req *r)
{
	struct arena		*a = r->cx.a;
	struct release_models	 out;
	struct release_model	*list;
	struct model		*models;
	size_t			 n;

	if (model_list_chat(&r->cx, &models, &n) == -1)
		return -1;
	list = arena_array(a, n, sizeof(*list));
	for (size_t i = 0; i < n; i++)
		list[i] = (struct release_model){ .id = models[i].code,
		    .display_name = models[i].name, .owner = arena_strdup(a, OWNER) };
	out.models = (struct list){ list, n };
	return reply_fields(r, &release_models_fields, &out);
}
