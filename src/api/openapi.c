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
	openapi_type(w, "string", NULL);
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
		openapi_field(w, &t->f[i]);
		jw_end(w);
		jw_end(w);
	}
}

/* The names in {…} of the path. */
static void
write_path_parameters(struct jw *w, const struct route *r)
{
	const char	*path = r->path;
	char		 name[64];

	while ((path = strchr(path, '{')) != NULL) {
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(path + 1, "}"), path + 1);
		open_parameter(w, name, "path", true);
		jw_obj(w, "schema");
		if (r->dialect->number_ids)
			openapi_type(w, "integer", "int64");
		else
			openapi_type(w, "string", NULL);
		jw_end(w);
		jw_end(w);
		path++;
	}
}

static void
write_parameters(struct jw *w, const struct route *r)
{
	const struct dialect_note	*note = note_of(r);

	jw_arr(w, "parameters");
	write_path_parameters(w, r);
	if (r->flags & R_REQ_PARAM) {
		open_parameter(w, "req", "query", true);
		openapi_ref(w, "schema", r->in);
		jw_end(w);
	} else if ((r->flags & R_QUERY) && r->in != NULL)
		write_query(w, r->in);
	if (note->query != NULL && r->in != NULL)
		write_query(w, note->query);
	if (r->who == WHO_USER || r->who == WHO_GUEST || r->who == WHO_OWNER)
		write_string_parameter(w, "userId", "header", r->who == WHO_USER);
	if (r->dialect->tenant != NULL)
		write_string_parameter(w, r->dialect->tenant, "header", false);
	if (r->flags & R_TOKEN)
		write_string_parameter(w, "token", "query", false);
	if (r->flags & R_TURN)
		write_string_parameter(w, "Idempotency-Key", "header", false);
	if (r->flags & R_RESUME)
		write_string_parameter(w, "Last-Event-ID", "header", false);
	jw_end(w);
}

static void
write_content(struct jw *w, const char *type, const struct fields *t)
{
	jw_obj(w, type);
	openapi_ref(w, "schema", t);
	jw_end(w);
}

/* A stream in whatever dialect its turn began. */
static void
write_any_stream(struct jw *w)
{
	jw_obj(w, "content");
	jw_obj(w, "text/event-stream");
	jw_obj(w, "schema");
	openapi_type(w, "string", NULL);
	jw_end(w);
	jw_end(w);
	jw_end(w);
}

static bool
takes_body(const struct route *r)
{
	return (r->in != NULL && (r->flags & (R_JSON | R_FORM))) || (r->flags & R_UPLOAD);
}

/* Any number of files under one name. */
static void
write_upload(struct jw *w)
{
	jw_obj(w, "multipart/form-data");
	jw_obj(w, "schema");
	openapi_type(w, "object", NULL);
	jw_obj(w, "properties");
	jw_obj(w, "file");
	openapi_type(w, "array", NULL);
	jw_obj(w, "items");
	openapi_type(w, "string", "binary");
	jw_end(w);
	jw_end(w);
	jw_end(w);
	jw_end(w);
	jw_end(w);
}

static void
write_body(struct jw *w, const struct route *r)
{
	jw_obj(w, "requestBody");
	jw_obj(w, "content");
	if (r->flags & R_UPLOAD)
		write_upload(w);
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
		if (!(r->flags & R_STREAM) || (r->flags & R_EITHER))
			write_content(w, "application/json", r->out);
		if (r->flags & R_STREAM)
			write_content(w, "text/event-stream", r->out);
		jw_end(w);
	} else if (r->flags & R_RESUME)
		write_any_stream(w);
	jw_end(w);
	if (r->flags & R_RESUME) {
		jw_obj(w, "204");
		jw_str(w, "description", "No Content: nothing is left");
		jw_end(w);
	}
	if (r->in != NULL || r->who == WHO_USER || (r->flags & R_UPLOAD))
		write_failure(w, r, "400", "Bad Request");
	if (r->who != WHO_NONE && r->who != WHO_LOCAL)
		write_failure(w, r, "401", "Unauthorized");
	if (r->who != WHO_NONE && (r->flags & (R_STREAM | R_TURN)) && !(r->flags & R_RESUME))
		write_failure(w, r, "402", "Payment Required");
	if (r->who != WHO_NONE)
		write_failure(w, r, "403", "Forbidden");
	if (r->who != WHO_NONE && (r->in != NULL || strchr(r->path, '{') != NULL))
		write_failure(w, r, "404", "Not Found");
	if (r->who != WHO_NONE && r->in != NULL)
		write_failure(w, r, "409", "Conflict");
	if (takes_body(r)) {
		write_failure(w, r, "413", "Content Too Large");
		write_failure(w, r, "415", "Unsupported Media Type");
	}
	if (r->who != WHO_LOCAL)
		write_failure(w, r, "429", "Too Many Requests");
	write_failure(w, r, "503", "Service Unavailable");
	write_failure(w, r, "default", "Failure");
	jw_end(w);
}

/* One thing that may show who calls; NULL: nothing needs to. */
static void
write_scheme(struct jw *w, const char *name)
{
	jw_obj(w, NULL);
	if (name != NULL) {
		jw_arr(w, name);
		jw_end(w);
	}
	jw_end(w);
}

static void
write_security(struct jw *w, const struct route *r)
{
	if (r->who == WHO_NONE || r->who == WHO_LOCAL)
		return;
	jw_arr(w, "security");
	write_scheme(w, "bearer");
	if (r->who != WHO_ADMIN) {
		write_scheme(w, "key");
		write_scheme(w, "keyInQuery");
	}
	if (r->who == WHO_LOGIN || r->who == WHO_ADMIN)
		write_scheme(w, "cookie");
	else if (r->who == WHO_PUBLIC)
		write_scheme(w, NULL);
	else if (r->who != WHO_KEY) {
		write_scheme(w, "guest");
		write_scheme(w, NULL);
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
	for (size_t k = i; k < n; k++) {
		if (strcmp(rows[k].path, rows[i].path) != 0)
			continue;
		for (int m = M_GET; m <= M_OPTIONS; m <<= 1)
			if (rows[k].methods & m)
				write_operation(w, &rows[k], m);
	}
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
write_key_scheme(struct jw *w, const char *scheme, const char *in, const char *name)
{
	jw_obj(w, scheme);
	jw_str(w, "type", "apiKey");
	jw_str(w, "in", in);
	jw_str(w, "name", name);
	jw_end(w);
}

static void
write_components(struct jw *w, const struct route *rows, size_t n)
{
	jw_obj(w, "components");
	openapi_schemas(w, rows, n);
	jw_obj(w, "securitySchemes");
	jw_obj(w, "bearer");
	jw_str(w, "type", "http");
	jw_str(w, "scheme", "bearer");
	jw_str(w, "bearerFormat", "JWT, or an API key");
	jw_end(w);
	write_key_scheme(w, "key", "header", "x-api-key");
	write_key_scheme(w, "keyInQuery", "query", "apiKey");
	write_key_scheme(w, "guest", "header", "X-Guest-Id");
	write_key_scheme(w, "cookie", "cookie", "parley_token");
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
	return reply(r, 200, REPLY_JSON, document.p, document.len);
}
