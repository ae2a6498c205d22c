/* model_cmd: how registered models are shown, by `model`, `check` and `show models`. */
#ifndef PARLEY_MODEL_CMD_H
#define PARLEY_MODEL_CMD_H

#include "cmd.h"
#include "store/model.h"

/* "env UPSTREAM_KEY", "file /etc/parley/key", or NULL where it has none; in the arena. */
const char	*model_key_ref(struct arena *, const struct model *);
/* All that is registered of it, as members of an object that is begun already. -1: failed. */
int		 model_json(struct ctx *, struct jw *, const struct model *);

#endif
