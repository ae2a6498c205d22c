#include "core/attach.h"

#include <inttypes.h>
#include <string.h>

#include "base/base64.h"
#include "base/jw.h"
#include "base/utf8.h"
#include "core/passages.h"
#include "core/who.h"

#define NAMED_MOST	10	/* files that the model is told the names of */
#define PENDING_S	2	/* until a document that is being fetched or read may be there */

static bool
is(const char *word, const char *other)
{
	return strcmp(word, other) == 0;
}

/* All of its content, next to each other in the arena; NULL: ctx failed. */
static char *
content_of(struct ctx *cx, const struct document *d)
{
	char		*all = arena_get(cx->a, (size_t)d->size);
	struct part	*p;
	int64_t		 have = 0;

	for (int n = 0; have < d->size; n++) {
		if ((p = document_part(cx, d->id, n)) == NULL || p->len > d->size - have)
			return cx->fail.kind != F_NONE ? NULL :
			    fail_null(cx, F_NOT_FOUND, "document %" PRId64, d->id);
		memcpy(all + have, p->body, (size_t)p->len);
		have += p->len;
	}
	return all;
}

static int
pending(struct ctx *cx, const struct document *d)
{
	cx->fail.retry_after = PENDING_S;
	return fail(cx, F_PENDING, "document %" PRId64, d->id);
}

/* Is it ready, and a picture (or not)? */
static int
check(struct ctx *cx, const struct document *d, bool image)
{
	if (is(d->type, "image") != image || is(d->status, "failed"))
		return fail(cx, F_VALUE, "document %" PRId64, d->id);
	if (is(d->status, "ready"))
		return 0;
	return pending(cx, d);
}

char *
attach_image(struct ctx *cx, int64_t document)
{
	struct document	*d;
	size_t		 n;
	char		*content, *head, *address;

	if ((d = document_get(cx, cx->who->id, document)) == NULL || check(cx, d, true) == -1)
		return NULL;
	if (d->size > ATTACH_IMAGE_MAX)
		return fail_null(cx, F_TOO_LARGE, "document %" PRId64, document);
	if ((content = content_of(cx, d)) == NULL)
		return NULL;
	head = arena_printf(cx->a, "data:%s;base64,", d->media_type);
	n = strlen(head);
	address = arena_get(cx->a, n + BASE64_LEN((size_t)d->size) + 1);
	memcpy(address, head, n);
	base64_write(address + n, content, (size_t)d->size);
	return address;
}

int
attach_readable(struct ctx *cx, const struct document *d)
{
	return check(cx, d, false);
}

int
attach_some_readable(struct ctx *cx, const struct document *d, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (is(d[i].status, "ready"))
			return 0;
	for (size_t i = 0; i < n; i++)
		if (is(d[i].status, "pending"))
			return pending(cx, &d[i]);
	return fail(cx, F_CONFLICT, "%s", cx->lang == LANG_ZH ?
	    "所有文件都无法读取" : "none of the documents could be read");
}

/* Those that are not read, each once, ATTACH_UNREAD at most: how many. */
static size_t
find_unread(const struct document *d, size_t n, const struct document **unread)
{
	size_t	 found = 0, k;

	for (size_t i = 0; i < n && found < ATTACH_UNREAD; i++) {
		for (k = 0; k < found && unread[k]->id != d[i].id; k++)
			;
		if (k == found && !is(d[i].status, "ready"))
			unread[found++] = &d[i];
	}
	return found;
}

/* The names of those that stand so: a sentence for the model, or nothing. */
static void
name_unread(struct str *s, const struct document *const *d, size_t n, const char *status,
    const char *before, const char *between, const char *more)
{
	size_t	 named = 0;

	for (size_t i = 0; i < n && named <= NAMED_MOST; i++) {
		if (!is(d[i]->status, status))
			continue;
		if (++named > NAMED_MOST)
			str_puts(s, more);
		else
			str_printf(s, "%s%s", named == 1 ? before : between, d[i]->file_name);
	}
	if (named > 0)
		str_putc(s, '\n');
}

