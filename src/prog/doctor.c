/* parley doctor: is a running installation well, seen from outside through its web server? */
#include "doctor.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "store/db.h"
#include "store/ledger.h"
#include "store/migrate.h"
#include "store/report.h"

#define PATIENCE_MS	15000
#define SKEW_MS		5000	/* that clocks may differ */
#define BOOKS_PATIENCE	600	/* seconds: every answer is read */
#define FEW_FILES	4096	/* descriptors of a worker that are not worth a service */

struct doctor_opts {
	struct strs	files;
};

static const struct opt doctor_options[] = {
	OPT(doctor_opts, OPT_STRS, MAY_COME, files, "site", "FILE", 0, 0,
	    "file of the web server to look into"),
	OPT_END
};

void
doctor_get(struct doctor *d, const char *path, struct heard *h)
{
	probe(d->run->cx.a, &(struct probe){ .patience_ms = PATIENCE_MS,
	    .url = arena_printf(d->run->cx.a, "%s%s", d->base, path) }, h);
}

bool
doctor_envelope(const struct heard *h, int code)
{
	struct json_parser	*parser = json_parser_new();
	struct json		*body;
	int64_t			 n = 0;

	body = json_parser_parse(parser, h->body.p != NULL ? h->body.p : "", h->body.len);
	if (body != NULL)
		json_get_i64(json_at(body, "code"), &n);
	json_free(body);
	json_parser_free(parser);
	return n == code;
}

/* ---- is there anybody ------------------------------------------------------------------------ */

/* "nginx/1.22.1", for a text. */
static const char *
by(const struct heard *h)
{
	return h->server != NULL ? h->server : "a server without a name";
}

/* True: the program answers, and it makes sense to go on. */
static bool
examine_reach(struct doctor *d, struct heard *h)
{
	struct findings	*f = &d->f;

	doctor_get(d, "/healthz", h);
	d->site.server = site_server(h->server);
	if (h->result != CALL_OK)
		found_bad(f, EX_UNAVAILABLE, "reachable", "%s: %s", d->base, h->why);
	else if (h->status == 200 && h->body.p != NULL && strstr(h->body.p, "\"ok\"") != NULL) {
		found_good(f, "reachable", "%s, through %s", d->base, by(h));
		return true;
	} else if (h->status == 403) {
		found_note(f, "reachable", "%s, through %s; its health is for local callers alone",
		    d->base, by(h));
		return true;
	} else if (h->status == 502 || h->status == 503 || h->status == 504) {
		found_bad(f, EX_UNAVAILABLE, "reachable", "%s is there, the program behind it is "
		    "not (%d)", by(h), h->status);
		advise(f, "systemctl status parley; the socket in the web server's files has to be "
		    "that of the setting listen, and its user has to be let in");
	} else {
		found_bad(f, EX_UNAVAILABLE, "reachable", "%s/healthz gives %d by %s, not the "
		    "program's word", d->base, h->status, by(h));
		site_advise(f, &d->site, TROUBLE_PATHS);
	}
	return false;
}

/* ---- clocks ---------------------------------------------------------------------------------- */

static void
compare_clock(struct doctor *d, const char *what, int64_t theirs)
{
	const int64_t	off = theirs - clock_ms();

	if (off > -SKEW_MS && off < SKEW_MS) {
		found_good(&d->f, what, "as here");
		return;
	}
	found_bad(&d->f, EX_SICK, what, "%.0f s %s the clock here", (double)llabs(off) / 1000,
	    off > 0 ? "before" : "behind");
	advise(&d->f, "let systemd-timesyncd or chrony set both clocks");
}

static void
examine_clock(struct doctor *d, const struct heard *h)
{
	struct tm	tm = { 0 };

	if (h->date == NULL || strptime(h->date, "%a, %d %b %Y %H:%M:%S GMT", &tm) == NULL)
		found_note(&d->f, "clock", "the replies have no date");
	else
		compare_clock(d, "clock", (int64_t)timegm(&tm) * 1000);
}

/* ---- behind the web server, where it is this host -------------------------------------------- */

static void
examine_database(struct doctor *d)
{
	struct ctx		*cx = &d->run->cx;
	const struct conf	*c = cx->conf;
	int64_t			 clock;

	if (c == NULL || c->file == NULL) {
		found_note(&d->f, "database", "not asked: there are no settings here");
		return;
	}
	if (db_ping(cx) == -1) {
		found_bad(&d->f, EX_UNAVAILABLE, "database", "%s", cmd_why(d->run));
		return;
	}
	if (migrate_check(cx) == -1) {
		found_bad(&d->f, EX_UNAVAILABLE, "schema", "%s", cmd_why(d->run));
		return;
	}
	found_good(&d->f, "schema", "version %d", SCHEMA_VERSION);
	d->db = true;
	if ((clock = report_clock(cx)) != -1)
		compare_clock(d, "database clock", clock);
}

