/* openapi_schema: field tables as schemas of the API document. */
#include "openapi.h"

#include <stdio.h>

#include "api/dialect.h"

#define SCHEMAS_MAX	256
#define TIME_PATTERN	"^[0-9]{4}-[0-9]{2}-[0-9]{2}" \
			"([ T][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?" \
			"(Z|[+-][0-9]{2}:?[0-9]{2})?)?$"

struct schemas {			/* every table that is mentioned, once */
	const struct fields	*t[SCHEMAS_MAX];
	size_t			 n;
};

/*
 * Adds the table and what it is made of. Two tables of one name would be one schema: a mistake in
 * the tables.
 */
static void
collect(struct schemas *s, const struct fields *t)
{
	if (t == NULL)
		return;
	for (size_t i = 0; i < s->n; i++)
		if (s->t[i] == t)
			return;
	if (s->n == SCHEMAS_MAX)
		return;
	s->t[s->n++] = t;
	for (size_t i = 0; i < t->n; i++)
		collect(s, t->f[i].sub);
}

void
openapi_ref(struct jw *w, const char *name, const struct fields *t)
{
	char	 ref[128];

	snprintf(ref, sizeof(ref), "#/components/schemas/%s", t->name);
	jw_obj(w, name);
	jw_str(w, "$ref", ref);
	jw_end(w);
}

void
openapi_type(struct jw *w, const char *type, const char *format)
{
	jw_str(w, "type", type);
	if (format != NULL)
		jw_str(w, "format", format);
}

/* A number without a fraction as one. */
static void
write_bound(struct jw *w, const char *name, double v)
{
	if (v == (double)(int64_t)v)
		jw_i64(w, name, (int64_t)v);
	else
		jw_f64(w, name, v);
}

static void
write_range(struct jw *w, const struct field *f, const char *least, const char *most)
{
	if (f->min == 0 && f->max == 0)
		return;
	write_bound(w, least, f->min);
	if (f->max != 0)
		write_bound(w, most, f->max);
}

/* Arrays of a plain type, objects of one: the type stands one level deeper. */
static void
write_inner(struct jw *w, const char *outer, const char *inner_name, const char *type,
    const char *format, const struct field *range)
{
	openapi_type(w, outer, NULL);
	jw_obj(w, inner_name);
	openapi_type(w, type, format);
	if (range != NULL)
		write_range(w, range, "minimum", "maximum");
	jw_end(w);
}

/*
 * An object of its own schema. One that may be null is the one or the other, since beside a $ref
 * nothing counts, and what allOf names cannot be null.
 */
static void
write_object(struct jw *w, const struct field *f)
{
	jw_arr(w, f->need == MUST ? "allOf" : "anyOf");
	openapi_ref(w, NULL, f->sub);
	if (f->need != MUST) {
		jw_obj(w, NULL);
		openapi_type(w, "object", NULL);
		jw_bool(w, "nullable", true);
		jw_arr(w, "enum");
		jw_null(w, NULL);
		jw_end(w);
		jw_end(w);
	}
	jw_end(w);
}

/* The members of the schema of one field. */
void
openapi_field(struct jw *w, const struct field *f)
{
	switch (f->type) {
	case T_STR:
		openapi_type(w, "string", NULL);
		write_range(w, f, "minLength", "maxLength");
		break;
	case T_BOOL:
		openapi_type(w, "boolean", NULL);
		break;
	case T_INT:
		openapi_type(w, "integer", "int32");
		write_range(w, f, "minimum", "maximum");
		break;
	case T_I64:
		openapi_type(w, "integer", "int64");
		write_range(w, f, "minimum", "maximum");
		break;
	case T_ID:
		openapi_type(w, "string", NULL);
		jw_str(w, "pattern", "^[1-9][0-9]*$");
		break;
	case T_F64:
		openapi_type(w, "number", "double");
		write_range(w, f, "minimum", "maximum");
		break;
	case T_TIME:
		openapi_type(w, "string", NULL);
		jw_str(w, "pattern", TIME_PATTERN);
		break;
	case T_OBJ:
		write_object(w, f);
		break;
	case T_LIST:
		openapi_type(w, "array", NULL);
		openapi_ref(w, "items", f->sub);
		write_range(w, f, "minItems", "maxItems");
		break;
	case T_STRS:
		write_inner(w, "array", "items", "string", NULL, NULL);
		break;
	case T_I64S:
		write_inner(w, "array", "items", "integer", "int64", NULL);
		break;
	case T_MAP:
		openapi_type(w, "object", NULL);
		openapi_ref(w, "additionalProperties", f->sub);
		break;
	case T_MAPSTR:
		write_inner(w, "object", "additionalProperties", "string", NULL, NULL);
		break;
	case T_MAPF64:
		write_inner(w, "object", "additionalProperties", "number", "double", f);
		break;
	case T_MAPLIST:
		openapi_type(w, "object", NULL);
		jw_obj(w, "additionalProperties");
		openapi_type(w, "array", NULL);
		openapi_ref(w, "items", f->sub);
		jw_end(w);
		break;
	case T_ANY:
		break;
	}
}

/* May the value be null: it is a pointer that may be NULL, or a time that may be none. */
static bool
is_nullable(const struct field *f)
{
	return f->need != MUST && (f->type == T_STR || f->type == T_TIME || f->type == T_ANY);
}

static void
write_field(struct jw *w, const char *name, const struct field *f)
{
	jw_obj(w, name);
	openapi_field(w, f);
	if (is_nullable(f))
		jw_bool(w, "nullable", true);
	if (f->help != NULL)
		jw_str(w, "description", f->help);
	jw_end(w);
}

static void
write_schema(struct jw *w, const struct fields *t)
{
	size_t	 required = 0;

	jw_obj(w, t->name);
	jw_str(w, "type", "object");
	for (size_t i = 0; i < t->n; i++)
		required += t->f[i].need == MUST;
	if (required > 0) {
		jw_arr(w, "required");
		for (size_t i = 0; i < t->n; i++)
			if (t->f[i].need == MUST)
				jw_str(w, NULL, t->f[i].name);
		jw_end(w);
	}
	jw_obj(w, "properties");
	for (size_t i = 0; i < t->n; i++)
		write_field(w, t->f[i].name, &t->f[i]);
	jw_end(w);
	jw_end(w);
}

void
openapi_schemas(struct jw *w, const struct route *rows, size_t n)
{
	struct schemas	 s = { .n = 0 };

	for (size_t i = 0; i < n; i++) {
		if (!(rows[i].flags & R_QUERY) || (rows[i].flags & R_REQ_PARAM))
			collect(&s, rows[i].in);
		collect(&s, rows[i].out);
		collect(&s, rows[i].dialect->failure);
	}
	jw_obj(w, "schemas");
	for (size_t i = 0; i < s.n; i++)
		write_schema(w, s.t[i]);
	jw_end(w);
}
