#include "upstream/fetch.h"

#include <netinet/in.h>

#include <arpa/inet.h>
#include <ctype.h>
#include <curl/curl.h>
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/cidr.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/scratch.h"

#define HOPS		5		/* redirections */
#define HEAD_MAX	65536		/* bytes of one reply's head */
#define SLOWEST		1024L		/* bytes per second */

/* What is nobody's public address, as the registries of special addresses have it. */
#define PRIVATE4 \
	"0.0.0.0/8, 10.0.0.0/8, 100.64.0.0/10, 127.0.0.0/8, 169.254.0.0/16, 172.16.0.0/12," \
	"192.0.0.0/24, 192.0.2.0/24, 192.88.99.0/24, 192.168.0.0/16, 198.18.0.0/15," \
	"198.51.100.0/24, 203.0.113.0/24, 224.0.0.0/3"
/* Of all of IPv6 this is public, */
#define PUBLIC6		"2000::/3"
/* but for protocols (Teredo), documentation and 6to4, which hold addresses in addresses. */
#define PRIVATE6	"2001::/23, 2001:db8::/32, 2002::/16, 3fff::/20"

struct transfer {
	const struct fetch	*f;
	struct fetched		*got;
	CURL			*easy;
	bool			 listed;	/* this step's host may be private */
	bool			 refused;	/* an address was */
	bool			 large, full;	/* too many bytes; no room for them here */
	size_t			 head;
};

/* ---- where to -------------------------------------------------------------------------------- */

bool
fetch_public(const struct sockaddr *sa)
{
	const struct sockaddr_in6	*six = (const struct sockaddr_in6 *)(const void *)sa;
	const struct sockaddr_in	*four = (const struct sockaddr_in *)(const void *)sa;
	char				 text[INET6_ADDRSTRLEN];

	switch (sa->sa_family) {
	case AF_INET:
		return inet_ntop(AF_INET, &four->sin_addr, text, sizeof(text)) != NULL &&
		    !conf_cidr_match(PRIVATE4, text);
	case AF_INET6:
		return inet_ntop(AF_INET6, &six->sin6_addr, text, sizeof(text)) != NULL &&
		    conf_cidr_match(PUBLIC6, text) && !conf_cidr_match(PRIVATE6, text);
	default:
		return false;
	}
}

/* Is the host one of "a, b"? IPv6 stands in brackets in an address, and may in the list. */
static bool
host_listed(const char *list, const char *host)
{
	const size_t	len = strlen(host);
	size_t		n;

	for (; *list != '\0'; list += n) {
		list += strspn(list, ", \t[]");
		n = strcspn(list, ", \t[]");
		if (n == len && n > 0 && strncasecmp(list, host, n) == 0)
			return true;
	}
	return false;
}

static enum fetch_end
end_with(struct transfer *t, enum fetch_end end, enum reason why)
{
	t->got->why = why;
	return end;
}

/* A part of the address, "" where it has none; freed by curl_free. */
static char *
part_of(CURLU *u, CURLUPart part)
{
	char	*s = NULL;

	return curl_url_get(u, part, &s, 0) == CURLUE_OK ? s : NULL;
}

/* Does one not go to this address, and *why? Else to this host, freed by curl_free. */
static bool
refuses(const char *url, char **host, enum reason *why)
{
	CURLU		*u = curl_url();
	char		*scheme = NULL, *user = NULL, *password = NULL;
	bool		 bad = true;

	if (u == NULL)
		out_of_memory();
	*host = NULL;
	if (curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK) {
		scheme = part_of(u, CURLUPART_SCHEME);
		*host = part_of(u, CURLUPART_HOST);
		user = part_of(u, CURLUPART_USER);
		password = part_of(u, CURLUPART_PASSWORD);
	}
	if (scheme == NULL || *host == NULL ||
	    (strcasecmp(scheme, "http") != 0 && strcasecmp(scheme, "https") != 0))
		*why = REASON_NOT_WEB;
	else if (user != NULL || password != NULL)
		*why = REASON_USERINFO;
	else
		bad = false;
	if (bad) {
		curl_free(*host);
		*host = NULL;
	}
	curl_free(scheme);
	curl_free(user);
	curl_free(password);
	curl_url_cleanup(u);
	return bad;
}