/* What the model is to know of those, and its tokens go off the room; "": nothing, or no room. */
static const char *
confess(struct ctx *cx, const struct document *const *d, size_t n, int64_t *room)
{
	const bool	 zh = cx->lang == LANG_ZH;
	struct str	 s = STR_INIT(0);
	const char	*text;
	int64_t		 tokens;

	if (n == 0)
		return "";
	str_putc(&s, '\n');
	name_unread(&s, d, n, "pending", zh ? "用户的下列文件尚未读完,其内容现在未知:" :
	    "These files of the user are still being read, what they say is not known yet: ",
	    zh ? "、" : ", ", zh ? " 等" : " and more");
	name_unread(&s, d, n, "failed", zh ? "用户的下列文件无法读取,其内容未知:" :
	    "These files of the user could not be read, what they say is not known: ",
	    zh ? "、" : ", ", zh ? " 等" : " and more");
	str_puts(&s, zh ? "如果答案可能与这些文件有关,请向用户说明它们没有被读取。" :
	    "Where the answer may depend on them, tell the user that they were not read.");
	text = str_keep(&s, cx->a);
	if ((tokens = utf8_tokens(text, strlen(text))) > *room)
		return "";
	*room -= tokens;
	return text;
}

static const char *
list_unread(struct ctx *cx, const struct document *const *d, size_t n)
{
	struct str	 s = STR_INIT(0);
	struct jw	 w;

	jw_open(&w, &s);
	jw_arr(&w, NULL);
	for (size_t i = 0; i < n; i++) {
		jw_obj(&w, NULL);
		jw_i64(&w, "documentId", d[i]->id);
		jw_str(&w, "fileName", d[i]->file_name);
		jw_str(&w, "status", d[i]->status);
		jw_end(&w);
	}
	jw_close(&w);
	return str_keep(&s, cx->a);
}

/* Tokens of what the models are told whatever is found, and of what surrounds the knowledge. */
static int64_t
tokens_besides(struct ctx *cx, const struct turn_spec *spec)
{
	struct message	*m = arena_array(cx->a, spec->nbefore + 3, sizeof(*m));
	size_t		 n = 0;

	m[n++] = (struct message){ .role = ROLE_SYSTEM, .text = "" };
	m[n++] = (struct message){ .role = ROLE_USER, .image = spec->image,
	    .text = spec->question != NULL ? spec->question : "" };
	if (spec->system != NULL)
		m[n++] = (struct message){ .role = ROLE_SYSTEM, .text = spec->system };
	for (size_t i = 0; i < spec->nbefore; i++)
		if (spec->before[i].role == ROLE_SYSTEM)
			m[n++] = spec->before[i];
	return prompt_estimate(m, n, spec->extra);
}

/* How many tokens of knowledge all of the models bear. */
static int64_t
room_for(struct ctx *cx, const struct turn_spec *spec)
{
	const int64_t	 besides = tokens_besides(cx, spec);
	int64_t		 room = INT64_MAX, left;

	for (size_t i = 0; i < spec->nseats; i++) {
		const struct model	*m = spec->seats[i].model;

		if (m->context_tokens == 0)
			continue;
		left = prompt_room(m->context_tokens, spec->max_tokens > 0 ? spec->max_tokens :
		    m->max_tokens) - besides;
		if (left > m->context_tokens / 2)
			left = m->context_tokens / 2;
		if (left < room)
			room = left;
	}
	return room;
}

int
attach_knowledge(struct ctx *cx, const struct document *d, size_t n, struct turn_spec *spec)
{
	struct passages_room	 room = { ATTACH_KNOWLEDGE, room_for(cx, spec) };
	int64_t			*ids = arena_array(cx->a, n, sizeof(*ids));
	const struct document	*unread[ATTACH_UNREAD];
	const size_t		 nunread = find_unread(d, n, unread);
	const char		*confession = confess(cx, unread, nunread, &room.tokens);
	struct found		 found;

	for (size_t i = 0; i < n; i++)
		ids[i] = d[i].id;
	if (passages_find(cx, ids, n, spec->question, room, &found) == -1)
		return -1;
	spec->knowledge = found.knowledge;
	if (*confession != '\0')
		spec->knowledge = found.knowledge == NULL ? confession + 1 :
		    arena_printf(cx->a, "%s%s", found.knowledge, confession);
	spec->citations = found.citations;
	spec->ncitations = found.n;
	if (nunread > 0)
		spec->unread = list_unread(cx, unread, nunread);
	return 0;
}
