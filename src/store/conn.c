#include "store/conn.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <errmsg.h>
#include <mysqld_error.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"

/*
 * A request must hear within 10 seconds that the database is away, whichever way it is away:
 * connecting to all hosts, or one statement that is never answered, has to end before.
 */
#define CONNECT_S	3
#define ANSWER_S	8
#define ALL_HOSTS_MS	5000	/* no further host is tried after this */
#define PAUSE_MS	500	/* between attempts to connect */
#define WARN_MS		5000	/* between warnings */
#define LOCK_WAIT_S	"2"	/* db_txn repeats; far below ANSWER_S */

#define PORT		3306

struct conn_host {
	const char	*name;
	unsigned	 port;
};

static pthread_once_t	library_once = PTHREAD_ONCE_INIT;

static void	hosts_parse(struct conn *);
static bool	peer_closed(const struct conn *);
static int	connect_any(struct conn *);
static MYSQL	*connect_to(struct conn *, const struct conn_host *, const char *password);
static int	password_read(struct conn *, char *, size_t);

/* mysql_init would do it, but not safely from two threads at once. */
static void
library_init(void)
{
	mysql_library_init(0, NULL, NULL);
}

void
conn_init(struct conn *c, const struct conf *conf)
{
	pthread_once(&library_once, library_init);
	memset(c, 0, sizeof(*c));
	c->conf = conf;
	c->patience_s = ANSWER_S;
	hosts_parse(c);
}

void
conn_free(struct conn *c)
{
	conn_drop(c);
	free(c->hosts);
	free(c->hosts_text);
}

/* "h1:3306,h2,[::1]:3307" */
static void
hosts_parse(struct conn *c)
{
	char	*rest, *name, *port;

	if (c->conf->db_hosts == NULL || *c->conf->db_hosts == '\0')
		return;
	rest = c->hosts_text = xstrdup(c->conf->db_hosts);
	while ((name = strsep(&rest, ",")) != NULL) {
		name += strspn(name, " ");
		if (*name == '\0')
			continue;
		port = strrchr(name, ':');
		if (*name == '[') {
			name++;
			port = strchr(name, ']');
			if (port != NULL)
				*port++ = '\0';
		}
		c->hosts = xrealloc(c->hosts, (c->nhosts + 1) * sizeof(*c->hosts));
		c->hosts[c->nhosts] = (struct conn_host){ .name = name, .port = PORT };
		if (port != NULL && *port == ':') {
			*port = '\0';
			c->hosts[c->nhosts].port = (unsigned)strtoul(port + 1, NULL, 10);
		}
		c->nhosts++;
	}
}

int
conn_ready(struct conn *c, struct sql_error *e)
{
	if (c->my != NULL && peer_closed(c))
		conn_drop(c);
	if (c->my != NULL)
		return 0;

	if (clock_mono_ms() >= c->not_before) {
		if (connect_any(c) == 0) {
			c->generation++;
			return 0;
		}
		c->not_before = clock_mono_ms() + PAUSE_MS;
	}
	*e = c->refused;
	return -1;
}

/*
 * Between statements the server has nothing to say, so an end of file is there for us to see before
 * we speak.
 */
static bool
peer_closed(const struct conn *c)
{
	struct pollfd	 p = { .fd = mysql_get_socket(c->my), .events = POLLRDHUP };

	return poll(&p, 1, 0) == 1;
}

static int
connect_any(struct conn *c)
{
	const int64_t	 began = clock_mono_ms();
	char		 password[256];

	if (password_read(c, password, sizeof(password)) == -1)
		return -1;
	if (c->nhosts == 0)
		c->my = connect_to(c, NULL, password);
	for (size_t i = 0; i < c->nhosts && c->my == NULL; i++) {
		if (i > 0 && clock_mono_ms() - began > ALL_HOSTS_MS)
			break;
		c->my = connect_to(c, &c->hosts[(c->first + i) % c->nhosts], password);
	}
	explicit_bzero(password, sizeof(password));
	return c->my != NULL ? 0 : -1;
}

