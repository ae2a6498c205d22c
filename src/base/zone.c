#include "zone.h"

#include <sys/stat.h>

#include <ctype.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "arena.h"

#define ZONE_NAME	64
#define ZONE_FILE_MAX	(1 << 20)
#define LAST_YEAR	2200	/* the rule for the future is unrolled up to here */
#define HOUR		3600
#define DAY		86400

struct change {
	int64_t		 at;		/* UTC second from which on… */
	int32_t		 offset;	/* …this holds */
};

struct zone {
	struct zone	*next;
	char		 name[ZONE_NAME];
	int32_t		 first;		/* before the first change */
	size_t		 n, size;
	struct change	*change;	/* by time */
};

static pthread_mutex_t	 lock = PTHREAD_MUTEX_INITIALIZER;
static struct zone	*known;		/* under lock; never freed: few names are used */

int32_t
zone_offset(const struct zone *z, int64_t utc)
{
	size_t	lo = 0, hi = z->n, mid;

	while (lo < hi) {		/* how many changes are not after utc */
		mid = lo + (hi - lo) / 2;
		if (z->change[mid].at <= utc)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo == 0 ? z->first : z->change[lo - 1].offset;
}

int64_t
zone_utc(const struct zone *z, int64_t local)
{
	int32_t	before = zone_offset(z, local - DAY), after = zone_offset(z, local + DAY);

	if (zone_offset(z, local - before) == before)
		return local - before;
	if (zone_offset(z, local - after) == after)
		return local - after;
	return local - before;
}

static void
zone_add(struct zone *z, int64_t at, int32_t offset)
{
	if (z->n == z->size) {
		z->size = z->size == 0 ? 64 : z->size * 2;
		z->change = xrealloc(z->change, z->size * sizeof(*z->change));
	}
	z->change[z->n++] = (struct change){ at, offset };
}

const char *
zone_read_offset(const char *s, int32_t *offset)
{
	int	sign, h, m = 0;

	if (*s != '+' && *s != '-')
		return NULL;
	sign = *s++ == '-' ? -1 : 1;
	if (!isdigit((unsigned char)s[0]) || !isdigit((unsigned char)s[1]))
		return NULL;
	h = (s[0] - '0') * 10 + s[1] - '0';
	s += 2;
	if (*s == ':' || isdigit((unsigned char)*s)) {
		s += *s == ':';
		if (!isdigit((unsigned char)s[0]) || !isdigit((unsigned char)s[1]))
			return NULL;
		m = (s[0] - '0') * 10 + s[1] - '0';
		s += 2;
	}
	if (h > 15 || m > 59)
		return NULL;
	*offset = sign * (h * HOUR + m * 60);
	return s;
}

/*
 * The rule at the end of a zone file, in the syntax of POSIX's TZ: "CET-1CEST,M3.5.0,M10.5.0/3".
 * Each of these moves *s behind what it read, or returns false.
 */
static bool
rule_name(const char **s)
{
	const char	*p = *s;

	if (*p == '<') {
		if ((p = strchr(p, '>')) == NULL)
			return false;
		p++;
	} else
		while (isalpha((unsigned char)*p))
			p++;
	if (p - *s < 3)
		return false;
	*s = p;
	return true;
}

static bool
rule_int(const char **s, int max, int *v)
{
	const char	*p = *s;

	for (*v = 0; isdigit((unsigned char)*p) && *v <= max; p++)
		*v = *v * 10 + *p - '0';
	if (p == *s || *v > max)
		return false;
	*s = p;
	return true;
}

/* [+-]h[:mm[:ss]]: hours may be negative and more than a day. */
static bool
rule_time(const char **s, int32_t *seconds)
{
	int	h, m = 0, sec = 0, sign = **s == '-' ? -1 : 1;

	*s += **s == '-' || **s == '+';
	if (!rule_int(s, 167, &h))
		return false;
	if (**s == ':' && ((*s)++, !rule_int(s, 59, &m)))
		return false;
	if (**s == ':' && ((*s)++, !rule_int(s, 59, &sec)))
		return false;
	*seconds = sign * (h * HOUR + m * 60 + sec);
	return true;
}

struct rule_day {
	char	kind;		/* 'M': month, week, day; 'J': 1..365, no leap day; '0': 0..365 */
	int	month, week, day;
	int32_t	time;		/* local seconds after midnight */
};

static bool
rule_day(const char **s, struct rule_day *d)
{
	d->time = 2 * HOUR;
	if (*(*s)++ != ',')
		return false;
	d->kind = **s == 'M' || **s == 'J' ? *(*s)++ : '0';
	if (d->kind == 'M') {
		if (!rule_int(s, 12, &d->month) || d->month < 1 || *(*s)++ != '.' ||
		    !rule_int(s, 5, &d->week) || d->week < 1 || *(*s)++ != '.' ||
		    !rule_int(s, 6, &d->day))
			return false;
	} else if (!rule_int(s, 365, &d->day) || (d->kind == 'J' && d->day < 1))
		return false;
	return **s != '/' || ((*s)++, rule_time(s, &d->time));
}

static bool
is_leap(int year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* When the rule's day is in that year: seconds since 1970, by the wall clock of the place. */
static int64_t
rule_at(const struct rule_day *d, int year)
{
	struct tm	first = { .tm_year = year - 1900, .tm_mday = 1 };
	struct tm	last = { .tm_year = year - 1900, .tm_mon = d->month };	/* next, day 0 */
	int64_t		at;
	int		day;

	if (d->kind != 'M') {
		day = d->day;
		if (d->kind == 'J' && (day < 60 || !is_leap(year)))
			day--;
		return timegm(&first) + (int64_t)day * DAY + d->time;
	}
	first.tm_mon = d->month - 1;
	at = timegm(&first);
	timegm(&last);
	day = (d->day - first.tm_wday + 7) % 7 + (d->week - 1) * 7;	/* days after the first */
	while (day >= last.tm_mday)
		day -= 7;
	return at + (int64_t)day * DAY + d->time;
}

/* Adds the changes that the rule makes after the last one listed. */
static bool
zone_unroll(struct zone *z, const char *rule)
{
	struct rule_day	 begin, end;		/* of summer time */
	int32_t		 std, dst;
	int64_t		 last = z->n == 0 ? INT64_MIN : z->change[z->n - 1].at;
	struct change	 c[2], swap;
	int		 year, i;

	if (*rule == '\0')
		return true;
	if (!rule_name(&rule) || !rule_time(&rule, &std))
		return false;
	std = -std;				/* POSIX counts to the west */
	if (*rule == '\0')
		return true;			/* nothing changes any more */
	dst = -std - HOUR;
	if (!rule_name(&rule) || (*rule != ',' && !rule_time(&rule, &dst)))
		return false;
	dst = -dst;
	if (!rule_day(&rule, &begin) || !rule_day(&rule, &end) || *rule != '\0')
		return false;
	for (year = 1970; year < LAST_YEAR; year++) {
		c[0] = (struct change){ rule_at(&begin, year) - std, dst };
		c[1] = (struct change){ rule_at(&end, year) - dst, std };
		if (c[0].at > c[1].at)
			swap = c[0], c[0] = c[1], c[1] = swap;
		for (i = 0; i < 2; i++)
			if (c[i].at > last)
				zone_add(z, c[i].at, c[i].offset);
	}
	return true;
}

static int64_t
be(const unsigned char *p, int bytes)
{
	uint64_t	v = p[0] & 0x80 ? UINT64_MAX : 0;

	while (bytes-- > 0)
		v = v << 8 | *p++;
	return (int64_t)v;
}

struct tzif {			/* the header's six counts, in its order */
	size_t	isut, isstd, leap, time, type, chars;
};

/* Reads the header at p: the size of the block behind it; 0: not taken, or with leap seconds. */
static size_t
tzif_head(const unsigned char *p, size_t n, size_t timesize, struct tzif *h)
{
	size_t	*count[] = { &h->isut, &h->isstd, &h->leap, &h->time, &h->type, &h->chars };
	int	 i;

	if (n < 44 || memcmp(p, "TZif", 4) != 0 || p[4] < '2')
		return 0;
	for (i = 0; i < 6; i++) {
		*count[i] = (size_t)be(p + 20 + 4 * i, 4);
		if (*count[i] > ZONE_FILE_MAX)
			return 0;
	}
	if (h->type == 0 || h->leap != 0)
		return 0;
	return h->time * (timesize + 1) + h->type * 6 + h->chars + h->isstd + h->isut;
}

/*
 * RFC 8536: a block with 32-bit times to skip, one with 64-bit times, and the rule for what comes
 * after them.
 */
static bool
zone_decode(struct zone *z, const unsigned char *p, size_t n)
{
	const unsigned char	*times, *index, *types;
	struct tzif		 h;
	size_t			 size, i;
	int64_t			 at;
	char			 rule[128];
	const unsigned char	*end;

	if ((size = tzif_head(p, n, 4, &h)) == 0 || n - 44 < size)
		return false;
	p += 44 + size;
	n -= 44 + size;
	if ((size = tzif_head(p, n, 8, &h)) == 0 || n - 44 < size)
		return false;
	times = p + 44;
	index = times + h.time * 8;
	types = index + h.time;
	z->first = (int32_t)be(types, 4);
	for (i = 0; i < h.time; i++) {
		at = be(times + 8 * i, 8);
		if (index[i] >= h.type || (i > 0 && at <= z->change[i - 1].at))
			return false;
		zone_add(z, at, (int32_t)be(types + 6 * index[i], 4));
	}
	p += 44 + size;
	n -= 44 + size;
	if (n < 2 || *p++ != '\n' || (end = memchr(p, '\n', n - 1)) == NULL ||
	    (size_t)(end - p) >= sizeof(rule))
		return false;
	memcpy(rule, p, (size_t)(end - p));
	rule[end - p] = '\0';
	return zone_unroll(z, rule);
}

static bool
zone_load(struct zone *z)
{
	const char	*dir = getenv("TZDIR"), *c;
	char		 path[PATH_MAX];
	unsigned char	*data;
	struct stat	 st;
	bool		 ok = false;
	int		 fd;

	for (c = z->name; *c != '\0'; c++)
		if (!isalnum((unsigned char)*c) && strchr("_+-/", *c) == NULL)
			return false;
	if (dir == NULL || *dir == '\0')
		dir = "/usr/share/zoneinfo";
	if (z->name[0] == '/' ||
	    snprintf(path, sizeof(path), "%s/%s", dir, z->name) >= (int)sizeof(path))
		return false;
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return false;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= ZONE_FILE_MAX) {
		data = xmalloc((size_t)st.st_size + 1);
		ok = read(fd, data, (size_t)st.st_size) == st.st_size &&
		    zone_decode(z, data, (size_t)st.st_size);
		free(data);
	}
	close(fd);
	return ok;
}

static struct zone *
zone_new(const char *name)
{
	static const struct { const char *name; int32_t offset; } builtin[] = {
		{ "UTC", 0 }, { "Etc/UTC", 0 }, { "GMT", 0 },
		{ "Asia/Shanghai", 8 * HOUR }, { "PRC", 8 * HOUR },
	};
	struct zone	*z = xcalloc(1, sizeof(*z));
	const char	*end;
	size_t		 i;

	memcpy(z->name, name, strlen(name) + 1);
	if ((end = zone_read_offset(name, &z->first)) != NULL && *end == '\0')
		return z;
	if (zone_load(z))
		return z;
	free(z->change);
	z->change = NULL;
	z->n = z->size = 0;
	for (i = 0; i < sizeof(builtin) / sizeof(builtin[0]); i++)
		if (strcmp(name, builtin[i].name) == 0) {
			z->first = builtin[i].offset;
			return z;
		}
	free(z);
	return NULL;
}

const struct zone *
zone_find(const char *name)
{
	static _Thread_local const struct zone	*last;
	struct zone				*z;

	if (last != NULL && strcmp(last->name, name) == 0)
		return last;
	if (*name == '\0' || strlen(name) >= ZONE_NAME)
		return NULL;
	pthread_mutex_lock(&lock);
	for (z = known; z != NULL && strcmp(z->name, name) != 0; z = z->next)
		;
	if (z == NULL && (z = zone_new(name)) != NULL) {
		z->next = known;
		known = z;
	}
	pthread_mutex_unlock(&lock);
	return z == NULL ? NULL : (last = z);
}
