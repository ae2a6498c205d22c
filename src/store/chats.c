#include "store/chats.h"

#include <inttypes.h>

#include "base/ident.h"
#include "base/jw.h"
#include "store/turn.h"

#define MODULES		2			/* there are modules 1 to this */
#define TIME_MAX	(INT64_C(1) << 53)	/* ms, past all there are */

static struct chat_row *
found(struct ctx *cx, struct chat_row *c, int64_t id)
{
	if (c == NULL)
		return fail_null(cx, F_NOT_FOUND, "session %" PRId64, id);
	return c;
}

struct chat_row *
chats_get(struct ctx *cx, int64_t owner, int64_t id)
{
	return found(cx, db_maybe(cx, SQL_CHAT_GET, V(id), V(owner)), id);
}

struct chat_row *
chats_get_of_tenant(struct ctx *cx, int64_t tenant, int64_t id)
{
	return found(cx, db_maybe(cx, SQL_CHAT_GET_OF_TENANT, V(id), V(tenant)), id);
}

/* Of what is not asked for the empty string: it is a part of every other. */
static const char *
part(const char *s)
{
	return s != NULL ? s : "";
}

int
chats_find(struct ctx *cx, int64_t owner, const struct chats_filter *f, int64_t skip, int64_t size,
    struct chat_row **list, size_t *n, int64_t *total)
{
	const int	 from = f->module != 0 ? f->module : 1;
	const int	 to = f->module != 0 ? f->module : MODULES;

	*total = db_number(cx, SQL_CHAT_COUNT, V(owner), V(from), V(to), V(part(f->title)));
	if (*total == -1)
		return -1;
	return db_many(cx, SQL_CHAT_FIND, list, n, V(owner), V(from), V(to), V(part(f->title)),
	    V(size), V(skip));
}

int
chats_find_of_tenant(struct ctx *cx, int64_t tenant, const struct chats_filter *f, int64_t skip,
    int64_t size, struct chat_row **list, size_t *n, int64_t *total)
{
	const int64_t	 from = f->from_ms, to = f->to_ms != 0 ? f->to_ms : TIME_MAX;
	const int64_t	 first = ident_from(from), last = ident_until(to);

	*total = db_number(cx, SQL_CHAT_COUNT_OF_TENANT, V(tenant), V(first), V(last), V(from),
	    V(to), V(part(f->title)), V(part(f->user_name)));
	if (*total == -1)
		return -1;
	return db_many(cx, SQL_CHAT_FIND_OF_TENANT, list, n, V(tenant), V(first), V(last), V(from),
	    V(to), V(part(f->title)), V(part(f->user_name)), V(size), V(skip));
}

int
chats_documents(struct ctx *cx, const struct chat_row *chats, size_t nchats,
    struct chat_document_row **list, size_t *n)
{
	struct str	 ids = STR_INIT(0);
	struct jw	 w;
	int		 rc;

	jw_open(&w, &ids);
	jw_arr(&w, NULL);
	for (size_t i = 0; i < nchats; i++)
		jw_i64(&w, NULL, chats[i].id);
	jw_close(&w);
	rc = db_many(cx, SQL_CHAT_DOCUMENTS, list, n, V(ids.p));
	str_free(&ids);
	return rc;
}

int
chats_alter(struct ctx *cx, const struct chat_row *c)
{
	return db_found(cx, db_exec(cx, SQL_CHAT_ALTER, V(c->title), V(c->abstract),
	    V_ID(c->module), V(c->type), V_ID(c->dataset), V_ID(c->model), V(c->id), V(c->owner)),
	    "session %" PRId64, c->id);
}

int
records_list(struct ctx *cx, int64_t owner, int64_t session, int64_t skip, int64_t size,
    struct record_row **list, size_t *n)
{
	return db_many(cx, SQL_RECORD_LIST, list, n, V(session), V(owner), V(size), V(skip));
}

struct record_row *
records_get(struct ctx *cx, int64_t owner, int64_t answer)
{
	struct record_row	*r;

	if ((r = db_maybe(cx, SQL_RECORD_GET, V(answer), V(owner))) == NULL)
		return fail_null(cx, F_NOT_FOUND, "record %" PRId64, answer);
	return r;
}

int
records_citations(struct ctx *cx, int64_t owner, int64_t session, int64_t first, int64_t last,
    struct citation_row **list, size_t *n)
{
	return db_many(cx, SQL_RECORD_CITATIONS, list, n, V(session), V(owner), V(first), V(last));
}
