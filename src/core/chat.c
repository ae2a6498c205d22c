#include "chat.h"

#include <string.h>

#include "base/ident.h"
#include "base/utf8.h"
#include "core/session.h"
#include "core/who.h"
#include "store/chats.h"
#include "store/document.h"
#include "store/model.h"

#define PRI_BYTES	16	/* of a priId, which nobody needs here */

/* What a conversation rests on, with the change in it. */
struct basis {
	int		 module;
	const char	*type;
	bool		 dataset, documents;	/* it has one, has some */
	bool		 bereft;		/* it is of that type, and lost what it rested on */
};

struct work {
	const struct chat_change	*change;
	const struct session		*fresh;		/* a new one, with its lane; or NULL */
	const struct lane_row		*lane;
	int64_t				 id;
};

static int
check_basis(struct ctx *cx, const struct basis *b)
{
	static const struct {
		const char	*type;
		int		 module;
	} types[] = { { CHAT_PLAIN, 1 }, { CHAT_DATASET, 2 }, { CHAT_DOCUMENTS, 2 } };
	size_t	 i, n = sizeof(types) / sizeof(types[0]);

	if (b->module != 1 && b->module != 2)
		return fail(cx, F_VALUE, "module");
	for (i = 0; i < n && strcmp(types[i].type, b->type) != 0; i++)
		;
	if (i == n)
		return fail(cx, F_VALUE, "type");
	if (types[i].module != b->module)
		return fail(cx, F_VALUE, "module %d, type %s", b->module, b->type);
	if (b->bereft)
		return 0;
	if (strcmp(b->type, CHAT_DATASET) == 0 && !b->dataset)
		return fail(cx, F_MISSING, "datasetId");
	if (strcmp(b->type, CHAT_DOCUMENTS) == 0 && !b->documents)
		return fail(cx, F_MISSING, "documentIds");
	return 0;
}

/*
 * What it will rest on; now has ndocuments documents. Where a dataset or documents were deleted,
 * what is read can be saved again: that it has none is nothing new.
 */
static struct basis
basis_of(const struct chat_change *c, const struct chat_row *now, size_t ndocuments)
{
	struct basis	 b = {
		.module = c->module != 0 ? c->module : now->module,
		.type = c->type != NULL ? c->type : now->type,
		.dataset = c->dataset != 0 || now->dataset != 0,
		.documents = c->documents != NULL ? c->ndocuments > 0 : ndocuments > 0,
	};

	if (c->spark)
		b.module = 2;
	if (c->spark && c->type == NULL && now->module != 2)
		b.type = c->dataset != 0 ? CHAT_DATASET : CHAT_DOCUMENTS;
	b.bereft = strcmp(b.type, now->type) == 0 &&
	    (strcmp(b.type, CHAT_DATASET) == 0 ? now->dataset == 0 : ndocuments == 0);
	return b;
}

static bool
are_same(const struct chat_document_row *has, size_t n, const struct chat_change *c)
{
	if (n != c->ndocuments)
		return false;
	for (size_t i = 0; i < n; i++)
		if (has[i].document != c->documents[i])
			return false;
	return true;
}

/* Exchanges what documents it has for those of the change, in that order. */
static int
exchange(struct ctx *cx, int64_t id, const struct chat_change *c,
    const struct chat_document_row *has, size_t n)
{
	int64_t	*gone = arena_array(cx->a, n, sizeof(*gone));

	if (are_same(has, n, c))
		return 0;
	for (size_t i = 0; i < n; i++)
		gone[i] = has[i].document;
	if (document_detach(cx, cx->who->id, id, gone, n) == -1)
		return -1;
	return document_attach(cx, cx->who->id, id, c->documents, c->ndocuments);
}

/* Of a session that keeps its model it does not matter what became of that. */
static int
check_model(struct ctx *cx, int64_t id, int64_t now)
{
	const struct model	*m;

	if (id == 0 || id == now)
		return 0;
	if ((m = model_by_id(cx, id)) == NULL)
		return -1;
	if (!m->enabled || strcmp(m->kind, "chat") != 0)
		return fail(cx, F_NOT_FOUND, "model %lld", (long long)id);
	return 0;
}

/* An empty one takes it away; one of blanks would be a title that nobody sees. */
static int
check_title(struct ctx *cx, const char *title)
{
	if (title == NULL || *title == '\0' || !utf8_blank(title, strlen(title)))
		return 0;
	return fail(cx, F_VALUE, "session.title");
}

/* Is anything said of what it rests on? */
static bool
touches_basis(const struct chat_change *c)
{
	return c->spark || c->module != 0 || c->type != NULL || c->dataset != 0 ||
	    c->documents != NULL;
}

