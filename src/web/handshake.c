#include "handshake.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <ctype.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <microhttpd.h>

#include "base/arena.h"
#include "base/ident.h"
#include "base/log.h"

#define POOL		65536		/* bytes of a request's head; nginx lets pass 48 KiB */
#define PATIENCE	30		/* seconds for the request to come, the reply to go */
#define MOST		65536		/* handshakes at once */
#define ROUNDS		16		/* of libmicrohttpd in one of the loop */
#define KEY_LEN		24		/* 16 bytes in base64 */
#define GUID		"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
#define BEARER		"bearer"	/* the subprotocol that carries a token */

struct handshakes {
	struct loop			*loop;
	const struct handshake_ops	*ops;
	void				*arg;
	struct MHD_Daemon		*daemon;
	struct watch			 watch;		/* of its epoll */
	bool				 running;	/* inside of MHD_run */
};

struct asked {
	struct handshake	 h;		/* first: it is the handshake */
	struct handshakes	*all;
	struct MHD_Connection	*conn;
	struct arena		*a;
	const char		*key;
	bool			 bearer;	/* was offered as subprotocol */
	struct MHD_Response	*reply;		/* once answered */
	unsigned		 status;
};

/* ---- the loop -------------------------------------------------------------------------------- */

static void
run(struct handshakes *all)
{
	MHD_UNSIGNED_LONG_LONG	ms;
	int			i = 0;

	if (all->running)		/* a callback of it answers at once: it goes on itself */
		return;
	all->running = true;
	do
		MHD_run(all->daemon);
	while (MHD_get_timeout(all->daemon, &ms) == MHD_YES && ms == 0 && ++i < ROUNDS);
	all->running = false;
}

static void
on_ready(struct watch *w, uint32_t events)
{
	(void)events;
	run((struct handshakes *)((char *)w - offsetof(struct handshakes, watch)));
}

void
handshakes_tick(struct handshakes *all)
{
	run(all);
}

void
handshakes_take(struct handshakes *all, int fd)
{
	const struct sockaddr_un	nobody = { .sun_family = AF_UNIX };

	if (MHD_add_connection(all->daemon, fd, (const struct sockaddr *)&nobody,
	    sizeof(nobody)) != MHD_YES)
		all->ops->left(all->arg);	/* closed already */
	run(all);
}

/* ---- the request ----------------------------------------------------------------------------- */

struct list {
	struct arena	*a;
	char		**v;
	size_t		 n, size;
};

static void
list_add(struct list *l, char *s)
{
	char	**more;

	if (l->n + 1 >= l->size) {
		l->size = l->size == 0 ? 32 : l->size * 2;
		more = arena_array(l->a, l->size, sizeof(*more));
		if (l->n > 0)
			memcpy(more, l->v, l->n * sizeof(*more));
		l->v = more;
	}
	l->v[l->n++] = s;
}

/* "Accept-Language" -> "HTTP_ACCEPT_LANGUAGE"; NULL: it could be taken for another's. */
static char *
param_name(struct arena *a, const char *header)
{
	char	*name = arena_printf(a, "HTTP_%s", header);

	for (char *p = name + strlen("HTTP_"); *p != '\0'; p++) {
		if (*p == '_' || *p == '=')
			return NULL;
		*p = *p == '-' ? '_' : (char)toupper((unsigned char)*p);
	}
	return name;
}

static enum MHD_Result
on_header(void *arg, enum MHD_ValueKind kind, const char *header, const char *value)
{
	struct list	*l = arg;
	char		*name = param_name(l->a, header);
	size_t		 len;

	(void)kind;
	if (name == NULL || value == NULL)
		return MHD_YES;
	len = strlen(name);
	for (size_t i = 0; i < l->n; i++)	/* a list over several lines */
		if (strncmp(l->v[i], name, len) == 0 && l->v[i][len] == '=') {
			l->v[i] = arena_printf(l->a, "%s, %s", l->v[i], value);
			return MHD_YES;
		}
	list_add(l, arena_printf(l->a, "%s=%s", name, value));
	return MHD_YES;
}

static const char *
find(const struct list *l, const char *name)
{
	size_t	len = strlen(name);

	for (size_t i = 0; i < l->n; i++)
		if (strncmp(l->v[i], name, len) == 0 && l->v[i][len] == '=')
			return l->v[i] + len + 1;
	return NULL;
}

/* The next of a list with commas, without the blanks around it. NULL at the end. */
static const char *
item(const char **list, size_t *len)
{
	const char	*s = *list;

	if (s == NULL)
		return NULL;
	s += strspn(s, ", \t");
	if (*s == '\0')
		return NULL;
	*len = strcspn(s, ",");
	*list = s + *len;
	while (*len > 0 && (s[*len - 1] == ' ' || s[*len - 1] == '\t'))
		(*len)--;
	return s;
}

