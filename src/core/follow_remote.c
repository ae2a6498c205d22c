#include "core/follow_remote.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/str.h"
#include "core/running.h"
#include "core/spool_file.h"
#include "store/checkpoint.h"

#define AT_ONCE		64	/* most rows of a follower per round: a minute, as a rule */
/*
 * So often a turn that is over must have brought nothing new before we believe that nothing comes:
 * the last records follow its end in the database.
 */
#define SILENCE		5
/* ms: after that a turn whose last records are not there will not get them any more. */
#define COMPLETE_MS	10000

struct body {			/* of a row: records as in a segment */
	struct body	*next;
	size_t		 len;
	char		 data[];
};

struct remote_reader {		/* of one follower */
	struct remote_reader	*next, **prev;
	int64_t			 id;
	int64_t			 turn;
	int			 n;		/* of the next row */
	bool			 hungry;	/* all that came is told, and the peer takes more */
	int			 silent;	/* the housekeeper's, as SILENCE says */

	/* the loop's */
	struct follow		*f;		/* NULL: it went while it was being told */
	struct body		*first, **last;
	size_t			 off;		/* of the next record in the first */
	bool			 telling;
	bool			 over;		/* no more rows come */
};

struct remote {
	struct engine		*engine;
	pthread_mutex_t		 lock;		/* of the list, and what is not the loop's */
	struct remote_reader	*readers;
	int64_t			 ids;
};

/* What came for a reader, on its way to the loop: the reader may be gone by then. */
struct parcel {
	struct remote	*remote;
	int64_t		 reader;
	struct body	*first, **last;
	int		 n;		/* rows */
	bool		 over;
};

struct remote *
remote_new(struct engine *e)
{
	struct remote	*m = xcalloc(1, sizeof(*m));

	m->engine = e;
	pthread_mutex_init(&m->lock, NULL);
	return m;
}

void
remote_free(struct remote *m)
{
	if (m == NULL)
		return;
	pthread_mutex_destroy(&m->lock);
	free(m);
}

/* ---- a request thread ---- */

static uint64_t
next_record(const char *body, size_t len, uint64_t off, struct spool_record *r)
{
	ssize_t	n = spool_decode(body, len, off, r);

	return n > 0 ? off + (uint64_t)n : 0;
}

/* The last record of the row. False: there is none, or it is damaged. */
static bool
last_record(const struct checkpoint *c, struct spool_record *last)
{
	struct spool_record	r;
	uint64_t		off = SPOOL_MAGIC_LEN;
	bool			found = false;

	while ((off = next_record(c->body, (size_t)c->len, off, &r)) != 0) {
		*last = r;
		found = true;
	}
	return found;
}

int
follow_remote_find(struct ctx *cx, struct follow *f, const struct turn_row *row)
{
	const char		*turns = arena_printf(cx->a, "[%" PRId64 "]", f->turn);
	struct checkpoint_end	*end;
	struct checkpoint	*c;
	struct spool_record	 r;
	size_t			 n;

	if (row->ended_ms == 0)
		return 1;		/* if nothing is there yet, it will be */
	if (checkpoint_ends(cx, turns, &end, &n) == -1)
		return -1;
	if (n == 0 || end->upto != CHECKPOINT_ALL)
		return n > 0 && cx->now - row->ended_ms < COMPLETE_MS;
	if (checkpoint_list(cx, f->turn, (int)end->n - 1, 1, &c, &n) == -1)
		return -1;
	if (n == 0 || !last_record(c, &r))
		return 0;
	f->over = true;
	f->events = r.event;
	return 1;
}

/* ---- the loop ---- */

static void
reader_free(struct remote_reader *d)
{
	struct body	*b;

	while ((b = d->first) != NULL) {
		d->first = b->next;
		free(b);
	}
	free(d);
}

void
follow_remote_add(struct follow *f)
{
	struct remote		*m = f->engine->remote;
	struct remote_reader	*d = xcalloc(1, sizeof(*d));

	d->turn = f->turn;
	d->f = f;
	d->last = &d->first;
	d->hungry = true;
	f->reader = d;
	pthread_mutex_lock(&m->lock);
	d->id = ++m->ids;
	d->next = m->readers;
	d->prev = &m->readers;
	if (d->next != NULL)
		d->next->prev = &d->next;
	m->readers = d;
	pthread_mutex_unlock(&m->lock);
}

void
follow_remote_drop(struct follow *f)
{
	struct remote		*m = f->engine->remote;
	struct remote_reader	*d = f->reader;

	f->reader = NULL;
	pthread_mutex_lock(&m->lock);
	*d->prev = d->next;
	if (d->next != NULL)
		d->next->prev = d->prev;
	pthread_mutex_unlock(&m->lock);
	d->f = NULL;
	if (!d->telling)
		reader_free(d);
}

/* The next record to be told. False: all that came was told. */
static bool
reader_next(struct remote_reader *d, struct spool_record *r)
{
	struct body	*b;

	while ((b = d->first) != NULL) {
		if ((d->off = next_record(b->data, b->len, d->off, r)) != 0)
			return true;
		if ((d->first = b->next) == NULL)
			d->last = &d->first;
		d->off = SPOOL_MAGIC_LEN;
		free(b);
	}
	return false;
}

