#include "core/share.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/str.h"
#include "core/spool_file.h"
#include "core/spool_reader.h"
#include "store/checkpoint.h"

/* So much of all turns is read before it is written: bounds memory and the transaction. */
#define AT_ONCE		((size_t)16 << 20)

struct said_turn {		/* by id in share.turns */
	int64_t		 turn;
	int		 n;		/* of its next row */
	int64_t		 upto;		/* its records so far; CHECKPOINT_ALL: all */
	int64_t		 seen;		/* by share_rest: records, those that were written too */
	struct str	 body;		/* of the next row so far, as a segment */
};

struct share {
	int64_t			 worker;
	struct spool_reader	*reader;	/* NULL: of a dead worker */
	uint64_t		 pos;		/* where reading goes on */
	struct said_turn	*turns;
	size_t			 n, room;
	size_t			 waiting;	/* bytes in all bodies */
};

struct share *
share_new(const char *spool_dir, int64_t worker)
{
	struct share	*s = xcalloc(1, sizeof(*s));

	s->worker = worker;
	s->reader = spool_reader_new(spool_dir);
	return s;
}

static void
clear(struct share *s)
{
	for (size_t i = 0; i < s->n; i++)
		str_free(&s->turns[i].body);
	free(s->turns);
}

void
share_free(struct share *s)
{
	if (s == NULL)
		return;
	clear(s);
	spool_reader_free(s->reader);
	free(s);
}

/* ---- its turns ---- */

/* Where it stands, or should: turns begin about in the order of their ids. */
static size_t
place_of(const struct share *s, int64_t turn)
{
	size_t	low = 0, high = s->n, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (s->turns[mid].turn < turn)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static struct said_turn *
turn_get(struct share *s, int64_t turn)
{
	size_t	at = place_of(s, turn);

	if (at < s->n && s->turns[at].turn == turn)
		return &s->turns[at];
	if (s->n == s->room) {
		s->room = s->room > 0 ? 2 * s->room : 16;
		s->turns = xrealloc(s->turns, s->room * sizeof(*s->turns));
	}
	memmove(&s->turns[at + 1], &s->turns[at], (s->n++ - at) * sizeof(*s->turns));
	s->turns[at] = (struct said_turn){ .turn = turn };
	return &s->turns[at];
}

/* All bodies are written. Turns that are over are not heard of again. */
static void
turns_written(struct share *s)
{
	size_t	n = 0;

	for (size_t i = 0; i < s->n; i++) {
		struct said_turn	*t = &s->turns[i];

		if (t->body.len > 0) {
			str_free(&t->body);
			t->n++;
		}
		if (t->upto != CHECKPOINT_ALL)
			s->turns[n++] = *t;
	}
	s->n = n;
	s->waiting = 0;
}

/* ---- to the database ---- */

/* As many rows per message as it holds. */
static int
write_all(struct ctx *cx, void *arg)
{
	const struct share	*s = arg;
	struct checkpoint	*rows = arena_array(cx->a, s->n, sizeof(*rows));
	size_t			 n = 0, bytes = 0;

	for (size_t i = 0; i < s->n; i++) {
		const struct said_turn	*t = &s->turns[i];

		if (t->body.len == 0)
			continue;
		if (bytes + t->body.len > CHECKPOINT_MOST) {
			if (checkpoint_add(cx, rows, n) == -1)
				return -1;
			n = bytes = 0;
		}
		rows[n++] = (struct checkpoint){ .turn = t->turn, .n = t->n, .upto = t->upto,
		    .body = t->body.p, .len = (int64_t)t->body.len };
		bytes += t->body.len;
	}
	return checkpoint_add(cx, rows, n);
}

/*
 * What cannot be written for another reason than that the database is away will never be: it is
 * left out, and who follows from elsewhere gets the stored answer.
 */
static int
flush(struct ctx *cx, struct share *s)
{
	if (s->waiting == 0)
		return 0;
	if (db_txn(cx, write_all, s) == -1) {
		if (cx->fail.kind == F_UNAVAILABLE)
			return -1;
		log_error("what turns said cannot be shared with other hosts",
		    LOG_S("fail", fail_name(cx->fail.kind)));
		fail_clear(cx);
	}
	turns_written(s);
	return 0;
}

/* Is it of use to whoever reads from first to last? */
static bool
is_shared(const struct spool_record *r)
{
	return r->kind != SPOOL_MARK && r->kind != SPOOL_STORED;
}

/* One more record. -1: ctx failed, it was not taken. */
static int
take(struct ctx *cx, struct share *s, const struct spool_record *r)
{
	struct said_turn	*t;
	size_t			 before;

	if (!is_shared(r))
		return 0;
	t = turn_get(s, r->turn);
	if (s->waiting >= AT_ONCE ||
	    (t->body.len > 0 && t->body.len + r->len > CHECKPOINT_MOST)) {
		if (flush(cx, s) == -1)
			return -1;
		t = turn_get(s, r->turn);
	}
	before = t->body.len;
	if (before == 0)
		str_put(&t->body, SPOOL_MAGIC, SPOOL_MAGIC_LEN);
	spool_encode(&t->body, r);
	s->waiting += t->body.len - before;
	t->upto = r->kind == SPOOL_DONE ? CHECKPOINT_ALL : t->upto + 1;
	return 0;
}

int
share_round(struct ctx *cx, struct share *s)
{
	struct spool_record	r;
	uint64_t		pos = s->pos;

	if (flush(cx, s) == -1)		/* what the last round could not write */
		return -1;
	while (spool_reader_next(s->reader, s->worker, &pos, &r) == 1) {
		if (take(cx, s, &r) == -1)
			return -1;
		s->pos = pos;
	}
	spool_reader_rest(s->reader);
	return flush(cx, s);
}

/* ---- what a dead worker left ---- */

struct rest {
	struct ctx	*cx;
	struct share	 share;
};

static int
note_turn(void *arg, uint64_t pos, const struct spool_record *r)
{
	struct rest	*v = arg;

	(void)pos;
	if (is_shared(r))
		turn_get(&v->share, r->turn);
	return 0;
}

static int
take_rest(void *arg, uint64_t pos, const struct spool_record *r)
{
	struct rest		*v = arg;
	struct said_turn	*t;

	(void)pos;
	if (!is_shared(r))
		return 0;
	t = turn_get(&v->share, r->turn);
	return ++t->seen > t->upto ? take(v->cx, &v->share, r) : 0;
}

/* How far its turns were shared already. */
static int
ask_ends(struct ctx *cx, struct share *s)
{
	struct str		 turns = STR_INIT(0);
	struct checkpoint_end	*e;
	size_t			 n;
	int			 rv;

	for (size_t i = 0; i < s->n; i++)
		str_printf(&turns, "%c%" PRId64, i == 0 ? '[' : ',', s->turns[i].turn);
	str_putc(&turns, ']');
	rv = checkpoint_ends(cx, turns.p, &e, &n);
	str_free(&turns);
	for (size_t i = 0; rv == 0 && i < n; i++) {
		struct said_turn	*t = turn_get(s, e[i].turn);

		t->n = (int)e[i].n;
		t->upto = e[i].upto;
	}
	return rv;
}

int
share_rest(struct ctx *cx, const char *path)
{
	struct rest	v = { .cx = cx };
	int		rv;

	if ((rv = spool_scan(path, note_turn, &v)) == 0 && v.share.n > 0 &&
	    (rv = ask_ends(cx, &v.share)) == 0 && (rv = spool_scan(path, take_rest, &v)) == 0)
		rv = flush(cx, &v.share);
	clear(&v.share);
	return rv;
}
