#include "office.h"

#include <sys/socket.h>
#include <sys/wait.h>

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/ident.h"
#include "base/jw.h"
#include "base/peer.h"
#include "core/engine.h"
#include "core/follow.h"
#include "core/registry.h"
#include "core/turn.h"
#include "core/who.h"
#include "plain-voice.h"
#include "store/node.h"
#include "store/session.h"

#define PATIENCE_MS	20000
#define ROOM		4096		/* of a line's socket, so that a client can be slow */

/* ---- a client, on the office's side ---------------------------------------------------------- */

static void
client_begin(struct peer *p, int64_t id)
{
	str_printf(&p->buf, "stream %" PRId64 "\n", id);
}

static void
client_frame(struct peer *p, const char *msg, size_t len, int64_t id, int64_t n)
{
	if (id != 0)
		str_printf(&p->buf, "%" PRId64 "-%" PRId64 " ", id, n);
	str_put(&p->buf, msg, len);
	str_putc(&p->buf, '\n');
}

static void
client_ping(struct peer *p)
{
	(void)p;
}

static ssize_t
client_write(struct peer *p, const char *data, size_t len)
{
	ssize_t	 n = send(p->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);

	return n == -1 && errno == EAGAIN ? 0 : n;
}

static void
client_finish(struct peer *p, bool gone)
{
	(void)gone;
	shutdown(p->fd, SHUT_RDWR);
	free(p);
}

static const struct peer_ops	client_ops = {
	.begin = client_begin, .frame = client_frame, .ping = client_ping, .write = client_write,
	.finish = client_finish,
};

static struct peer *
client_new(int fd)
{
	struct peer	*p = xcalloc(1, sizeof *p);

	p->ops = &client_ops;
	p->fd = fd;
	return p;
}

/* ---- the office ------------------------------------------------------------------------------ */

enum what { ASK, FOLLOW, RUNNING, FAIL_ALL, STOP, LEAVE };

struct order {
	enum what	 what;
	int64_t		 of;		/* session or turn */
	int64_t		 user, after;
	int		 lanes, line, port;	/* line -1: nobody */
};

struct answer {
	int64_t		 value;		/* of what was asked for */
	struct found_as	 found;
};

static char	state_dir[80];
static int	door = -1, port;	/* where models are called */

void		(*office_plan)(struct ctx *, struct turn_spec *, struct model *);

static int64_t
ask(struct ctx *c, struct engine *e, const struct order *o, int fd)
{
	static const char *const	 masks[] = { "ALPHA", "BRAVO" };
	char			*cited[] = { arena_strdup(c->a, "{\"id\":\"1\"}") };
	struct model		 m[2];
	struct turn_seat	 seats[2];
	struct turn_spec	 spec = {
		.voice = &plain_voice, .seats = seats, .nseats = (size_t)o->lanes,
		.question = "why?", .citations = cited, .ncitations = 1,
	};
	struct turn		*t;
	int64_t			 id;

	if ((spec.session = session_get(c, c->who->id, o->of)) == NULL)
		return -1;
	for (int i = 0; i < o->lanes; i++) {
		m[i] = (struct model){ .id = models[i], .code = arena_printf(c->a, "m%d", i),
		    .name = arena_strdup(c->a, "M"), .upstream_name = arena_printf(c->a, "lane %d", i),
		    .url = arena_printf(c->a, "http://127.0.0.1:%d/v1", o->port),
		    .price_in = 1, .price_out = 1, .context_tokens = 8192 };
		seats[i] = (struct turn_seat){ .lane = i, .model = &m[i], .mask = masks[i],
		    .mask_name = masks[i], .pri_id = "00ff" };
	}
	if (office_plan != NULL)
		office_plan(c, &spec, m);
	if ((t = turn_open(c, e, &spec)) == NULL)
		return -1;
	id = t->id;
	turn_run(t, fd != -1 ? client_new(fd) : NULL);
	return id;
}

static struct found_as
find(struct ctx *c, struct engine *e, const struct order *o, int fd)
{
	struct follow	*f = follow_find(c, e, o->of, o->after);
	struct found_as	 as = { .why = c->fail.kind, .retry_after = c->fail.retry_after };

	if (f == NULL)
		return as;
	as.stored = follow_stored(f);
	as.over = follow_over(f);
	if (as.over)
		follow_free(f);
	else
		follow_run(f, client_new(fd));
	return as;
}

