/* unread: why a body cannot be read, in the caller's language. */
#ifndef PARLEY_UNREAD_H
#define PARLEY_UNREAD_H

#include <stddef.h>

#include "ctx.h"

enum unread {
	UNREAD_NOT,		/* it can be */
#define UNREAD(reason, en, zh) UNREAD_##reason,
#include "unread.def"
#undef UNREAD
};

const char	*unread_text(enum unread, enum lang);	/* "a number out of range" */
/* Fails the ctx with F_BODY and the reason, the second with the byte where it shows. Always -1. */
int		 fail_unread(struct ctx *, enum unread);
int		 fail_unread_at(struct ctx *, enum unread, size_t at);

#endif