/* As much as its peer takes. */
static void
tell(struct remote *m, struct remote_reader *d)
{
	struct spool_record	r;
	bool			more = true;

	d->telling = true;
	while (d->f != NULL && follow_wants(d->f) && (more = reader_next(d, &r))) {
		if (r.kind == SPOOL_DONE)
			follow_end(d->f);
		else
			follow_record(d->f, &r);
	}
	if (d->f != NULL && !more && d->over)
		follow_end(d->f);
	d->telling = false;
	if (d->f == NULL) {
		reader_free(d);
		return;
	}
	pthread_mutex_lock(&m->lock);
	d->hungry = !more;
	pthread_mutex_unlock(&m->lock);
}

void
follow_remote_more(struct follow *f)
{
	if (f->reader != NULL && !f->reader->telling)
		tell(f->engine->remote, f->reader);
}

static struct remote_reader *
reader_find(struct remote *m, int64_t id)
{
	struct remote_reader	*d = m->readers;

	while (d != NULL && d->id != id)
		d = d->next;
	return d;
}

/* On the loop, which alone changes the list: it may look without the lock. */
static void
arrive(void *arg)
{
	struct parcel		*p = arg;
	struct remote		*m = p->remote;
	struct remote_reader	*d = reader_find(m, p->reader);
	struct body		*b;

	if (d == NULL) {
		while ((b = p->first) != NULL) {
			p->first = b->next;
			free(b);
		}
		free(p);
		return;
	}
	if (p->first != NULL) {
		if (d->first == NULL)
			d->off = SPOOL_MAGIC_LEN;
		*d->last = p->first;
		d->last = p->last;
	}
	d->over = p->over;
	pthread_mutex_lock(&m->lock);
	d->n += p->n;
	pthread_mutex_unlock(&m->lock);
	free(p);
	tell(m, d);
}

/* ---- the housekeeper ---- */

/* Who wants something, as checkpoint_news takes it. False: nobody. */
static bool
wanted(struct remote *m, struct str *json)
{
	pthread_mutex_lock(&m->lock);
	for (const struct remote_reader *d = m->readers; d != NULL; d = d->next)
		if (d->hungry)
			str_printf(json, "%c[%" PRId64 ",%" PRId64 ",%d]",
			    json->len == 0 ? '[' : ',', d->id, d->turn, d->n);
	pthread_mutex_unlock(&m->lock);
	return json->len > 0 && str_putc(json, ']') == 0;
}

static struct parcel *
parcel_new(struct remote *m, int64_t reader)
{
	struct parcel	*p = xcalloc(1, sizeof(*p));

	p->remote = m;
	p->reader = reader;
	p->last = &p->first;
	return p;
}

static void
parcel_add(struct parcel *p, const struct checkpoint_news *c)
{
	struct body	*b = xmalloc(sizeof(*b) + (size_t)c->len);

	b->next = NULL;
	b->len = (size_t)c->len;
	memcpy(b->data, c->body, b->len);
	*p->last = b;
	p->last = &b->next;
	p->n++;
}

/* Until the loop has told it, it is not asked for again. */
static void
parcel_send(struct parcel *p)
{
	struct remote_reader	*d;

	pthread_mutex_lock(&p->remote->lock);
	if ((d = reader_find(p->remote, p->reader)) != NULL) {
		d->hungry = false;
		d->silent = 0;
	}
	pthread_mutex_unlock(&p->remote->lock);
	loop_post(p->remote->engine->loop, arrive, p);
}

/* Those that got nothing, as checkpoint_over takes their turns. False: there are none. */
static bool
left_silent(struct remote *m, struct str *json)
{
	pthread_mutex_lock(&m->lock);
	for (const struct remote_reader *d = m->readers; d != NULL; d = d->next)
		if (d->hungry)
			str_printf(json, "%c%" PRId64, json->len == 0 ? '[' : ',', d->turn);
	pthread_mutex_unlock(&m->lock);
	return json->len > 0 && str_putc(json, ']') == 0;
}

/* The turn is over: those who have waited long enough for its last records get no more. */
static void
give_over(struct remote *m, int64_t turn)
{
	struct parcel	*p;

	pthread_mutex_lock(&m->lock);
	for (struct remote_reader *d = m->readers; d != NULL; d = d->next)
		if (d->hungry && d->turn == turn && ++d->silent >= SILENCE) {
			d->hungry = false;
			p = parcel_new(m, d->id);
			p->over = true;
			loop_post(m->engine->loop, arrive, p);
		}
	pthread_mutex_unlock(&m->lock);
}

static int
end_silent(struct ctx *cx, struct remote *m)
{
	struct str	 json = STR_INIT(0);
	int64_t		*over;
	size_t		 n = 0;
	int		 rv = 0;

	if (left_silent(m, &json))
		rv = checkpoint_over(cx, json.p, &over, &n);
	for (size_t i = 0; rv == 0 && i < n; i++)
		give_over(m, over[i]);
	str_free(&json);
	return rv;
}

int
remote_round(struct ctx *cx, struct remote *m)
{
	struct str		 json = STR_INIT(0);
	struct checkpoint_news	*c;
	struct parcel		*p = NULL;
	size_t			 n;
	int			 rv;

	if (!wanted(m, &json))
		return 0;
	rv = checkpoint_news(cx, json.p, AT_ONCE, &c, &n);
	str_free(&json);
	if (rv == -1)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (p != NULL && p->reader != c[i].reader) {
			parcel_send(p);
			p = NULL;
		}
		if (p == NULL)
			p = parcel_new(m, c[i].reader);
		parcel_add(p, &c[i]);
	}
	if (p != NULL)
		parcel_send(p);
	return end_silent(cx, m);
}
