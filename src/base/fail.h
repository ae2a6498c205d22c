/* fail: why a request failed. The first failure wins: it is the cause, later ones are symptoms. */
#ifndef PARLEY_FAIL_H
#define PARLEY_FAIL_H

#include "arena.h"

enum fail_kind {
	F_NONE,
#define FAIL(kind, http, rpc, en, zh) kind,
#include "fail.def"
#undef FAIL
	F_KINDS
};

enum lang { LANG_ZH, LANG_EN };

struct fail {
	enum fail_kind	 kind;
	const char	*what;		/* the field, id or thing; in the request's arena */
	int		 retry_after;	/* seconds; 0 = say nothing */
	const char	*allow;		/* for F_METHOD: the Allow header */
};

int		 fail_status(enum fail_kind);	/* HTTP status */
int		 fail_rpc(enum fail_kind);	/* google.rpc.Code */
const char	*fail_name(enum fail_kind);	/* "F_BODY", for logs */
enum fail_kind	 fail_of_name(const char *);	/* F_NONE: NULL, or no such kind */
/* The sentence in that language, `what` filled in; in the arena. */
const char	*fail_text(struct arena *, const struct fail *, enum lang);

#endif
