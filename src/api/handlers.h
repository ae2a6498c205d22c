/*
 * handlers: the functions of routes.def: each answers its request, or fails its ctx and returns -1.
 */
#ifndef PARLEY_HANDLERS_H
#define PARLEY_HANDLERS_H

struct req;

#define ROUTE(methods, path, dialect, handler, ...)	int handler(struct req *);
#include "api/routes.def"
#undef ROUTE

#endif