/* Do what answers cost, what was booked, and what keys have spent and reserved, agree? */
static void
examine_books(struct doctor *d)
{
	struct ctx		*cx = &d->run->cx;
	const struct books	*b;

	if (!d->db)
		return;
	db_patience(cx->db, BOOKS_PATIENCE);
	if ((b = books_look(cx)) == NULL)
		found_note(&d->f, "books", "%s", cmd_why(d->run));
	else if (strspn(b->off, "-0.") == strlen(b->off) && b->unsettled == 0 && b->keys == 0 &&
	    b->idle == 0)
		found_good(&d->f, "books", "the ledger is what the answers cost");
	else {
		found_bad(&d->f, EX_SICK, "books", "the ledger is %s off what the answers cost, "
		    "%" PRId64 " answers are not settled, the sums of %" PRId64 " keys are not "
		    "those of their rows, %" PRId64 " reservations are of nothing that runs",
		    b->off, b->unsettled, b->keys, b->idle);
		advise(&d->f, "rows of answer, ledger, reservation or api_key were changed by "
		    "hand, or came from a copy of the database");
	}
	db_patience(cx->db, 0);
}

/* The process that listens there, 0: it cannot be told. */
static pid_t
listener(const char *path)
{
	struct sockaddr_un	 sun = { .sun_family = AF_UNIX };
	struct ucred		 peer = { 0 };
	socklen_t		 len = sizeof(peer);
	int			 fd;

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", path);
	if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) == -1)
		return 0;
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1 ||
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == -1)
		peer.pid = 0;
	close(fd);
	return peer.pid;
}

/* Its hard limit of descriptors, which the service raises its own to; -1: unknown. */
static long
limit_of(pid_t pid)
{
	char	 path[64], line[256];
	long	 hard = -1;
	FILE	*in;

	snprintf(path, sizeof(path), "/proc/%d/limits", (int)pid);
	if ((in = fopen(path, "re")) == NULL)
		return -1;
	while (fgets(line, sizeof(line), in) != NULL)
		if (sscanf(line, "Max open files %*s %ld", &hard) == 1)
			break;
	fclose(in);
	return hard;
}

static void
examine_limits(struct doctor *d)
{
	const struct conf	*c = d->run->cx.conf;
	pid_t			 pid;
	long			 fds;

	if (c == NULL || c->file == NULL)
		return;
	pid = listener(c->listen);
	if (pid <= 1 || (fds = limit_of(pid)) == -1) {
		found_note(&d->f, "descriptors", "%s", pid == 1 ?
		    "systemd holds the socket: see systemctl show -p LimitNOFILE parley" :
		    "the process that listens cannot be seen from here");
		return;
	}
	found(&d->f, fds < FEW_FILES ? BAD : GOOD, EX_SICK, "descriptors",
	    "%ld per worker: at most %ld streams of one model", fds, fds / 2);
	if (fds < FEW_FILES)
		advise(&d->f, "LimitNOFILE=65536 in parley.service, or ulimit -Hn");
}

/* ---- the whole ------------------------------------------------------------------------------- */

/* The address to examine, without a slash at its end. */
static char *
address(struct run *r)
{
	const char	*given = r->n > 0 ? r->operand[0] : getenv("PARLEY_URL");
	size_t		 n;

	if (given == NULL)
		given = "http://127.0.0.1";
	for (n = strlen(given); n > 0 && given[n - 1] == '/'; n--)
		continue;
	return arena_strndup(r->cx.a, given, n);
}

static bool
is_here(const char *url)
{
	const char	*host = strstr(url, "://");
	char		 name[256] = "";

	host = host != NULL ? host + 3 : url;
	gethostname(name, sizeof(name) - 1);
	return strncmp(host, "127.", 4) == 0 || strncmp(host, "localhost", 9) == 0 ||
	    strncmp(host, "[::1]", 5) == 0 ||
	    (*name != '\0' && strncmp(host, name, strlen(name)) == 0);
}

static int
doctor(struct run *r, const void *opts)
{
	const struct doctor_opts	*o = opts;
	struct doctor			 d = { .run = r, .base = address(r) };
	struct heard			 h;

	if (strncmp(d.base, "http://", 7) != 0 && strncmp(d.base, "https://", 8) != 0)
		return cmd_error(r, EX_USAGE, "%s is no address: http://HOST or https://HOST",
		    d.base);
	d.site = (struct site){ .here = is_here(d.base), .files = &o->files };
	findings_begin(&d.f, r);
	if (examine_reach(&d, &h)) {
		examine_clock(&d, &h);
		examine_database(&d);
		examine_books(&d);
		examine_limits(&d);
		doctor_bodies(&d);
		doctor_socket(&d);
		if (doctor_stream(&d))
			doctor_abort(&d);
	}
	str_free(&h.body);
	return findings_end(&d.f);
}

const struct cmd cmd_doctor = {
	.name = "doctor",
	.operands = "[URL]",
	.most = 1,
	.help = "examines a running installation through its web server",
	.more =
	    "URL is what clients use, else $PARLEY_URL or http://127.0.0.1. The models are\n"
	    "asked two short questions. Where the settings of the installation can be read,\n"
	    "its database, clock and limits are examined as well. The web server's own\n"
	    "files are searched for what is to be changed when it runs on this host; others\n"
	    "can be named with --site.\n"
	    "\n"
	    "The exit code is 0 when all is well, 69 when nobody answers, else 1.\n",
	.flags = CMD_DB | CMD_TRY | CMD_JSON,
	.opts = doctor_options,
	.size = sizeof(struct doctor_opts),
	.fn = doctor,
};