static bool
names(const char *list, const char *what)
{
	const char	*s;
	size_t		 len;

	while ((s = item(&list, &len)) != NULL)
		if (len == strlen(what) && strncasecmp(s, what, len) == 0)
			return true;
	return false;
}

static bool
is_key(const char *key)
{
	return key != NULL && strlen(key) == KEY_LEN && strcmp(key + KEY_LEN - 2, "==") == 0 &&
	    strspn(key, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/") ==
	    KEY_LEN - 2;
}

static enum handshake_form
form_of(const struct list *l, const char *method)
{
	const char	*version = find(l, "HTTP_SEC_WEBSOCKET_VERSION");

	if (strcmp(method, "GET") != 0 || !names(find(l, "HTTP_UPGRADE"), "websocket") ||
	    !names(find(l, "HTTP_CONNECTION"), "upgrade"))
		return HANDSHAKE_PLAIN;
	if (version == NULL || strcmp(version, "13") != 0)
		return HANDSHAKE_VERSION;
	return is_key(find(l, "HTTP_SEC_WEBSOCKET_KEY")) ? HANDSHAKE_GOOD : HANDSHAKE_KEY;
}

/*
 * A browser cannot set Authorization here: the token may be what follows the subprotocol `bearer`.
 */
static const char *
token_of(struct asked *q, const struct list *l)
{
	const char	*list = find(l, "HTTP_SEC_WEBSOCKET_PROTOCOL"), *s;
	size_t		 len;

	while ((s = item(&list, &len)) != NULL)
		if (len == strlen(BEARER) && strncasecmp(s, BEARER, len) == 0) {
			q->bearer = true;
			if ((s = item(&list, &len)) != NULL)
				return arena_strndup(q->a, s, len);
			break;
		}
	return NULL;
}

/*
 * The address of the client is what the web server says in X-Real-IP (our site files set it, over
 * whatever the client sent); who connects without one has none.
 */
static void
params_add(struct asked *q, struct list *l, const char *method, const char *uri)
{
	const char	*query = strchr(uri, '?'), *remote = find(l, "HTTP_X_REAL_IP"), *token;

	query = query != NULL ? query + 1 : "";
	list_add(l, arena_printf(q->a, "REQUEST_METHOD=%s", method));
	list_add(l, arena_printf(q->a, "REQUEST_URI=%s", uri));
	list_add(l, arena_printf(q->a, "QUERY_STRING=%s", query));
	list_add(l, arena_printf(q->a, "REMOTE_ADDR=%s", remote != NULL ? remote : ""));
	token = token_of(q, l);
	if (token != NULL && find(l, "HTTP_AUTHORIZATION") == NULL)
		list_add(l, arena_printf(q->a, "HTTP_AUTHORIZATION=Bearer %s", token));
}

static void
ask(struct asked *q, const char *method)
{
	/* The target as it came: libmicrohttpd decodes what it gives its handler. */
	const char	*uri = q->h.owner;
	struct list	 l = { .a = q->a };

	q->h.owner = NULL;
	MHD_get_connection_values(q->conn, MHD_HEADER_KIND, on_header, &l);
	q->h.form = form_of(&l, method);
	q->key = find(&l, "HTTP_SEC_WEBSOCKET_KEY");
	params_add(q, &l, method, uri != NULL ? uri : "/");
	q->h.params = l.v;		/* arenas are zeroed: a NULL follows */
	MHD_suspend_connection(q->conn);
	q->all->ops->come(q->all->arg, &q->h);
}

/* The request line has come: what it holds lasts as long as we keep it. */
static void *
on_target(void *arg, const char *uri, struct MHD_Connection *conn)
{
	struct asked	*q = xcalloc(1, sizeof(*q));

	q->all = arg;
	q->conn = conn;
	q->a = arena_new(2048);
	q->h.owner = arena_strdup(q->a, uri);
	return q;
}

static enum MHD_Result
on_request(void *arg, struct MHD_Connection *conn, const char *url, const char *method,
    const char *version, const char *data, size_t *size, void **context)
{
	struct asked	*q = *context;

	(void)arg;
	(void)url;
	(void)version;
	(void)data;
	if (q == NULL)
		return MHD_NO;
	if (q->reply != NULL)
		return MHD_queue_response(conn, q->status, q->reply);
	if (q->h.params == NULL)
		ask(q, method);
	*size = 0;			/* a body is of no use */
	return MHD_YES;
}

static void
on_gone(void *arg, struct MHD_Connection *conn, void **context,
    enum MHD_RequestTerminationCode why)
{
	struct asked	*q = *context;

	(void)arg;
	(void)conn;
	(void)why;
	if (q == NULL)
		return;
	*context = NULL;
	if (q->reply != NULL)
		MHD_destroy_response(q->reply);
	if (q->h.params != NULL)
		q->all->ops->gone(&q->h);
	arena_free(q->a);
	free(q);
}

static void
on_connection(void *arg, struct MHD_Connection *conn, void **context,
    enum MHD_ConnectionNotificationCode what)
{
	struct handshakes	*all = arg;

	(void)conn;
	(void)context;
	if (what == MHD_CONNECTION_NOTIFY_CLOSED)
		all->ops->left(all->arg);
}

/* ---- the answer ------------------------------------------------------------------------------ */

/*
 * libmicrohttpd keeps the memory of a connection, and its descriptor, for as long as the upgraded
 * one lives: so we take another descriptor of the same socket, and it is done with its own.
 */
static void
on_upgrade(void *arg, struct MHD_Connection *conn, void *context, const char *early, size_t n,
    MHD_socket sock, struct MHD_UpgradeResponseHandle *handle)
{
	struct asked	*q = arg;
	int		 fd = fcntl(sock, F_DUPFD_CLOEXEC, 0);

	(void)conn;
	(void)context;
	if (fd != -1)
		q->all->ops->open(&q->h, fd, early, n);
	else
		log_error("no descriptor for a WebSocket");
	MHD_upgrade_action(handle, MHD_UPGRADE_ACTION_CLOSE);
}

/* The lines "Name: value\r\n" of a text, as headers. */
static void
add_headers(struct asked *q, const char *lines)
{
	const char	*colon;
	size_t		 n;

	for (; lines != NULL && *lines != '\0'; lines += n + strspn(lines + n, "\r\n")) {
		n = strcspn(lines, "\r\n");
		if ((colon = memchr(lines, ':', n)) != NULL)
			MHD_add_response_header(q->reply,
			    arena_strndup(q->a, lines, (size_t)(colon - lines)),
			    arena_strndup(q->a, colon + 2, n - (size_t)(colon + 2 - lines)));
	}
}

static void
answer(struct asked *q, unsigned status)
{
	if (q->reply == NULL)
		out_of_memory();
	q->status = status;
	MHD_resume_connection(q->conn);
	run(q->all);
}

void
handshake_accept(struct handshake *h, const char *headers)
{
	struct asked	*q = (struct asked *)h;
	char		 accept[IDENT_SHA1_SIZE];

	ident_sha1(accept, arena_printf(q->a, "%s%s", q->key, GUID));
	if ((q->reply = MHD_create_response_for_upgrade(on_upgrade, q)) == NULL)
		out_of_memory();
	MHD_add_response_header(q->reply, MHD_HTTP_HEADER_UPGRADE, "websocket");
	MHD_add_response_header(q->reply, "Sec-WebSocket-Accept", accept);
	if (q->bearer)
		MHD_add_response_header(q->reply, "Sec-WebSocket-Protocol", BEARER);
	add_headers(q, headers);
	answer(q, MHD_HTTP_SWITCHING_PROTOCOLS);
}

void
handshake_refuse(struct handshake *h, int status, const char *type, const char *headers,
    const char *body, size_t n)
{
	struct asked	*q = (struct asked *)h;

	q->reply = MHD_create_response_from_buffer(n, (void *)body, MHD_RESPMEM_MUST_COPY);
	if (q->reply == NULL)
		out_of_memory();
	MHD_add_response_header(q->reply, MHD_HTTP_HEADER_CONNECTION, "close");
	if (type != NULL)
		MHD_add_response_header(q->reply, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	add_headers(q, headers);
	answer(q, (unsigned)status);
}

/* ---- all of them ----------------------------------------------------------------------------- */

struct handshakes *
handshakes_new(struct loop *loop, const struct handshake_ops *ops, void *arg)
{
	struct handshakes		*all = xcalloc(1, sizeof(*all));
	const union MHD_DaemonInfo	*epoll;

	*all = (struct handshakes){ .loop = loop, .ops = ops, .arg = arg };
	all->daemon = MHD_start_daemon(
	    MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_UPGRADE | MHD_USE_EPOLL,
	    0, NULL, NULL, on_request, all,
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)POOL,
	    MHD_OPTION_CONNECTION_LIMIT, (unsigned)MOST,
	    MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)PATIENCE,
	    MHD_OPTION_URI_LOG_CALLBACK, on_target, all,
	    MHD_OPTION_NOTIFY_COMPLETED, on_gone, all,
	    MHD_OPTION_NOTIFY_CONNECTION, on_connection, all,
	    MHD_OPTION_END);
	if (all->daemon == NULL ||
	    (epoll = MHD_get_daemon_info(all->daemon, MHD_DAEMON_INFO_EPOLL_FD)) == NULL) {
		if (all->daemon != NULL)
			MHD_stop_daemon(all->daemon);
		free(all);
		return NULL;
	}
	all->watch = (struct watch){ .fd = epoll->epoll_fd, .fn = on_ready };
	loop_add(loop, &all->watch, EPOLLIN);
	return all;
}

void
handshakes_free(struct handshakes *all)
{
	if (all == NULL)
		return;
	MHD_stop_daemon(all->daemon);
	free(all);
}
