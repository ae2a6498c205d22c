/* model_cmd: how registered models are shown, by `model` and by `show models`. */
#ifndef PARLEY_MODEL_CMD_H
#define PARLEY_MODEL_CMD_H

#include "cmd.h"
#include "store/model.h"

/* "env UPSTREAM_KEY", "file /etc/parley/key", or NULL where it has none; in the arena. */
const char	*model_key_ref(struct arena *, const struct model *);
/* Every model with its address and prices; as JSON with all that is known. An exit status. */
int		 model_print_list(struct run *);

#endif
