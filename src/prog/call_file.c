#include "call_file.h"

#include <sys/stat.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/json.h"
#include "base/utf8.h"

#define LINE_MOST	CSV_RECORD
#define SHORT_MOST	190			/* characters of an id or a number */
#define DURATION_MOST	(366L * 86400)

enum { ID, SUMMARY, START_TIME, DURATION, CALLNUMBER, CALLEDNUMBER, LABELS };

/* What the columns may be called; the first name is ours. */
static const struct {
	const char	*names;
	bool		 must;
} columns[CALL_COLUMNS] = {
	[ID] = { "id|ref|编号|通话编号|记录编号|通话id|流水号", true },
	[SUMMARY] = { "summary|摘要|通话摘要|内容|通话内容|概要", true },
	[START_TIME] = { "start_time|starttime|开始时间|通话开始时间|通话时间|呼叫时间", true },
	[DURATION] = { "duration|时长|通话时长|时长(秒)|通话时长(秒)|持续时间", false },
	[CALLNUMBER] = { "callnumber|caller|主叫|主叫号码|呼叫号码", false },
	[CALLEDNUMBER] = { "callednumber|callee|被叫|被叫号码", false },
	[LABELS] = { "labels|标签|通话标签", false },
};

static char *
first_name(struct arena *a, int i)
{
	return arena_strndup(a, columns[i].names, strcspn(columns[i].names, "|"));
}

/* ---- a record from its texts ----------------------------------------------------------------- */

/* "2024-11-04 14:28:49" and what clock_parse knows, or seconds or milliseconds since 1970. */
static int
read_time(const char *s, const char *zone, int64_t *ms)
{
	const size_t	n = strlen(s);

	if ((n == 10 || n == 13) && strspn(s, "0123456789") == n) {
		*ms = strtoll(s, NULL, 10) * (n == 10 ? 1000 : 1);
		return 0;
	}
	return clock_parse(s, zone, ms);
}

/* Seconds, or [hours:]minutes:seconds. */
static int
read_duration(const char *s, int64_t *seconds)
{
	char	*end;
	long	 n, sum = 0;
	int	 parts = 0;

	do {
		if (*s < '0' || *s > '9')
			return -1;
		n = strtol(s, &end, 10);
		if (n > DURATION_MOST || (parts > 0 && n > 59))
			return -1;
		sum = 60 * sum + n;
		s = end + 1;
	} while (*end == ':' && ++parts < 3);
	if (*end == '.')
		end += 1 + strspn(end + 1, "0123456789");	/* a part of a second */
	*seconds = sum;
	return *end == '\0' && sum <= DURATION_MOST ? 0 : -1;
}

static bool
too_long(const char *s)
{
	return s != NULL && utf8_length(s, strlen(s)) > SHORT_MOST;
}

static enum call_read
record(struct ctx *cx, char *const *v, struct call_record *r, const char **why)
{
	*r = (struct call_record){ .ref = v[ID], .summary = v[SUMMARY], .callnumber = v[CALLNUMBER],
	    .callednumber = v[CALLEDNUMBER], .labels = v[LABELS] };
	for (int i = 0; i < CALL_COLUMNS; i++)
		if (columns[i].must && v[i] == NULL) {
			*why = arena_printf(cx->a, "%s is missing", first_name(cx->a, i));
			return CALL_READ_BAD;
		}
	if (too_long(r->ref) || too_long(r->callnumber) || too_long(r->callednumber))
		*why = arena_printf(cx->a, "%s is too long", too_long(r->ref) ? "id" :
		    too_long(r->callnumber) ? "callnumber" : "callednumber");
	else if (read_time(v[START_TIME], cx->conf->timezone, &r->start_ms) == -1)
		*why = arena_printf(cx->a, "start_time is no time: `%.40s`", v[START_TIME]);
	else if (v[DURATION] != NULL && read_duration(v[DURATION], &r->duration) == -1)
		*why = arena_printf(cx->a, "duration is no number of seconds: `%.40s`",
		    v[DURATION]);
	return *why == NULL ? CALL_READ : CALL_READ_BAD;
}

/* A copy without the blanks around it; NULL: nothing is left, or *why says that it is no text. */
static char *
trim(struct arena *a, const char *s, size_t n, const char **why)
{
	while (n > 0 && strchr(" \t\r\n", s[n - 1]) != NULL && s[n - 1] != '\0')
		n--;
	while (n > 0 && (*s == ' ' || *s == '\t' || *s == '\r' || *s == '\n')) {
		s++;
		n--;
	}
	if (n == 0)
		return NULL;
	if (!utf8_valid(s, n) || memchr(s, '\0', n) != NULL) {
		*why = "it is not text in UTF-8";
		return NULL;
	}
	return arena_strndup(a, s, n);
}

/* ---- CSV ------------------------------------------------------------------------------------- */

/* Which column bears this name, whatever its case; -1: none. */
static int
column_named(const char *name)
{
	const size_t	n = strlen(name);
	const char	*s;

	for (int i = 0; i < CALL_COLUMNS; i++)
		for (s = columns[i].names; *s != '\0'; s += strcspn(s, "|"), s += *s == '|')
			if (strcspn(s, "|") == n && strncasecmp(s, name, n) == 0)
				return i;
	return -1;
}

