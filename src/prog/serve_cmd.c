/* parley serve */
#include "cmd.h"
#include "serve.h"

static const struct opt serve_options[] = {
	OPT_LETTER(serve_opts, OPT_FLAG, 'F', foreground, "foreground", NULL,
	    "stay in the foreground, as systemd and spawn-fcgi want it"),
	OPT(serve_opts, OPT_INT, MAY_COME, workers, "workers", "N", 1, 64,
	    "worker processes, in place of the setting"),
	OPT(serve_opts, OPT_INT, MAY_COME, threads, "threads", "N", 1, 64,
	    "request threads of each, in place of the setting"),
	OPT(serve_opts, OPT_STR, MAY_COME, listen, "listen", "PATH", 0, 0,
	    "FastCGI socket to open, in place of the setting"),
	OPT_END
};

static int
serve(struct run *r, const void *opts)
{
	return serve_main(r->cx.conf, opts);
}

const struct cmd cmd_serve = {
	.name = "serve",
	.operands = "",
	.help = "runs the service: a master process and its workers",
	.more =
	    "The listening socket is the one that systemd or spawn-fcgi (descriptor 0)\n"
	    "hands over, else PATH or the setting `listen`. Signals to the master: HUP\n"
	    "loads the settings and starts new workers, nothing is cut; TERM lets running\n"
	    "answers end, at most the setting `drain`; INT ends at once; USR1 opens the log\n"
	    "anew.\n",
	.flags = CMD_CONF | CMD_LOGS,
	.opts = serve_options,
	.size = sizeof(struct serve_opts),
	.fn = serve,
};
