#include "core/registry.h"

#include <stddef.h>

#include "base/clock.h"
#include "base/mapped.h"

#define NAME	"turns"
#define MAGIC	"PARLEY turns 1"
#define ROWS	((size_t)131072)
#define WINDOW	((size_t)64)		/* rows: a page */
#define WINDOWS_ALL	(ROWS / WINDOW)
#define TABLE	(ROWS * sizeof(struct registry_row))

/*
 * A turn's row is in one of two windows. The turns of one second share theirs, so that a quiet host
 * touches few pages; what does not fit there is spread over all of the table.
 */
enum { BY_TIME, BY_HASH, WINDOWS };

#define ID_SECOND_BITS	23		/* of an id, below its seconds (ident.h) */

/*
 * While a row is being filled its `turn` is the wall time, negative: nobody finds it. One who died
 * doing so leaves it like that, and after this long anybody may have it.
 */
#define FILLING_MS	10000

static struct registry_row	*rows;	/* NULL: not open */

static size_t
window_of(int64_t turn, int which)
{
	uint64_t	id = (uint64_t)turn, by_time = id >> ID_SECOND_BITS;
	uint64_t	by_hash = (id * UINT64_C(0x9e3779b97f4a7c15)) >> 32;

	if ((by_hash - by_time) % WINDOWS_ALL == 0)
		by_hash++;		/* it is to be another one */
	return (which == BY_TIME ? by_time : by_hash) % WINDOWS_ALL * WINDOW;
}

int
registry_open(const char *state_dir)
{
	struct registry_row	*p = mapped_open(state_dir, NAME, MAGIC, TABLE);

	if (p == NULL)
		return -1;
	rows = p;
	return 0;
}

/* The turn's row among those, or NULL. */
static struct registry_row *
row_of(struct registry_row *in, int64_t turn)
{
	for (int w = 0; w < WINDOWS; w++) {
		struct registry_row	*r = in + window_of(turn, w);

		for (size_t i = 0; i < WINDOW; i++)
			if (atomic_load_explicit(&r[i].turn, memory_order_acquire) == turn)
				return &r[i];
	}
	return NULL;
}

static bool
is_free(int64_t turn, int64_t now_ms)
{
	if (turn >= 0)
		return turn == 0;
	return now_ms + turn > FILLING_MS || now_ms + turn < -FILLING_MS;
}

/*
 * A row that the turn may have, or NULL: the first free one, else the one whose turn ended first.
 * *was: what its `turn` was.
 */
static struct registry_row *
vacant(int64_t turn, int64_t now_ms, int64_t *was)
{
	struct registry_row	*oldest = NULL;
	int64_t			 t, done_ms, oldest_ms = INT64_MAX;

	for (int w = 0; w < WINDOWS; w++) {
		struct registry_row	*r = rows + window_of(turn, w);

		for (size_t i = 0; i < WINDOW; i++) {
			t = atomic_load_explicit(&r[i].turn, memory_order_acquire);
			done_ms = atomic_load(&r[i].done_ms);
			if (is_free(t, now_ms)) {
				*was = t;
				return &r[i];
			}
			if (t < 0 || done_ms == 0 || done_ms >= oldest_ms)
				continue;
			oldest = &r[i];
			oldest_ms = done_ms;
			*was = t;
		}
	}
	return oldest;
}

struct registry_row *
registry_add(int64_t turn, int64_t worker, int64_t owner)
{
	struct registry_row	*r;
	int64_t			 now_ms = clock_ms(), was = 0, filling = -now_ms;

	if (rows == NULL)
		return NULL;
	if ((r = row_of(rows, turn)) != NULL)
		return r;
	do
		if ((r = vacant(turn, now_ms, &was)) == NULL)
			return NULL;
	while (!atomic_compare_exchange_strong(&r->turn, &was, filling));
	atomic_store(&r->worker, worker);
	atomic_store(&r->last, 0);
	atomic_store(&r->done_ms, 0);
	atomic_store(&r->owner, owner);
	/* Only who slept through FILLING_MS in the middle of this has lost it. */
	return atomic_compare_exchange_strong(&r->turn, &filling, turn) ? r : NULL;
}

void
registry_tell(struct registry_row *r, uint64_t last)
{
	if (r != NULL)
		atomic_store_explicit(&r->last, last, memory_order_release);
}

void
registry_done(struct registry_row *r, uint64_t last, int64_t now_ms)
{
	if (r == NULL)
		return;
	atomic_store(&r->last, last);
	atomic_store(&r->done_ms, now_ms);
}

/* What the row says of the turn; false where it is another's by now. */
static bool
copy(struct registry_row *r, int64_t turn, struct registry_found *f)
{
	/* done_ms before last: who sees it done sees where it ends. */
	*f = (struct registry_found){ .turn = turn, .done_ms = atomic_load(&r->done_ms) };
	f->last = atomic_load(&r->last);
	f->worker = atomic_load(&r->worker);
	f->owner = atomic_load(&r->owner);
	return atomic_load(&r->turn) == turn;
}

bool
registry_find(int64_t turn, struct registry_found *f)
{
	struct registry_row	*r;

	return turn > 0 && rows != NULL && (r = row_of(rows, turn)) != NULL && copy(r, turn, f);
}

void
registry_forget(int64_t worker)
{
	int64_t	turn;

	for (size_t i = 0; rows != NULL && i < ROWS; i++) {
		turn = atomic_load(&rows[i].turn);
		if (turn > 0 && atomic_load(&rows[i].worker) == worker)
			atomic_compare_exchange_strong(&rows[i].turn, &turn, 0);
	}
}

int
registry_list(const char *state_dir, void (*fn)(void *, const struct registry_found *), void *arg)
{
	const void		*p = mapped_look(state_dir, NAME, MAGIC, TABLE);
	/* Atomic loads take no const; nothing is written there. */
	struct registry_row	*r = (struct registry_row *)(uintptr_t)p;
	struct registry_found	 f;
	int64_t			 turn;

	if (p == NULL)
		return -1;
	for (size_t i = 0; i < ROWS; i++) {
		turn = atomic_load(&r[i].turn);
		if (turn > 0 && copy(&r[i], turn, &f) && f.done_ms == 0)
			fn(arg, &f);
	}
	return 0;
}
