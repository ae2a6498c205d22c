/* template: questions with blanks. {{name}} is one; blanks of the same name are one input. */
#ifndef PARLEY_TEMPLATE_H
#define PARLEY_TEMPLATE_H

#include <stddef.h>

#include "base/arena.h"

struct named_str;		/* base/json.h */

#define TEMPLATE_NAME	64	/* characters of a name */

/*
 * The names of its inputs, each once, in the order of their first blanks; blanks around a name do
 * not count. NULL; or why it is no template (in the arena): a blank without end, without a name or
 * with a name that is too long.
 */
const char	*template_inputs(struct arena *, const char *text, const char ***names, size_t *n);
/*
 * The template with its blanks filled by n inputs, in the arena. NULL: *missing is the name of an
 * input that is not given.
 */
char		*template_fill(struct arena *, const char *text, const struct named_str *inputs,
		    size_t n, const char **missing);

#endif
