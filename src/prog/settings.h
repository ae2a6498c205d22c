/* settings: those the master works by, and while it reloads, those it may have to go back to. */
#ifndef PARLEY_SETTINGS_H
#define PARLEY_SETTINGS_H

#include "base/conf.h"
#include "serve.h"

/* Zero until settings_start. */
struct settings {
	struct conf		 conf;		/* in force, its strings those of: */
	struct conf		*loaded;	/* NULL: who started us */
	struct conf		 old_conf;	/* the same of before settings_reload */
	struct conf		*old_loaded;
	const struct serve_opts	*opts;		/* prevail over each conf */
};

/* Takes the first ones, which stay the caller's. The log is as they say from now on. */
void	 settings_start(struct settings *, const struct conf *, const struct serve_opts *);
/*
 * Reads the file anew and has them in force, with the state that they ask for. -1: the log says why
 * they stay as they were. Until settings_keep or settings_back there is no other settings_reload.
 */
int	 settings_reload(struct settings *);
void	 settings_keep(struct settings *);	/* the old ones are not needed any more */
void	 settings_back(struct settings *);	/* to the old ones and their state */
void	 settings_free(struct settings *);

#endif