static void
serve(struct engine *e, int orders, const int *lines)
{
	struct order	 o;
	struct ctx	 c;
	struct who	 who = { .tenant = 1 };

	private_ctx_open(&server, &c);
	c.who = &who;
	while (recv(orders, &o, sizeof o, 0) == sizeof o && o.what != LEAVE) {
		struct answer	 a = { 0 };
		int		 fd = o.line != -1 ? lines[o.line] : -1;

		c.now = clock_ms();
		who.id = o.user;
		switch (o.what) {
		case ASK:
			a.value = ask(&c, e, &o, fd);
			break;
		case FOLLOW:
			a.found = find(&c, e, &o, fd);
			break;
		case RUNNING:
			a.value = engine_running(e);
			break;
		case STOP:
			a.value = engine_stop_turn(&c, e, o.of, o.user);
			break;
		default:
			engine_fail_all(e);
			break;
		}
		fail_clear(&c);
		send(orders, &a, sizeof a, 0);
	}
	private_ctx_close(&c);
}

static void __attribute__((noreturn))
office_main(int orders, const int *lines, int keep_s)
{
	struct conf	*conf = &server.conf;
	struct engine	*e;
	int64_t		 id;

	conf->spool_keep = keep_s;
	if ((e = engine_new(conf, plain_voices)) == NULL)
		_exit(2);
	engine_start(e);
	id = engine_id(e);
	send(orders, &id, sizeof id, 0);
	serve(e, orders, lines);
	engine_stop(e);
	exit(0);
}

void
office_prepare(void)
{
	struct sockaddr_in	 sin = { .sin_family = AF_INET };
	struct node_row		*holder;
	socklen_t		 len = sizeof sin;

	signal(SIGPIPE, SIG_IGN);
	snprintf(state_dir, sizeof state_dir, "%s/state", server.dir);
	server.conf.state_dir = state_dir;
	server.conf.on_disconnect = (char *)"finish";
	server.conf.ping = 15;
	server.conf.connect_timeout = server.conf.first_token_timeout = 30;
	server.conf.idle_timeout = server.conf.total_timeout = 60;
	assert_int_equal(ident_open(state_dir, 0), 0);
	assert_int_equal(registry_open(state_dir), 0);
	assert_int_equal(node_take(&cx, 0, ident_state_id(), "test", &holder), 0);
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_return_code(door = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), errno);
	assert_return_code(bind(door, (struct sockaddr *)&sin, sizeof sin), errno);
	assert_return_code(listen(door, 64), errno);
	assert_return_code(getsockname(door, (struct sockaddr *)&sin, &len), errno);
	port = ntohs(sin.sin_port);
}

/* A line: our end in ours, the office's in theirs, which holds little. */
static void
line_new(int *ours, int *theirs)
{
	const int	 room = ROOM;
	int		 pair[2];

	assert_return_code(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), errno);
	setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
	*ours = pair[0];
	*theirs = pair[1];
}

void
office_open(struct office *o, int keep_s)
{
	int	 orders[2], theirs[LINES];

	memset(o, 0, sizeof *o);
	assert_return_code(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, orders), errno);
	for (int i = 0; i < LINES; i++)
		line_new(&o->lines[i], &theirs[i]);
	fflush(NULL);
	assert_return_code(o->pid = fork(), errno);
	if (o->pid == 0) {
		/* It shall see a client that hangs up, and keep nothing of ours open. */
		for (int i = 0; i < LINES; i++)
			close(o->lines[i]);
		close(orders[0]);
		office_main(orders[1], theirs, keep_s);
	}
	for (int i = 0; i < LINES; i++)
		close(theirs[i]);
	close(orders[1]);
	o->orders = orders[0];
	assert_int_equal(recv(o->orders, &o->id, sizeof o->id, 0), sizeof o->id);
}

static int
ended_as(struct office *o)
{
	int	 status;

	assert_return_code(waitpid(o->pid, &status, 0), errno);
	close(o->orders);
	for (int i = 0; i < LINES; i++)
		if (o->lines[i] != -1)
			close(o->lines[i]);
	return status;
}

