/*
 * openapi: the API document (OpenAPI 3.0.1) out of the rows of routes.def and the field tables that
 * serve the requests.
 */
#ifndef PARLEY_OPENAPI_H
#define PARLEY_OPENAPI_H

#include "base/jw.h"
#include "web/route.h"

/* Appends the document of these rows. */
void	 openapi_write(struct str *, const struct route *, size_t n);

/* Its parts, of openapi_schema.c. */

/* An object with a $ref to the table's schema. */
void	 openapi_ref(struct jw *, const char *name, const struct fields *);
/* The members of a schema: type and format (may be NULL). */
void	 openapi_type(struct jw *, const char *type, const char *format);
/* The members of a field's schema. */
void	 openapi_field(struct jw *, const struct field *);
/* "schemas": every table that the rows mention, and what these are made of. */
void	 openapi_schemas(struct jw *, const struct route *, size_t n);

#endif
