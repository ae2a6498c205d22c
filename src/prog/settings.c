#include "settings.h"

#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "state.h"

static void
log_start(const struct conf *c)
{
	static const char	*const names[] = { "debug", "info", "warn", "error" };
	enum log_level		 least = LOG_INFO_;
	size_t			 i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(c->log_level, names[i]) == 0)
			least = (enum log_level)i;
	log_open(c->log, least);
	log_as("master");
}

static void
take(struct settings *s, const struct conf *c)
{
	s->conf = *c;
	if (s->opts->workers > 0)
		s->conf.workers = s->opts->workers;
	if (s->opts->threads > 0)
		s->conf.threads = s->opts->threads;
	if (s->opts->listen != NULL)
		s->conf.listen = s->opts->listen;
	log_start(&s->conf);
}

void
settings_start(struct settings *s, const struct conf *c, const struct serve_opts *opts)
{
	s->opts = opts;
	take(s, c);
}

int
settings_reload(struct settings *s)
{
	struct str	 err = STR_INIT(4096);
	struct conf	*c;

	if ((c = conf_load(s->conf.file, &err)) == NULL ||
	    state_change(&s->conf, c, &err) != 0) {
		log_error("not reloaded", LOG_S("why", err.p));
		conf_free(c);
		str_free(&err);
		return -1;
	}
	s->old_conf = s->conf;
	s->old_loaded = s->loaded;
	s->loaded = c;
	take(s, c);
	if (strcmp(s->conf.listen, s->old_conf.listen) != 0)
		log_warn("another listen takes a restart", LOG_S("listen", s->conf.listen));
	if (strcmp(s->conf.ws_listen, s->old_conf.ws_listen) != 0)
		log_warn("another ws_listen takes a restart",
		    LOG_S("ws_listen", s->conf.ws_listen));
	return 0;
}

void
settings_keep(struct settings *s)
{
	conf_free(s->old_loaded);
	s->old_loaded = NULL;
}

void
settings_back(struct settings *s)
{
	conf_free(s->loaded);
	s->conf = s->old_conf;
	s->loaded = s->old_loaded;
	s->old_loaded = NULL;
	log_start(&s->conf);
	state_back(&s->conf);
}

void
settings_free(struct settings *s)
{
	conf_free(s->loaded);
	conf_free(s->old_loaded);
}