bool
fetch_address(const char *url)
{
	enum reason	 why;
	char		*host;
	const bool	 good = !refuses(url, &host, &why);

	curl_free(host);
	return good;
}

/* Looks at the address before anything is done with it. */
static enum fetch_end
look(struct transfer *t, const char *url)
{
	enum reason	 why;
	char		*host;

	if (refuses(url, &host, &why))
		return end_with(t, FETCH_FAILED, why);
	host[strcspn(host, "]")] = '\0';
	t->listed = host_listed(t->f->allow, host + (*host == '['));
	curl_free(host);
	return FETCH_DONE;
}

/* ---- what curl asks -------------------------------------------------------------------------- */

static curl_socket_t
on_connect(void *arg, curlsocktype purpose, struct curl_sockaddr *to)
{
	struct transfer	*t = arg;

	if (purpose != CURLSOCKTYPE_IPCXN || (!t->listed && !fetch_public(&to->addr))) {
		t->refused = true;
		return CURL_SOCKET_BAD;
	}
	return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

static int
on_progress(void *arg, curl_off_t dtotal, curl_off_t dnow, curl_off_t utotal, curl_off_t unow)
{
	const struct fetch	*f = ((struct transfer *)arg)->f;

	(void)dtotal, (void)dnow, (void)utotal, (void)unow;
	return f->go_on != NULL && !f->go_on(f->arg);
}

static size_t
on_header(char *p, size_t size, size_t n, void *arg)
{
	struct transfer	*t = arg;

	(void)p;
	t->head += size * n;
	return t->head > HEAD_MAX ? CURL_WRITEFUNC_ERROR : size * n;
}

static size_t
on_data(char *p, size_t size, size_t n, void *arg)
{
	struct transfer	*t = arg;
	long		 status = 0;

	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status < 200 || status > 299)
		return size * n;		/* of no interest, yet it may end */
	t->got->size += (int64_t)(size * n);
	t->large = t->got->size > t->f->most;
	if (!t->large && scratch_put(t->got->fd, p, size * n) == -1) {
		log_error("what was fetched cannot be written", LOG_S("error", strerror(errno)));
		t->full = true;
	}
	return t->large || t->full ? CURL_WRITEFUNC_ERROR : size * n;
}

/* ---- one step -------------------------------------------------------------------------------- */

static void
set_up(struct transfer *t, const char *url, int64_t left_ms)
{
	const struct fetch	*f = t->f;
	CURL			*e = t->easy;

	curl_easy_setopt(e, CURLOPT_URL, url);
	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);	/* each step is looked at here */
	curl_easy_setopt(e, CURLOPT_PROXY, "");
	curl_easy_setopt(e, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(e, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 2L);
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(e, CURLOPT_USERAGENT, "parley");
	curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)f->connect_ms);
	curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)left_ms);
	curl_easy_setopt(e, CURLOPT_LOW_SPEED_LIMIT, SLOWEST);
	curl_easy_setopt(e, CURLOPT_LOW_SPEED_TIME, (long)f->quiet_s);
	curl_easy_setopt(e, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)f->most);
	curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, on_connect);
	curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, t);
	curl_easy_setopt(e, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(e, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(e, CURLOPT_XFERINFODATA, t);
	curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(e, CURLOPT_HEADERDATA, t);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_data);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, t);
}

/*
 * Is it certain that there is no such host? curl does not tell that from troubles of the resolver,
 * which may pass.
 */
static bool
is_nowhere(const char *url)
{
	const struct addrinfo	 hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo		*list = NULL;
	enum reason		 why;
	char			*host;
	int			 rc;

	if (refuses(url, &host, &why))
		return false;
	if ((rc = getaddrinfo(host, NULL, &hints, &list)) == 0)
		freeaddrinfo(list);
	/* What is not ASCII, curl asks for in another form. */
	for (const char *p = host; *p != '\0'; p++)
		if (!isascii((unsigned char)*p))
			rc = 0;
	curl_free(host);
	return rc == EAI_NONAME || rc == EAI_NODATA;
}

