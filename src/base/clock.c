#include "clock.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "zone.h"

#define YEAR_0000	(-62167219200)	/* first and last second that four digits can name */
#define YEAR_9999	253402300799

static int64_t
clock_us(clockid_t which)
{
	struct timespec	t;

	clock_gettime(which, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t
clock_ms(void)
{
	return clock_us(CLOCK_REALTIME) / 1000;
}

int64_t
clock_mono_ms(void)
{
	return clock_us(CLOCK_MONOTONIC) / 1000;
}

int64_t
clock_mono_us(void)
{
	return clock_us(CLOCK_MONOTONIC);
}

/* Times come in swarms of the same second: each thread keeps the last text of each form. */
struct stamp {
	const struct zone	*zone;
	int64_t			 second;
	char			 text[20];	/* "" until used */
};

static const char *
stamp(struct stamp *t, const struct zone *zone, int64_t second, char between)
{
	struct tm	tm;
	time_t		local;

	if (t->text[0] != '\0' && t->zone == zone && t->second == second)
		return t->text;
	t->zone = zone;
	t->second = second;
	local = second + (zone != NULL ? zone_offset(zone, second) : 0);
	if (local < YEAR_0000)
		local = YEAR_0000;
	if (local > YEAR_9999)
		local = YEAR_9999;
	gmtime_r(&local, &tm);
	snprintf(t->text, sizeof(t->text), "%04u-%02u-%02u%c%02u:%02u:%02u",
	    (tm.tm_year + 1900U) % 10000, (tm.tm_mon + 1U) % 100, tm.tm_mday % 100U, between,
	    tm.tm_hour % 100U, tm.tm_min % 100U, tm.tm_sec % 100U);
	return t->text;
}

static int64_t
floor_second(int64_t ms)
{
	return ms / 1000 - (ms % 1000 < 0);
}

void
clock_format(char *dst, size_t size, int64_t ms, const char *zone)
{
	static _Thread_local struct stamp	 t;
	const struct zone			*z = zone_find(zone);

	snprintf(dst, size, "%s", stamp(&t, z, floor_second(ms), ' '));
}

void
clock_rfc3339(char *dst, size_t size, int64_t ms)
{
	static _Thread_local struct stamp	 t;
	int64_t					 s = floor_second(ms);

	snprintf(dst, size, "%s.%03uZ", stamp(&t, NULL, s, 'T'), (unsigned)(ms - s * 1000));
}

/* Exactly n digits at *s. */
static bool
digits(const char **s, int n, int *v)
{
	for (*v = 0; n > 0; n--, (*s)++) {
		if (!isdigit((unsigned char)**s))
			return false;
		*v = *v * 10 + **s - '0';
	}
	return true;
}

static bool
skip(const char **s, char c)
{
	if (**s != c)
		return false;
	(*s)++;
	return true;
}

/* hh:mm[:ss[.fraction]] */
static bool
parse_time(const char **s, struct tm *tm, int *ms)
{
	int	scale = 100;

	if (!digits(s, 2, &tm->tm_hour) || !skip(s, ':') || !digits(s, 2, &tm->tm_min))
		return false;
	if (!skip(s, ':'))
		return true;
	if (!digits(s, 2, &tm->tm_sec))
		return false;
	if (!skip(s, '.') && !skip(s, ','))
		return true;
	if (!isdigit((unsigned char)**s))
		return false;
	for (; isdigit((unsigned char)**s); (*s)++, scale /= 10)
		*ms += (**s - '0') * scale;
	return true;
}

int
clock_parse(const char *s, const char *zone, int64_t *out)
{
	struct tm		 tm = { 0 }, real;
	const struct zone	*z;
	int32_t			 offset = 0;
	bool			 zoned = false;
	int64_t			 second;
	int			 year, month, ms = 0;

	if (!digits(&s, 4, &year) || !skip(&s, '-') || !digits(&s, 2, &month) || !skip(&s, '-') ||
	    !digits(&s, 2, &tm.tm_mday))
		return -1;
	tm.tm_year = year - 1900;
	tm.tm_mon = month - 1;
	if (*s != '\0') {
		if ((!skip(&s, ' ') && !skip(&s, 'T') && !skip(&s, 't')) ||
		    !parse_time(&s, &tm, &ms))
			return -1;
		if (skip(&s, 'Z') || skip(&s, 'z'))
			zoned = true;
		else if (*s != '\0') {
			if ((s = zone_read_offset(s, &offset)) == NULL)
				return -1;
			zoned = true;
		}
		if (*s != '\0')
			return -1;
	}
	/* timegm turns what is no date into another one: 30 February into 1 or 2 March. */
	real = tm;
	second = timegm(&real);
	if (real.tm_mday != tm.tm_mday || real.tm_mon != tm.tm_mon || real.tm_hour != tm.tm_hour ||
	    real.tm_min != tm.tm_min || real.tm_sec != tm.tm_sec)
		return -1;
	if (zoned)
		second -= offset;
	else if ((z = zone_find(zone)) != NULL)
		second = zone_utc(z, second);
	*out = second * 1000 + ms;
	return 0;
}

int
clock_zone_check(const char *zone)
{
	return zone_find(zone) != NULL ? 0 : -1;
}
