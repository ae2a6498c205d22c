#include "openapi.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "api/dialect.h"
#include "api/dispatch.h"
#include "api/handlers.h"
#include "base/ident.h"
#include "base/jw.h"
#include "web/req.h"

#define SCHEMAS_MAX	256
#define TIME_PATTERN	"^[0-9]{4}-[0-9]{2}-[0-9]{2}" \
			"([ T][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?(Z|[+-][0-9]{2}:?[0-9]{2})?)?$"

struct schemas {			/* every table that is mentioned, once */
	const struct fields	*t[SCHEMAS_MAX];
	size_t			 n;
};

/* Adds the table and what it is made of. Two tables of one name would be one schema: a mistake in the tables. */
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

static void
write_ref(struct jw *w, const char *name, const struct fields *t)
{
	char	 ref[128];

	snprintf(ref, sizeof(ref), "#/components/schemas/%s", t->name);
	jw_obj(w, name);
	jw_str(w, "$ref", ref);
	jw_end(w);
}

static void
write_type(struct jw *w, const char *type, const char *format)
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
write_inner(struct jw *w, const char *outer, const char *inner_name, const char *type, const char *format,
    const struct field *range)
{
	write_type(w, outer, NULL);
	jw_obj(w, inner_name);
	write_type(w, type, format);
	if (range != NULL)
		write_range(w, range, "minimum", "maximum");
	jw_end(w);
}

