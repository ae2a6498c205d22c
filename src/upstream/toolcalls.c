#include "upstream/toolcalls.h"

#include <string.h>

#include "base/utf8.h"

/* The call that a piece is of; NULL: there are too many. */
static struct toolcall *
call_of(struct toolcalls *calls, const struct json *piece, bool has_id)
{
	struct toolcall	*last = calls->n > 0 ? &calls->v[calls->n - 1] : NULL, *c;
	int64_t		 index;

	if (json_get_i64(json_at(piece, "index"), &index)) {
		for (c = calls->v; c < calls->v + calls->n; c++)
			if (c->index == index)
				return c;
	} else if (last != NULL && !has_id)
		return last;
	else
		index = last != NULL ? last->index + 1 : 0;
	if (calls->n == TOOLCALLS_MAX)
		return NULL;
	c = &calls->v[calls->n++];
	c->index = index;
	return c;
}

/* Adds a text, made valid and without NUL. -1: too much. */
static int
put(struct toolcalls *calls, struct str *dst, const char *s, size_t n)
{
	const char	*nul;
	size_t		 k, clean;

	for (; n > 0; s += k, n -= k) {
		nul = memchr(s, '\0', n);
		k = nul != NULL ? (size_t)(nul - s) : n;
		if (str_room(dst, k * 3) == NULL)
			return -1;
		clean = utf8_clean(dst->p + dst->len, s, k);
		dst->len += clean;
		dst->p[dst->len] = '\0';
		if ((calls->bytes += clean) > TOOLCALLS_BYTES)
			return -1;
		k += nul != NULL;
	}
	return 0;
}

/* A member that comes once; some servers repeat it with every piece. */
static int
put_once(struct toolcalls *calls, struct str *dst, const char *s, size_t n)
{
	return dst->len == 0 ? put(calls, dst, s, n) : 0;
}

static int
add_piece(struct toolcalls *calls, const struct json *piece)
{
	const char	*id, *name, *arguments;
	size_t		 nid, nname, narguments;
	struct toolcall	*c;
	bool		 has_id;

	if (!json_is_object(piece))
		return -1;
	has_id = json_get_str(json_at(piece, "id"), &id, &nid) && nid > 0;
	if ((c = call_of(calls, piece, has_id)) == NULL)
		return -1;
	if (has_id && put_once(calls, &c->id, id, nid) == -1)
		return -1;
	if (json_get_str(json_at(piece, "function.name"), &name, &nname) &&
	    put_once(calls, &c->name, name, nname) == -1)
		return -1;
	if (json_get_str(json_at(piece, "function.arguments"), &arguments, &narguments) &&
	    put(calls, &c->arguments, arguments, narguments) == -1)
		return -1;
	return 0;
}

int
toolcalls_add(struct toolcalls *calls, const struct json *pieces)
{
	if (!json_is_array(pieces))
		return -1;
	for (size_t i = 0; i < json_count(pieces); i++)
		if (add_piece(calls, json_elem(pieces, i)) == -1)
			return -1;
	return 0;
}

int
toolcalls_add_text(struct toolcalls *calls, const char *text, size_t n)
{
	struct json_parser	*parser = json_parser_new();
	struct json		*pieces = json_parser_parse(parser, text, n);
	int			 rv = pieces != NULL ? toolcalls_add(calls, pieces) : -1;

	json_free(pieces);
	json_parser_free(parser);
	return rv;
}

static int
put_str(struct toolcalls *calls, struct str *dst, const char *s)
{
	return s != NULL ? put(calls, dst, s, strlen(s)) : 0;
}

int
toolcalls_put(struct toolcalls *calls, const char *id, const char *name, const char *arguments)
{
	struct toolcall	*c = &calls->v[calls->n];

	if (calls->n == TOOLCALLS_MAX)
		return -1;
	c->index = calls->n > 0 ? c[-1].index + 1 : 0;
	calls->n++;
	return put_str(calls, &c->id, id) == -1 || put_str(calls, &c->name, name) == -1 ||
	    put_str(calls, &c->arguments, arguments) == -1 ? -1 : 0;
}

static void
write_str(struct jw *w, const char *name, const struct str *s)
{
	jw_strn(w, name, s->len > 0 ? s->p : "", s->len);
}

void
toolcalls_write(const struct toolcalls *calls, struct jw *w, const char *name)
{
	jw_arr(w, name);
	for (const struct toolcall *c = calls->v; c < calls->v + calls->n; c++) {
		jw_obj(w, NULL);
		write_str(w, "id", &c->id);
		jw_str(w, "type", "function");
		jw_obj(w, "function");
		write_str(w, "name", &c->name);
		write_str(w, "arguments", &c->arguments);
		jw_end(w);
		jw_end(w);
	}
	jw_end(w);
}

int64_t
toolcalls_tokens(const struct toolcalls *calls)
{
	int64_t	 n = 0;

	for (const struct toolcall *c = calls->v; c < calls->v + calls->n; c++)
		n += utf8_tokens(c->name.p, c->name.len) +
		    utf8_tokens(c->arguments.p, c->arguments.len);
	return n;
}

void
toolcalls_free(struct toolcalls *calls)
{
	for (struct toolcall *c = calls->v; c < calls->v + calls->n; c++) {
		str_free(&c->id);
		str_free(&c->name);
		str_free(&c->arguments);
	}
	memset(calls, 0, sizeof(*calls));
}