static int
header(struct call_file *f, struct arena *a, const char **why)
{
	const char	*wrong = NULL;
	char		*name;
	size_t		 n;
	int		 i, c;

	for (i = 0; i < CALL_COLUMNS; i++)
		f->column[i] = -1;
	if (csv_next(&f->csv, &wrong) != CSV_RECORD_READ) {
		*why = wrong == NULL ? "it is empty" :
		    arena_printf(a, "the header line: %s", wrong);
		return -1;
	}
	for (i = 0; i < f->csv.n; i++) {
		const char	*text = csv_field(&f->csv, i, &n);

		name = trim(a, text, n, &wrong);
		if (wrong != NULL) {
			*why = "it is not UTF-8 (of Excel's files iconv -f GB18030 -t UTF-8 makes "
			    "that)";
			return -1;
		}
		if (name == NULL || (c = column_named(name)) == -1)
			continue;
		if (f->column[c] != -1) {
			*why = arena_printf(a, "the header line names %s twice", first_name(a, c));
			return -1;
		}
		f->column[c] = i;
	}
	for (i = 0; i < CALL_COLUMNS; i++)
		if (columns[i].must && f->column[i] == -1) {
			*why = arena_printf(a, "its first line names no column %s",
			    first_name(a, i));
			return -1;
		}
	return 0;
}

static enum call_read
csv_read(struct call_file *f, struct ctx *cx, struct call_record *r, const char **why)
{
	char		*v[CALL_COLUMNS] = { NULL };
	const char	*text;
	size_t		 n;

	switch (csv_next(&f->csv, why)) {
	case CSV_ERROR:
		return CALL_READ_ERROR;
	case CSV_END:
		return CALL_READ_END;
	case CSV_BAD:
		f->line = f->csv.begun;
		return CALL_READ_BAD;
	case CSV_RECORD_READ:
		break;
	}
	f->line = f->csv.begun;
	for (int i = 0; i < CALL_COLUMNS && *why == NULL; i++) {
		text = csv_field(&f->csv, f->column[i], &n);
		v[i] = trim(cx->a, text, n, why);
	}
	return *why == NULL ? record(cx, v, r, why) : CALL_READ_BAD;
}

/* ---- JSON lines ------------------------------------------------------------------------------ */

/* "a|b" of ["a","b"]; what is not text becomes its JSON. */
static char *
joined(struct ctx *cx, const struct json *list)
{
	char		*all = NULL;
	const char	*s;
	size_t		 n;

	for (size_t i = 0; i < json_count(list); i++) {
		if (!json_get_str(json_elem(list, i), &s, &n))
			s = json_dump(cx->a, json_elem(list, i));
		all = all == NULL ? arena_strdup(cx->a, s) : arena_printf(cx->a, "%s|%s", all, s);
	}
	return all;
}

static char *
member(struct ctx *cx, const struct json *object, int column, const char **why)
{
	char			*names = arena_strdup(cx->a, columns[column].names), *name;
	const struct json	*value;
	const char		*text;

	while ((name = strsep(&names, "|")) != NULL) {
		if ((value = json_at(object, name)) == NULL)
			continue;
		text = column == LABELS && json_count(value) > 0 ? joined(cx, value) :
		    json_text(cx, object, name);
		return text == NULL ? NULL : trim(cx->a, text, strlen(text), why);
	}
	return NULL;
}

static enum call_read
json_line(struct call_file *f, struct ctx *cx, struct call_record *r, const char **why)
{
	json_auto	*object = NULL;
	char		*v[CALL_COLUMNS];
	const int	 got = lines_next(&f->lines);

	f->line = f->lines.line;
	if (got == LINES_LONG)
		*why = "it is too long";
	if (got != LINES_READ)
		return got == LINES_LONG ? CALL_READ_BAD : got == LINES_END ? CALL_READ_END :
		    CALL_READ_ERROR;
	if ((object = json_parse(cx, f->lines.text.p, f->lines.text.len)) == NULL) {
		*why = arena_printf(cx->a, "it is not JSON: %s", cx->fail.what);
		fail_clear(cx);
		return CALL_READ_BAD;
	}
	if (!json_is_object(object)) {
		*why = "it is no JSON object";
		return CALL_READ_BAD;
	}
	for (int i = 0; i < CALL_COLUMNS; i++)
		v[i] = member(cx, object, i, why);
	return *why == NULL ? record(cx, v, r, why) : CALL_READ_BAD;
}

/* ---- either ---------------------------------------------------------------------------------- */

static bool
ends_in(const char *s, const char *end)
{
	const size_t	n = strlen(s), m = strlen(end);

	return n > m && strcasecmp(s + n - m, end) == 0;
}

enum call_read
call_file_open(struct call_file *f, struct arena *a, const char *path, const char **why)
{
	struct stat	st;

	*f = (struct call_file){ .is_csv = ends_in(path, ".csv") };
	if (!f->is_csv && !ends_in(path, ".jsonl") && !ends_in(path, ".ndjson")) {
		*why = "it is neither .csv nor .jsonl";
		return CALL_READ_BAD;
	}
	if ((f->in = fopen(path, "re")) == NULL || fstat(fileno(f->in), &st) == -1) {
		*why = arena_strdup(a, strerror(errno));
		return CALL_READ_ERROR;
	}
	if (!S_ISREG(st.st_mode)) {
		*why = "it is no regular file";
		return CALL_READ_BAD;
	}
	f->size = st.st_size;
	lines_open(&f->lines, f->in, LINE_MOST);
	if (!f->is_csv)
		return CALL_READ;
	csv_open(&f->csv, f->in);
	return header(f, a, why) == 0 ? CALL_READ : CALL_READ_BAD;
}

void
call_file_close(struct call_file *f)
{
	if (f->is_csv)
		csv_close(&f->csv);
	lines_close(&f->lines);
	if (f->in != NULL)
		fclose(f->in);
}

enum call_read
call_file_next(struct call_file *f, struct ctx *cx, struct call_record *r, const char **why)
{
	*why = NULL;
	return f->is_csv ? csv_read(f, cx, r, why) : json_line(f, cx, r, why);
}

off_t
call_file_at(const struct call_file *f)
{
	return ftello(f->in);
}