/* The members of the schema of one field. */
static void
write_field_type(struct jw *w, const struct field *f)
{
	switch (f->type) {
	case T_STR:
		write_type(w, "string", NULL);
		write_range(w, f, "minLength", "maxLength");
		break;
	case T_BOOL:
		write_type(w, "boolean", NULL);
		break;
	case T_INT:
		write_type(w, "integer", "int32");
		write_range(w, f, "minimum", "maximum");
		break;
	case T_I64:
		write_type(w, "integer", "int64");
		write_range(w, f, "minimum", "maximum");
		break;
	case T_ID:
		write_type(w, "string", NULL);
		jw_str(w, "pattern", "^[1-9][0-9]*$");
		break;
	case T_F64:
		write_type(w, "number", "double");
		write_range(w, f, "minimum", "maximum");
		break;
	case T_TIME:
		write_type(w, "string", NULL);
		jw_str(w, "pattern", TIME_PATTERN);
		break;
	case T_OBJ:
		jw_arr(w, "allOf");		/* beside a $ref nothing else counts */
		write_ref(w, NULL, f->sub);
		jw_end(w);
		break;
	case T_LIST:
		write_type(w, "array", NULL);
		write_ref(w, "items", f->sub);
		write_range(w, f, "minItems", "maxItems");
		break;
	case T_STRS:
		write_inner(w, "array", "items", "string", NULL, NULL);
		break;
	case T_I64S:
		write_inner(w, "array", "items", "integer", "int64", NULL);
		break;
	case T_MAP:
		write_type(w, "object", NULL);
		write_ref(w, "additionalProperties", f->sub);
		break;
	case T_MAPSTR:
		write_inner(w, "object", "additionalProperties", "string", NULL, NULL);
		break;
	case T_MAPF64:
		write_inner(w, "object", "additionalProperties", "number", "double", f);
		break;
	case T_MAPLIST:
		write_type(w, "object", NULL);
		jw_obj(w, "additionalProperties");
		write_type(w, "array", NULL);
		write_ref(w, "items", f->sub);
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
	return f->need != MUST && (f->type == T_STR || f->type == T_TIME || f->type == T_OBJ || f->type == T_ANY);
}

static void
write_field(struct jw *w, const char *name, const struct field *f)
{
	jw_obj(w, name);
	write_field_type(w, f);
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

static const struct dialect_note *
note_of(const struct route *r)
{
	const struct dialect_note	*n = r->dialect->notes;

	while (strncmp(r->path, n->prefix, strlen(n->prefix)) != 0)
		n++;
	return n;
}

static void
open_parameter(struct jw *w, const char *name, const char *in, bool required)
{
	jw_obj(w, NULL);
	jw_str(w, "name", name);
	jw_str(w, "in", in);
	jw_bool(w, "required", required);
}

static void
write_string_parameter(struct jw *w, const char *name, const char *in, bool required)
{
	open_parameter(w, name, in, required);
	jw_obj(w, "schema");
	write_type(w, "string", NULL);
	jw_end(w);
	jw_end(w);
}

static void
write_query(struct jw *w, const struct fields *t)
{
	for (size_t i = 0; i < t->n; i++) {
		open_parameter(w, t->f[i].name, "query", t->f[i].need == MUST);
		if (t->f[i].help != NULL)
			jw_str(w, "description", t->f[i].help);
		jw_obj(w, "schema");
		write_field_type(w, &t->f[i]);
		jw_end(w);
		jw_end(w);
	}
}

/* The names in {…} of the path. */
static void
write_path_parameters(struct jw *w, const char *path)
{
	char	 name[64];

	while ((path = strchr(path, '{')) != NULL) {
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(path + 1, "}"), path + 1);
		write_string_parameter(w, name, "path", true);
		path++;
	}
}

static void
write_parameters(struct jw *w, const struct route *r)
{
	const struct dialect_note	*note = note_of(r);

	jw_arr(w, "parameters");
	write_path_parameters(w, r->path);
	if (r->flags & R_REQ_PARAM) {
		open_parameter(w, "req", "query", true);
		write_ref(w, "schema", r->in);
		jw_end(w);
	} else if ((r->flags & R_QUERY) && r->in != NULL)
		write_query(w, r->in);
	if (note->query != NULL && r->in != NULL)
		write_query(w, note->query);
	if (r->who == WHO_USER || r->who == WHO_GUEST)
		write_string_parameter(w, "userId", "header", r->who == WHO_USER);
	jw_end(w);
}

static void
write_content(struct jw *w, const char *type, const struct fields *t)
{
	jw_obj(w, type);
	write_ref(w, "schema", t);
	jw_end(w);
}

static bool
takes_body(const struct route *r)
{
	return r->in != NULL && (r->flags & (R_JSON | R_FORM));
}

static void
write_body(struct jw *w, const struct route *r)
{
	jw_obj(w, "requestBody");
	jw_obj(w, "content");
	if (r->flags & R_JSON)
		write_content(w, "application/json", r->in);
	if (r->flags & R_FORM)
		write_content(w, "application/x-www-form-urlencoded", r->in);
	jw_end(w);
	jw_bool(w, "required", true);
	jw_end(w);
}

static void
write_failure(struct jw *w, const struct route *r, const char *status, const char *what)
{
	jw_obj(w, status);
	jw_str(w, "description", what);
	jw_obj(w, "content");
	write_content(w, "application/json", r->dialect->failure);
	jw_end(w);
	jw_end(w);
}

static void
write_responses(struct jw *w, const struct route *r)
{
	jw_obj(w, "responses");
	jw_obj(w, "200");
	jw_str(w, "description", "OK");
	if (r->out != NULL) {
		jw_obj(w, "content");
		write_content(w, r->flags & R_STREAM ? "text/event-stream" : "application/json", r->out);
		jw_end(w);
	}
	jw_end(w);
	if (r->in != NULL || r->who == WHO_USER)
		write_failure(w, r, "400", "Bad Request");
	if (r->who != WHO_NONE && r->who != WHO_LOCAL)
		write_failure(w, r, "401", "Unauthorized");
	if (r->who != WHO_NONE)
		write_failure(w, r, "403", "Forbidden");
	if (r->in != NULL && r->who != WHO_NONE) {
		write_failure(w, r, "404", "Not Found");
		write_failure(w, r, "409", "Conflict");
	}
	if (takes_body(r)) {
		write_failure(w, r, "413", "Content Too Large");
		write_failure(w, r, "415", "Unsupported Media Type");
	}
	write_failure(w, r, "503", "Service Unavailable");
	write_failure(w, r, "default", "Failure");
	jw_end(w);
}

/* What may show who calls; the empty one: nothing needs to. */
static void
write_security(struct jw *w, const struct route *r)
{
	static const char *const schemes[] = { "bearer", "guest" };

	if (r->who == WHO_NONE || r->who == WHO_LOCAL)
		return;
	jw_arr(w, "security");
	jw_obj(w, NULL);
	jw_end(w);
	for (size_t i = 0; i < 2; i++) {
		jw_obj(w, NULL);
		jw_arr(w, schemes[i]);
		jw_end(w);
		jw_end(w);
	}
	jw_end(w);
}

static void
write_operation(struct jw *w, const struct route *r, enum method m)
{
	char	 method[16], id[96];
	size_t	 i;

	snprintf(method, sizeof(method), "%s", method_name(m));
	for (i = 0; method[i] != '\0'; i++)
		method[i] |= 0x20;		/* ASCII lower case */
	snprintf(id, sizeof(id), "%s_%s", r->handler_name, method);
	jw_obj(w, method);
	jw_arr(w, "tags");
	jw_str(w, NULL, note_of(r)->tag);
	jw_end(w);
	jw_str(w, "summary", r->summary);
	jw_str(w, "operationId", id);
	write_parameters(w, r);
	if (takes_body(r))
		write_body(w, r);
	write_responses(w, r);
	write_security(w, r);
	jw_end(w);
}

static bool
is_first_of_path(const struct route *rows, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (strcmp(rows[k].path, rows[i].path) == 0)
			return false;
	return true;
}

/* All operations of the path of row i, which may have several rows. */
static void
write_path(struct jw *w, const struct route *rows, size_t n, size_t i)
{
	jw_obj(w, rows[i].path);
	for (size_t k = i; k < n; k++)
		for (int m = M_GET; strcmp(rows[k].path, rows[i].path) == 0 && m <= M_OPTIONS; m <<= 1)
			if (rows[k].methods & m)
				write_operation(w, &rows[k], m);
	jw_end(w);
}

static void
write_tags(struct jw *w, const struct route *rows, size_t n)
{
	size_t	 k;

	jw_arr(w, "tags");
	for (size_t i = 0; i < n; i++) {
		for (k = 0; k < i && note_of(&rows[k]) != note_of(&rows[i]); k++)
			;
		if (k < i)
			continue;
		jw_obj(w, NULL);
		jw_str(w, "name", note_of(&rows[i])->tag);
		jw_end(w);
	}
	jw_end(w);
}

static void
write_components(struct jw *w, const struct route *rows, size_t n)
{
	struct schemas	 s = { .n = 0 };

	for (size_t i = 0; i < n; i++) {
		if (!(rows[i].flags & R_QUERY) || (rows[i].flags & R_REQ_PARAM))
			collect(&s, rows[i].in);
		collect(&s, rows[i].out);
		collect(&s, rows[i].dialect->failure);
	}
	jw_obj(w, "components");
	jw_obj(w, "schemas");
	for (size_t i = 0; i < s.n; i++)
		write_schema(w, s.t[i]);
	jw_end(w);
	jw_obj(w, "securitySchemes");
	jw_obj(w, "bearer");
	jw_str(w, "type", "http");
	jw_str(w, "scheme", "bearer");
	jw_str(w, "bearerFormat", "JWT");
	jw_end(w);
	jw_obj(w, "guest");
	jw_str(w, "type", "apiKey");
	jw_str(w, "in", "header");
	jw_str(w, "name", "X-Guest-Id");
	jw_end(w);
	jw_end(w);
	jw_end(w);
}

void
openapi_write(struct str *out, const struct route *rows, size_t n)
{
	struct jw	 w;

	jw_open(&w, out);
	jw_obj(&w, NULL);
	jw_str(&w, "openapi", "3.0.1");
	jw_obj(&w, "info");
	jw_str(&w, "title", "OpenAPI definition");
	jw_str(&w, "version", "v0");
	jw_end(&w);
	jw_arr(&w, "servers");
	jw_obj(&w, NULL);
	jw_str(&w, "url", "/");
	jw_end(&w);
	jw_end(&w);
	write_tags(&w, rows, n);
	jw_obj(&w, "paths");
	for (size_t i = 0; i < n; i++)
		if (is_first_of_path(rows, i))
			write_path(&w, rows, n, i);
	jw_end(&w);
	write_components(&w, rows, n);
	jw_close(&w);
}

/* The document of this program: it never changes while the process runs. */
static struct str	document;
static char		etag[2 + 32 + 1];
static pthread_once_t	once = PTHREAD_ONCE_INIT;

static void
document_make(void)
{
	const struct route	*rows;
	size_t			 n;
	uint8_t			 sum[32];

	rows = routes_table(&n);
	openapi_write(&document, rows, n);
	ident_sha256(sum, document.p, document.len);
	etag[0] = '"';
	for (size_t i = 0; i < 16; i++)
		snprintf(etag + 1 + 2 * i, 3, "%02x", sum[i]);
	etag[33] = '"';
}

/* GET /v3/api-docs */
int
openapi_get(struct req *r)
{
	const char	*known = req_header(r, "If-None-Match");

	pthread_once(&once, document_make);
	reply_header(r, "ETag", etag);
	reply_header(r, "Cache-Control", "no-cache");
	if (known != NULL && strstr(known, etag) != NULL)
		return reply(r, 304, NULL, "", 0);
	return reply(r, 200, "application/json; charset=utf-8", document.p, document.len);
}
