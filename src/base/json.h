/*
 * json: bodies in, replies out, both by field tables over structs. The only user of json-c.
 *
 * A field table says what a struct's members are called in JSON, their type, whether they must be
 * there, and their range. The same table reads a body (JSON or form), writes a reply and describes
 * both in the API document.
 */
#ifndef PARLEY_JSON_H
#define PARLEY_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ctx.h"
#include "jw.h"

enum field_type {
	T_STR,		/* char *        min..max: length in characters */
	T_BOOL,		/* bool */
	T_INT,		/* int           min..max: value */
	T_I64,		/* int64_t       the same; an integer in JSON */
	T_ID,		/* int64_t       a decimal string in JSON; 0 is written as null */
	T_F64,		/* double        min..max: value */
	T_TIME,		/* int64_t ms    "yyyy-MM-dd HH:mm:ss" in the configured zone, on input
					 ISO-8601 too; 0 is written as null */
	T_OBJ,		/* struct x *    sub describes it; NULL = null */
	T_LIST,		/* struct list   of structs described by sub; min..max: how many */
	T_STRS,		/* struct list   of char * */
	T_I64S,		/* struct list   of int64_t */
	T_MAP,		/* struct list   of structs described by sub, the first member of each its
					 char *name: an object whose keys are data */
	T_MAPSTR,	/* struct list   of struct named_str: an object of strings */
	T_MAPF64,	/* struct list   of struct named_f64: an object of numbers, each min..max */
	T_MAPLIST,	/* struct list   of struct named_list: an object of lists of structs
					 described by sub; in replies alone */
	T_ANY,		/* char *        any JSON value, kept as its text */
};

struct list {
	void	*p;		/* n structs, or n pointers, next to each other, in the arena */
	size_t	 n;
};

/* The items of T_MAPSTR, T_MAPF64 and T_MAPLIST. */
struct named_str {
	const char	*name, *value;
};

struct named_f64 {
	const char	*name;
	double		 value;
};

struct named_list {
	const char	*name;
	struct list	 values;
};

enum { MAY = 0, MUST = 1, OMIT = 2 /* MAY, and left out of replies when zero */ };

struct fields;
struct field {
	const char		*name;
	enum field_type		 type;
	int			 need;		/* MAY, MUST, OMIT */
	size_t			 offset;
	double			 min, max;	/* both 0: no limit of its own */
	const struct fields	*sub;
	const char		*help;		/* one line for the API document, or NULL */
};

struct fields {
	const char		*name;		/* of its schema in the API document */
	size_t			 size;		/* sizeof(struct x) */
	const struct field	*f;
	size_t			 n;
};

/*
 * In C: static const struct field x_f[] = { FIELD(x, T_STR, MUST, title, 1, 200, "help"), … };
 * FIELDS(x, "X")
 */
#define FIELD(st, type, need, member, min, max, help) \
	{ #member, type, need, offsetof(struct st, member), min, max, NULL, help }
#define FIELD_AS(st, type, need, member, json, min, max, help) \
	{ json, type, need, offsetof(struct st, member), min, max, NULL, help }
#define FIELD_SUB(st, type, need, member, subtable, min, max, help) \
	{ #member, type, need, offsetof(struct st, member), min, max, subtable, help }
#define FIELDS(st, schema) \
	const struct fields st##_fields = \
	    { schema, sizeof(struct st), st##_f, sizeof(st##_f) / sizeof(st##_f[0]) }

struct json;		/* a parsed document */

/*
 * Parses at most n bytes of UTF-8 JSON. Fails the ctx with F_BODY (NUL in a key, nesting over 64,
 * numbers out of range, anything after the value) or F_UTF8 and the full name of what is none, and
 * returns NULL. Duplicate keys: the last wins. Freed with json_free.
 */
struct json	*json_parse(struct ctx *, const char *, size_t n);
/*
 * application/x-www-form-urlencoded into the same tree: `messages[0].content=x` nests, at most 4096
 * pairs and 1000 elements. Values are strings; json_read turns them into what the field says.
 */
struct json	*json_from_form(struct ctx *, const char *, size_t n);
void		 json_free(struct json *);
static inline void json_freep(struct json **j) { json_free(*j); }
#define json_auto __attribute__((cleanup(json_freep))) struct json

/*
 * Fills the struct from an object by the table; strings go to the arena. null counts as absent, and
 * what is absent leaves the struct as it is. Unknown names are ignored. -1 with F_MISSING (also for
 * an empty string that must not be empty), F_TYPE, F_RANGE, F_VALUE (NUL in a string, no date) or
 * F_UTF8 and the field's full name ("messages[2].role"); a T_ID that cannot be one is F_NOT_FOUND.
 * In a form an empty value of anything but a string counts as absent, and a single one is a list of
 * one.
 */
int	 json_read(struct ctx *, const struct json *, const struct fields *, void *);
/* The member's text: a string's content, else its JSON; NULL when absent. In the arena. */
const char *json_text(struct ctx *, const struct json *, const char *name);
/*
 * The value at a path of member names and array indices ("choices.0.delta"), or NULL; borrowed from
 * the tree.
 */
const struct json *json_at(const struct json *, const char *path);
/*
 * The value as what it is: false when it is absent or of another type. A string is borrowed from
 * the tree.
 */
bool	 json_get_str(const struct json *, const char **, size_t *);
bool	 json_get_i64(const struct json *, int64_t *);
bool	 json_get_f64(const struct json *, double *);
bool	 json_get_bool(const struct json *, bool *);
bool	 json_is_object(const struct json *);
bool	 json_is_array(const struct json *);
bool	 json_is_form(const struct json *);		/* an object or array of json_from_form */
/* The member of just this name, dots and all; NULL when absent, null or no object. */
const struct json *json_member(const struct json *, const char *name);
/* The member after *at (NULL: the first) of an object, in their order; false behind the last. */
bool	 json_next(const struct json *, const void **at, const char **name,
	     const struct json **value);
size_t	 json_count(const struct json *);	/* elements of an array; 0 for anything else */
const struct json *json_elem(const struct json *, size_t);
/* The value's JSON text, without blanks and always valid, in the arena; "null" for NULL. */
char	*json_dump(struct arena *, const struct json *);

/*
 * A parser for many small documents (upstream events): no ctx, no failure text, memory reused. One
 * thread.
 */
struct json_parser;
struct json_parser	*json_parser_new(void);
void			 json_parser_free(struct json_parser *);
/*
 * NULL: not JSON, or null. As lenient as json-c: numbers may be out of range, strings malformed
 * UTF-8. Freed with json_free, before or after the parser.
 */
struct json		*json_parser_parse(struct json_parser *, const char *, size_t n);

/*
 * Writes the struct as an object named `name` (NULL in an array or at the top). zone: for T_TIME.
 */
void	 json_write(struct jw *, const char *name, const struct fields *, const void *,
	     const char *zone);

#endif