static MYSQL *
connect_to(struct conn *c, const struct conn_host *h, const char *password)
{
	const unsigned	 connect_s = CONNECT_S, answer_s = (unsigned)c->patience_s, no = 0;
	const unsigned	 protocol = h != NULL ? MYSQL_PROTOCOL_TCP : MYSQL_PROTOCOL_SOCKET;
	MYSQL		*my;

	if ((my = mysql_init(NULL)) == NULL)
		out_of_memory();
	mysql_options(my, MYSQL_OPT_CONNECT_TIMEOUT, &connect_s);
	mysql_options(my, MYSQL_OPT_READ_TIMEOUT, &answer_s);
	mysql_options(my, MYSQL_OPT_WRITE_TIMEOUT, &answer_s);
	mysql_options(my, MYSQL_OPT_PROTOCOL, &protocol);
	mysql_options(my, MYSQL_OPT_LOCAL_INFILE, &no);
	mysql_options(my, MYSQL_SET_CHARSET_NAME, "utf8mb4");
	mysql_options(my, MYSQL_INIT_COMMAND, "SET SESSION time_zone = '+00:00',"
	    " innodb_lock_wait_timeout = " LOCK_WAIT_S ", sql_mode = 'STRICT_ALL_TABLES,"
	    "ERROR_FOR_DIVISION_BY_ZERO,NO_ZERO_DATE,NO_ZERO_IN_DATE,NO_ENGINE_SUBSTITUTION'");
	/* After a row lock every statement must see what the holder before has committed. */
	mysql_options(my, MYSQL_INIT_COMMAND,
	    "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED");

	if (mysql_real_connect(my, h != NULL ? h->name : NULL, c->conf->db_user,
	    *password != '\0' ? password : NULL, c->conf->db_name, h != NULL ? h->port : 0,
	    h != NULL ? NULL : c->conf->db_socket, CLIENT_FOUND_ROWS) == NULL) {
		c->refused.no = mysql_errno(my);
		snprintf(c->refused.text, sizeof(c->refused.text), "%s", mysql_error(my));
		mysql_close(my);
		return NULL;
	}
	return my;
}

/* The first line of the file; read anew each time, so that it can be changed. */
static int
password_read(struct conn *c, char *dst, size_t size)
{
	const char	*path = c->conf->db_password_file;
	FILE		*f;

	*dst = '\0';
	if (path == NULL || *path == '\0')
		return 0;
	if ((f = fopen(path, "re")) == NULL) {
		c->refused.no = SQL_ERROR_OURS;
		snprintf(c->refused.text, sizeof(c->refused.text), "db_password_file: %s: %s", path,
		    strerror(errno));
		return -1;
	}
	if (fgets(dst, (int)size, f) != NULL)
		dst[strcspn(dst, "\r\n")] = '\0';
	fclose(f);
	return 0;
}

int
conn_query(struct conn *c, const char *sql, struct sql_error *e)
{
	MYSQL_RES	*res;

	if (mysql_real_query(c->my, sql, strlen(sql)) != 0)
		return conn_error(c, e, true);
	if (mysql_field_count(c->my) == 0)
		return 0;
	if ((res = mysql_store_result(c->my)) == NULL)
		return conn_error(c, e, true);
	mysql_free_result(res);
	return 0;
}

void
conn_warn(struct conn *c, const struct sql_error *e)
{
	const int64_t	 now = clock_mono_ms();

	if (c->warned != 0 && now < c->warned + WARN_MS)
		return;
	c->warned = now;
	log_warn("database is away", LOG_I("errno", e->no), LOG_S("error", e->text));
}

void
conn_drop(struct conn *c)
{
	if (c->my != NULL)
		mysql_close(c->my);
	c->my = NULL;
}

void
conn_lost(struct conn *c, const struct sql_error *e)
{
	conn_drop(c);
	if (e->no == ER_UNKNOWN_COM_ERROR && c->nhosts != 0)
		c->first = (c->first + 1) % c->nhosts;
}

void
conn_patience(struct conn *c, int seconds)
{
	if (seconds == 0)
		seconds = ANSWER_S;
	if (c->patience_s == seconds)
		return;
	c->patience_s = seconds;
	conn_drop(c);
}

int
conn_error(const struct conn *c, struct sql_error *e, bool ran)
{
	e->no = mysql_errno(c->my);
	e->ran = ran && !sql_untouched(e->no);
	snprintf(e->text, sizeof(e->text), "%s", mysql_error(c->my));
	return -1;
}

bool
sql_gone(const struct sql_error *e)
{
	switch (e->no) {
	case CR_SERVER_GONE_ERROR:
	case CR_SERVER_LOST:
	case CR_SERVER_LOST_EXTENDED:
	case CR_COMMANDS_OUT_OF_SYNC:
	case CR_MALFORMED_PACKET:
	case ER_SERVER_SHUTDOWN:
	case ER_CONNECTION_KILLED:
	case ER_UNKNOWN_COM_ERROR:	/* a Galera node outside the primary component */
		return true;
	default:
		return false;
	}
}

bool
sql_collided(const struct sql_error *e)
{
	return e->no == ER_LOCK_DEADLOCK || e->no == ER_LOCK_WAIT_TIMEOUT;
}

bool
sql_untouched(unsigned no)
{
	return no == CR_SERVER_GONE_ERROR || no == ER_UNKNOWN_COM_ERROR;
}
