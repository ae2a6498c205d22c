/* form: application/x-www-form-urlencoded into the tree of json.h. */
#include "json.h"

#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "unread.h"
#include "url.h"
#include "utf8.h"

#define PAIRS		4096
#define ELEMENTS	1000
#define DEPTH		64
#define APPEND		(-1L)
#define NAME_CHARS	64	/* of a name that an error repeats */

/* `messages[0].content`, `scores[fluency]` and `ids[]` as steps. */
struct step {
	const char	*name;		/* not terminated; NULL: an element */
	size_t		 n;
	long		 index;		/* or APPEND */
};

struct form {
	struct ctx	*cx;
	size_t		 elements;	/* of all arrays together */
};

/* Every object and array of a form carries this mark. */
static char	mark;

bool
json_is_form(const struct json *j)
{
	struct json_object	*o = (struct json_object *)(uintptr_t)j;

	return (json_is_object(j) || json_is_array(j)) && json_object_get_userdata(o) == &mark;
}

static struct json_object *
container(bool array)
{
	struct json_object	*o = array ? json_object_new_array() : json_object_new_object();

	if (o == NULL)
		out_of_memory();
	json_object_set_userdata(o, &mark, NULL);
	return o;
}

/* [digits], [] or [name]; false when it is not closed. */
static bool
bracket(const char **p, struct step *st)
{
	const char	*s = *p + 1, *end = strchr(s, ']');

	if (end == NULL)
		return false;
	*p = end + 1;
	*st = (struct step){ .name = s, .n = (size_t)(end - s) };
	if (st->n == 0)
		*st = (struct step){ .index = APPEND };
	else if (st->n == strspn(s, "0123456789"))
		*st = (struct step){ .index = st->n < 7 ? strtol(s, NULL, 10) : ELEMENTS };
	return true;
}

/* The next step of a key, *p moves behind it; false at its end and where it is malformed. */
static bool
next_step(const char **p, struct step *st)
{
	const char	*s = *p;

	if (*s == '[')
		return bracket(p, st);
	if (*s == '.')
		s++;
	*st = (struct step){ .name = s, .n = strcspn(s, ".[") };
	*p = s + st->n;
	return st->n > 0;
}

static struct json_object *
get(struct form *f, struct json_object *in, const struct step *st)
{
	struct json_object	*o = NULL;

	if (st->name != NULL)
		json_object_object_get_ex(in, arena_strndup(f->cx->a, st->name, st->n), &o);
	else if (st->index != APPEND)
		o = json_object_array_get_idx(in, (size_t)st->index);
	return o;
}

/* Takes `o` over. -1 when there are too many elements. */
static int
put(struct form *f, struct json_object *in, const struct step *st, struct json_object *o)
{
	size_t	 have, i;

	if (st->name != NULL) {
		json_object_object_add(in, arena_strndup(f->cx->a, st->name, st->n), o);
		return 0;
	}
	have = json_object_array_length(in);
	i = st->index == APPEND ? have : (size_t)st->index;
	if (i >= have) {
		if (i + 1 - have > ELEMENTS - f->elements) {
			json_object_put(o);
			return -1;
		}
		f->elements += i + 1 - have;
	}
	json_object_array_put_idx(in, i, o);
	return 0;
}

static int
bad(struct form *f, enum fail_kind kind, const char *key)
{
	return fail(f->cx, kind, "%.*s", (int)utf8_cut(key, strlen(key), NAME_CHARS), key);
}

/*
 * Sets the value at the key; what stands in the way is replaced, as the last of equal names wins.
 */
static int
set(struct form *f, struct json_object *root, const char *key, struct json_object *value)
{
	struct json_object	*in = root, *o;
	struct step		 st, next;
	const char		*p = key;
	bool			 more = next_step(&p, &st) && st.name != NULL;
	int			 depth = 1;

	while (more && *p != '\0') {
		if (!(more = next_step(&p, &next) && ++depth <= DEPTH))
			break;
		o = get(f, in, &st);
		if (!json_object_is_type(o, next.name ? json_type_object : json_type_array)) {
			o = container(next.name == NULL);
			if (put(f, in, &st, o) == -1)
				goto full;
		}
		in = o;
		st = next;
	}
	if (!more) {
		json_object_put(value);
		return fail_unread(f->cx, UNREAD_NAME);
	}
	if (put(f, in, &st, value) == -1)
		return bad(f, F_RANGE, key);
	return 0;
full:
	json_object_put(value);
	return bad(f, F_RANGE, key);
}

/* One `name=value`; buf has room for it and two NULs. */
static int
pair(struct form *f, struct json_object *root, const char *s, size_t n, char *buf)
{
	const char		*equals = memchr(s, '=', n);
	size_t			 key_len, len;
	char			*value;
	struct json_object	*o;

	key_len = url_unescape(buf, s, equals != NULL ? (size_t)(equals - s) : n, true);
	buf[key_len] = '\0';
	if (key_len == 0)
		return 0;
	if (!utf8_valid(buf, key_len))
		return fail(f->cx, F_UTF8, "body");
	if (strlen(buf) != key_len)
		return fail_unread(f->cx, UNREAD_NAME);

	value = buf + key_len + 1;
	len = 0;
	if (equals != NULL)
		len = url_unescape(value, equals + 1, (size_t)(s + n - equals - 1), true);
	if (!utf8_valid(value, len))
		return bad(f, F_UTF8, buf);
	if ((o = json_object_new_string_len(value, (int)len)) == NULL)
		out_of_memory();
	return set(f, root, buf, o);
}

struct json *
json_from_form(struct ctx *cx, const char *s, size_t n)
{
	struct form		 f = { .cx = cx };
	struct json_object	*root;
	const char		*end;
	char			*buf;
	size_t			 len, pairs = 0;

	if (n > INT32_MAX) {
		fail_unread(cx, UNREAD_LONG);
		return NULL;
	}
	root = container(false);
	buf = xmalloc(n + 2);
	for (; n > 0; s += len, n -= len) {
		end = memchr(s, '&', n);
		len = end != NULL ? (size_t)(end - s) : n;
		if (len > 0 && (++pairs > PAIRS || pair(&f, root, s, len, buf) == -1)) {
			fail_unread(cx, UNREAD_PAIRS);		/* unless it has failed */
			json_object_put(root);
			root = NULL;
			break;
		}
		if (end != NULL)
			len++;
	}
	free(buf);
	return (struct json *)root;
}