void
office_close(struct office *o)
{
	struct order	 leave = { .what = LEAVE };
	int		 status;

	assert_int_equal(send(o->orders, &leave, sizeof leave, 0), sizeof leave);
	status = ended_as(o);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

void
office_kill(struct office *o)
{
	kill(o->pid, SIGKILL);
	assert_true(WIFSIGNALED(ended_as(o)));
}

void
office_lose_table(void)
{
	char	 path[96];

	snprintf(path, sizeof path, "%s/turns", state_dir);
	assert_return_code(unlink(path), errno);
	assert_int_equal(registry_open(state_dir), 0);
}

static struct answer
order(struct office *o, struct order what)
{
	struct answer	 a;

	what.port = port;
	assert_true(o->nlines <= LINES);
	assert_int_equal(send(o->orders, &what, sizeof what, 0), sizeof what);
	assert_int_equal(recv(o->orders, &a, sizeof a, 0), sizeof a);
	return a;
}

int64_t
office_ask(struct office *o, int64_t session, int lanes, int *line)
{
	int64_t	 turn;

	if (line != NULL)
		*line = o->nlines++;
	turn = order(o, (struct order){ .what = ASK, .of = session, .user = ann, .lanes = lanes,
	    .line = line != NULL ? *line : -1 }).value;
	assert_true(turn > 0);
	return turn;
}

struct found_as
office_follow(struct office *o, int64_t user, int64_t turn, int64_t after)
{
	const int	 line = o->nlines++;
	struct found_as	 as = order(o, (struct order){ .what = FOLLOW, .of = turn, .user = user,
	    .after = after, .line = line }).found;

	as.line = line;
	return as;
}

int
office_running(struct office *o)
{
	return (int)order(o, (struct order){ .what = RUNNING, .line = -1 }).value;
}

void
office_stop(struct office *o, int64_t turn)
{
	assert_int_equal(order(o, (struct order){ .what = STOP, .of = turn, .user = ann,
	    .line = -1 }).value, 1);
}

int
office_door(int *at)
{
	*at = port;
	return door;
}

void
office_fail_all(struct office *o)
{
	order(o, (struct order){ .what = FAIL_ALL, .line = -1 });
}

int64_t
office_memory(struct office *o)
{
	char		 path[64], line[256];
	int64_t		 kib = 0;
	FILE		*f;

	snprintf(path, sizeof path, "/proc/%d/status", (int)o->pid);
	assert_non_null(f = fopen(path, "r"));
	while (fgets(line, sizeof line, f) != NULL)
		if (sscanf(line, "RssAnon: %" SCNd64, &kib) == 1)
			break;
	fclose(f);
	return kib * 1024;
}

/* ---- the test's ends ------------------------------------------------------------------------- */

static void
not_heard(const struct str *got, const char *what)
{
	print_error("not heard: %s; but: %.4000s\n", what != NULL ? what : "the end",
	    got->p != NULL ? got->p : "");
	_fail(__FILE__, __LINE__);
}

void
line_read(struct office *o, int line, struct str *got, const char *until)
{
	struct pollfd	 p = { .fd = o->lines[line], .events = POLLIN };
	char		 buf[16384];
	ssize_t		 n;

	while (until == NULL || got->p == NULL || strstr(got->p, until) == NULL) {
		if (poll(&p, 1, PATIENCE_MS) != 1)
			not_heard(got, until);
		if ((n = recv(p.fd, buf, sizeof buf, 0)) <= 0)
			break;
		str_put(got, buf, (size_t)n);
	}
	if (until != NULL && (got->p == NULL || strstr(got->p, until) == NULL))
		not_heard(got, until);
}

void
line_hang_up(struct office *o, int line)
{
	close(o->lines[line]);
	o->lines[line] = -1;
}

/* Reads the request, to the end of its body. The lane that asks. */
static int
take_request(int fd)
{
	struct str	 s = STR_INIT(0);
	const char	*body, *field;
	char		 buf[4096];
	ssize_t		 n;
	int		 lane;

	for (;;) {
		assert_true((n = recv(fd, buf, sizeof buf, 0)) > 0);
		str_put(&s, buf, (size_t)n);
		if ((body = strstr(s.p, "\r\n\r\n")) == NULL)
			continue;
		assert_non_null(field = strcasestr(s.p, "content-length:"));
		if (s.len - (size_t)(body + 4 - s.p) >= strtoul(field + 15, NULL, 10))
			break;
	}
	lane = strstr(body, "lane 1") != NULL;
	str_free(&s);
	return lane;
}

static void
write_all(int fd, const char *p, size_t n)
{
	ssize_t	 done;

	for (; n > 0; p += done, n -= (size_t)done)
		if ((done = send(fd, p, n, MSG_NOSIGNAL)) <= 0)
			return;			/* whoever called is dead */
}

int
model_called(int lane)
{
	static int		 called[2] = { -1, -1 };
	static const char	 head[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
	    "Connection: close\r\n\r\n";
	struct pollfd		 p = { .fd = door, .events = POLLIN };
	int			 fd;

	while (called[lane] == -1) {
		assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
		assert_return_code(fd = accept4(door, NULL, NULL, SOCK_CLOEXEC), errno);
		called[take_request(fd)] = fd;
		write_all(fd, head, sizeof head - 1);
	}
	fd = called[lane];
	called[lane] = -1;
	return fd;
}

void
model_says(int call, const char *text)
{
	struct str	 s = STR_INIT(0);
	struct jw	 w;

	str_puts(&s, "data: ");
	jw_open(&w, &s);
	jw_obj(&w, NULL);
	jw_arr(&w, "choices");
	jw_obj(&w, NULL);
	jw_obj(&w, "delta");
	jw_str(&w, text[0] == '~' ? "reasoning_content" : "content", text + (text[0] == '~'));
	jw_close(&w);
	str_puts(&s, "\n\n");
	write_all(call, s.p, s.len);
	str_free(&s);
}

void
model_ends(int call)
{
	static const char	 end[] = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":"
	    "\"stop\"}]}\n\ndata: [DONE]\n\n";

	write_all(call, end, sizeof end - 1);
	close(call);
}
