/* attach: what comes with a question beside its text. */
#ifndef PARLEY_ATTACH_H
#define PARLEY_ATTACH_H

#include "core/turn.h"
#include "store/document.h"

#define ATTACH_IMAGE_MAX	(8 << 20)	/* bytes of a picture */
#define ATTACH_KNOWLEDGE	6000		/* characters of documents that a model is told */

/*
 * The caller's document, which is a picture, as a data: address that a model is given; in the
 * arena. NULL: F_NOT_FOUND; F_VALUE (it is no picture, or could not be fetched); F_PENDING (it is
 * still to be fetched); F_TOO_LARGE.
 */
char	*attach_image(struct ctx *, int64_t document);
/* Can answers rest on it? 0, or -1: F_VALUE (a picture, or it failed), F_PENDING. */
int	 attach_readable(struct ctx *, const struct document *);
/*
 * Can answers that must rest on these n rest on one at least? 0, or -1:
 * F_PENDING (it may be so soon), F_CONFLICT (all have failed).
 */
int	 attach_some_readable(struct ctx *, const struct document *, size_t n);
/*
 * What these documents, which the caller may read, say on the question of the spec goes into it:
 * knowledge and citations. Question, system texts and max_tokens are there already: knowledge gets
 * half of the smallest window of its models, or what they leave of it; where that is too little for
 * a useful passage there is none, and no citation. The model is told of those that are not read,
 * where there is room, and spec->unread lists them, ATTACH_UNREAD at most. 0 or -1.
 */
#define ATTACH_UNREAD	50
int	 attach_knowledge(struct ctx *, const struct document *, size_t n, struct turn_spec *);

#endif
