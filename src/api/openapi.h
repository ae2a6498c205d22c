/*
 * openapi: the API document (OpenAPI 3.0.1) out of the rows of routes.def and the field tables that serve the requests.
 */
#ifndef PARLEY_OPENAPI_H
#define PARLEY_OPENAPI_H

#include "base/str.h"
#include "web/route.h"

/* Appends the document of these rows. */
void	 openapi_write(struct str *, const struct route *, size_t n);

#endif
