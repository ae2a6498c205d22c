/*
 * conf: the settings. A file of `name = value` lines (libConfuse: quotes where needed, # comments,
 * include("x"), lists {"a", "b"} for what takes commas), over it the environment: PARLEY_WORKERS=2.
 */
#ifndef PARLEY_CONF_H
#define PARLEY_CONF_H

#include <stdbool.h>
#include <stdint.h>

#include "str.h"

struct conf {
#define CONF_STR	const char *
#define CONF_INT	int
#define CONF_BOOL	bool
#define CONF_SPAN	int		/* seconds */
#define CONF_SIZE	int64_t		/* bytes */
#define CONF(name, type, def, min, max, help) CONF_##type name;
#include "conf.def"
#undef CONF
	const char	*file;		/* the file read, NULL when none */
};

/*
 * Reads `file`, or when NULL $PARLEY_CONF, or else /etc/parley/parley.conf if it is there (then a
 * missing file means defaults). NULL with one line for people in err ("parley.conf:12: unknown
 * setting `worker`"): bad file, unknown or ill-typed setting, value out of range, unknown zone, a
 * section left open. `workers = 0` becomes the number of cores. A value that begins with @run@ or
 * @state@ has it replaced by the configured RUNSTATEDIR "/parley" or LOCALSTATEDIR "/lib/parley".
 * Spans may be written with a unit (15, 15s, 5m), sizes too (65536, 64K, 1M). include("x") is
 * relative to the file it stands in. One conf_load at a time.
 */
struct conf	*conf_load(const char *file, struct str *err);
void		 conf_free(struct conf *);		/* NULL is fine */
/*
 * One `name = value  # help` line per setting; as JSON objects {name,value,default,help} in an
 * array when json.
 */
void		 conf_show(const struct conf *, struct str *, bool json);

#endif