/* Puts it on its new basis, as far as that is not a column of its row: those go into `to`. */
static int
rebase(struct ctx *cx, const struct chat_row *now, const struct chat_change *c,
    struct chat_row *to)
{
	struct chat_document_row	*has;
	struct basis			 b;
	size_t				 n;

	if (c->dataset != 0 && c->dataset != now->given &&
	    dataset_get(cx, cx->who->id, c->dataset) == NULL)
		return -1;
	if (chats_documents(cx, now, 1, &has, &n) == -1)
		return -1;
	b = basis_of(c, now, n);
	if (check_basis(cx, &b) == -1)
		return -1;
	to->module = b.module;
	to->type = arena_strdup(cx->a, b.type);
	to->dataset = c->dataset;
	return c->documents != NULL ? exchange(cx, now->id, c, has, n) : 0;
}

/* Checks the change against the conversation, which is locked, and makes it. */
static int
apply(struct ctx *cx, const struct chat_row *now, const struct chat_change *c)
{
	struct chat_row	 to = {
		.id = now->id, .owner = now->owner, .model = c->model,
		.title = arena_strdup(cx->a, c->title),
		.abstract = arena_strdup(cx->a, c->abstract),
	};

	if (check_title(cx, c->title) == -1 || check_model(cx, c->model, now->model) == -1)
		return -1;
	if (touches_basis(c) && rebase(cx, now, c, &to) == -1)
		return -1;
	return chats_alter(cx, &to);
}

static int
begin(struct ctx *cx, void *arg)
{
	const struct work	*w = arg;
	const struct chat_row	*now;

	if (session_add(cx, w->fresh, w->lane, 1) == -1 ||
	    (now = chats_get(cx, cx->who->id, w->id)) == NULL)
		return -1;
	return apply(cx, now, w->change);
}

static int
alter(struct ctx *cx, void *arg)
{
	const struct work	*w = arg;
	const struct chat_row	*now;

	if (session_lock(cx, cx->who->id, w->id) == NULL ||
	    (now = chats_get(cx, cx->who->id, w->id)) == NULL)
		return -1;
	return apply(cx, now, w->change);
}

/* Who answers until a question names another: the chosen model, else the first there is. */
static int
lane_model(struct ctx *cx, int64_t chosen, int64_t *model)
{
	struct model	*models;
	size_t		 n;

	if (check_model(cx, chosen, 0) == -1 || model_list_chat(cx, &models, &n) == -1)
		return -1;
	if (n == 0)
		return fail(cx, F_UNAVAILABLE, "models");
	*model = chosen != 0 ? chosen : models[0].id;
	return 0;
}

int
chat_open(struct ctx *cx, int64_t id, struct talk *talk)
{
	if (session_open(cx, id, talk) == -1)
		return -1;
	if (talk->nlanes == 1 && talk->lanes->mask == NULL)
		return 0;
	return fail(cx, F_CONFLICT, "%s", cx->lang == LANG_ZH ?
	    "该会话由多个匿名模型回答,请在竞技场中继续" :
	    "masked models answer in this conversation: go on in the arena");
}

struct talk *
chat_make(struct ctx *cx, int64_t model)
{
	struct talk	*talk = arena_get(cx->a, sizeof(*talk));
	struct session	*s = arena_get(cx->a, sizeof(*s));
	struct lane_row	*lane = arena_get(cx->a, sizeof(*lane));
	char		*pri_id = arena_get(cx->a, 2 * PRI_BYTES + 1);

	ident_random_hex(pri_id, PRI_BYTES);
	*s = (struct session){
		.id = ident_new(), .tenant = cx->who->tenant, .owner = cx->who->id,
		.title = arena_strdup(cx->a, ""), .created_ms = cx->now,
	};
	*lane = (struct lane_row){ .session = s->id, .model = model, .pri_id = pri_id };
	*talk = (struct talk){ .session = s, .lanes = lane, .nlanes = 1 };
	return talk;
}

int64_t
chat_begin(struct ctx *cx, const struct chat_change *c)
{
	const struct talk	*talk;
	struct work		 w = { .change = c };
	int64_t			 model = 0;

	if (lane_model(cx, c->model, &model) == -1)
		return -1;
	talk = chat_make(cx, model);
	w.fresh = talk->session;
	w.lane = talk->lanes;
	w.id = talk->session->id;
	return db_txn(cx, begin, &w) == -1 ? -1 : w.id;
}

int
chat_alter(struct ctx *cx, int64_t id, const struct chat_change *c)
{
	struct work	 w = { .change = c, .id = id };

	return db_txn(cx, alter, &w);
}