static enum fetch_end
broken(struct transfer *t, const char *url, CURLcode code)
{
	switch (code) {
	case CURLE_COULDNT_RESOLVE_HOST:
		if (is_nowhere(url))
			return end_with(t, FETCH_FAILED, REASON_NO_HOST);
		break;
	case CURLE_ABORTED_BY_CALLBACK:
		return FETCH_STOPPED;
	case CURLE_OPERATION_TIMEDOUT:
		return end_with(t, FETCH_FAILED, REASON_LATE);
	case CURLE_PEER_FAILED_VERIFICATION:
		return end_with(t, FETCH_FAILED, REASON_CERTIFICATE);
	case CURLE_UNSUPPORTED_PROTOCOL:	/* not the address, which was looked at */
		return end_with(t, FETCH_FAILED, REASON_GARBLED);
	case CURLE_FILESIZE_EXCEEDED:
		t->large = true;
		break;
	default:
		break;
	}
	if (t->large)
		return end_with(t, FETCH_FAILED, REASON_TOO_LARGE);
	if (t->full)
		return end_with(t, FETCH_AGAIN, REASON_NO_ROOM);
	if (t->refused)
		return end_with(t, FETCH_FAILED, REASON_NOT_PUBLIC);
	if (code == CURLE_WRITE_ERROR)
		return end_with(t, FETCH_FAILED, REASON_GARBLED);
	return end_with(t, FETCH_AGAIN, REASON_NO_SERVER);
}

static enum fetch_end
answered(struct transfer *t, int status)
{
	const bool	again = status >= 500 || status == 408 || status == 425 || status == 429;

	t->got->status = status;
	return end_with(t, again ? FETCH_AGAIN : FETCH_FAILED, REASON_STATUS);
}

static void
keep_type(struct transfer *t)
{
	const char	*type = NULL;
	char		*to = t->got->media_type;
	size_t		 n;

	curl_easy_getinfo(t->easy, CURLINFO_CONTENT_TYPE, &type);
	n = type != NULL ? strcspn(type, "; \t") : 0;
	for (size_t i = 0; i < n && n < FETCH_TYPE_MAX; i++)
		to[i] = (char)tolower((unsigned char)type[i]);
}

/* FETCH_DONE with *next, freed by the caller, where it leads on. */
static enum fetch_end
step(struct transfer *t, const char *url, int64_t left_ms, char **next)
{
	enum fetch_end	 end;
	const char	*to = NULL;
	long		 status = 0;
	CURLcode	 code;

	if ((end = look(t, url)) != FETCH_DONE)
		return end;
	t->refused = false;
	t->head = 0;
	set_up(t, url, left_ms > 1 ? left_ms : 1);
	if ((code = curl_easy_perform(t->easy)) != CURLE_OK) {
		log_info("a fetch failed", LOG_S("error", curl_easy_strerror(code)));
		return broken(t, url, code);
	}
	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(t->easy, CURLINFO_REDIRECT_URL, &to);
	if (to != NULL)
		*next = xstrdup(to);
	else if (status < 200 || status > 299)
		return answered(t, (int)status);
	else
		keep_type(t);
	return FETCH_DONE;
}

static enum fetch_end
steps(struct transfer *t)
{
	const int64_t	 until = clock_mono_ms() + t->f->total_ms;
	char		*url = xstrdup(t->f->url), *next;
	enum fetch_end	 end = FETCH_DONE;

	for (int i = 0; end == FETCH_DONE; i++) {
		if ((t->easy = curl_easy_init()) == NULL)
			out_of_memory();
		next = NULL;
		end = step(t, url, until - clock_mono_ms(), &next);
		curl_easy_cleanup(t->easy);
		free(url);
		if ((url = next) == NULL)
			break;
		if (i == HOPS)
			end = end_with(t, FETCH_FAILED, REASON_ROUND);
	}
	free(url);
	return end;
}

enum fetch_end
fetch(const struct fetch *f, struct fetched *got)
{
	struct transfer	 t = { .f = f, .got = got };
	enum fetch_end	 end;

	*got = (struct fetched){ .fd = scratch_open(f->dir) };
	if (got->fd == -1) {
		log_error("what is fetched has no place", LOG_S("dir", f->dir),
		    LOG_S("error", strerror(errno)));
		return end_with(&t, FETCH_AGAIN, REASON_NO_ROOM);
	}
	curl_global_init(CURL_GLOBAL_DEFAULT);
	if ((end = steps(&t)) == FETCH_DONE) {
		lseek(got->fd, 0, SEEK_SET);
		return end;
	}
	close(got->fd);
	got->fd = -1;
	return end;
}
