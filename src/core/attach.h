/* attach: what comes with a question beside its text. */
#ifndef PARLEY_ATTACH_H
#define PARLEY_ATTACH_H

#include "base/ctx.h"

#define ATTACH_IMAGE_MAX	(8 << 20)	/* bytes of a picture */

/*
 * The caller's document, which is a picture, as a data: address that a model is given; in the
 * arena. NULL: F_NOT_FOUND; F_VALUE (it is no picture, or could not be fetched); F_UNAVAILABLE (it
 * is still to be fetched); F_TOO_LARGE.
 */
char	*attach_image(struct ctx *, int64_t document);

#endif
