#include "upstream/health.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/ident.h"
#include "base/mapped.h"
#include "base/slot.h"

#define NAME		"health"
#define MAGIC		"parley health 1"
#define CACHE_LINE	64

struct row {
	_Alignas(CACHE_LINE) _Atomic int64_t	model;		/* 0: nobody's yet */
	struct breaker				breaker;
	_Atomic uint16_t			flying[SLOTS];
	_Atomic uint64_t			asked, ended[FAULT_KINDS], notes[HEALTH_NOTES];
	_Atomic uint64_t			firsts, first_ms;
};

struct table {
	struct row	rows[HEALTH_MODELS];
};

_Static_assert(SLOTS < 255, "a breaker knows its trial's process by its slot");

/* What the process is: one of those that share this table. */
static struct table	*table;
static char		 table_dir[PATH_MAX];

/* The model's row, or the free one where it would be; -1: the table is full of others. */
static int
find(const struct table *t, int64_t model)
{
	uint64_t	 start = (uint64_t)model * 0x9e3779b97f4a7c15u >> 56;
	int64_t		 there;

	for (unsigned i = 0; i < HEALTH_MODELS; i++) {
		unsigned	 at = (unsigned)(start + i) % HEALTH_MODELS;

		there = atomic_load(&t->rows[at].model);
		if (there == model || there == 0)
			return (int)at;
	}
	return -1;
}

/* The model's row, made where there is none; -1: it is not counted. */
static int
row_of(int64_t model)
{
	int64_t	 none;
	int	 at;

	if (table == NULL || model == 0)
		return -1;
	do {
		if ((at = find(table, model)) == -1)
			return -1;
		none = 0;
	} while (!atomic_compare_exchange_strong(&table->rows[at].model, &none, model) &&
	    none != model);
	return at;
}

static int
flying(const struct row *r)
{
	int	 n = 0;

	for (int i = 0; i < SLOTS; i++)
		n += atomic_load(&r->flying[i]);
	return n;
}

/* What the slot's last owner held goes back. */
static void
on_free(int slot)
{
	for (int i = 0; table != NULL && i < HEALTH_MODELS; i++) {
		if (atomic_load(&table->rows[i].model) == 0)
			continue;
		atomic_store(&table->rows[i].flying[slot], 0);
		breaker_died(&table->rows[i].breaker, slot);
	}
}

int
health_open(const char *state_dir)
{
	struct table	*t = table;

	if (strlen(state_dir) >= sizeof(table_dir)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if ((t == NULL || strcmp(table_dir, state_dir) != 0) &&
	    (t = mapped_open(state_dir, NAME, MAGIC, sizeof(*t))) == NULL)
		return -1;
	table = t;
	snprintf(table_dir, sizeof(table_dir), "%s", state_dir);
	slot_on_free(on_free);
	if (!slot_any())
		memset((void *)t, 0, sizeof(*t));
	return 0;
}

enum health_verdict
health_enter(struct health_call *c, int64_t model, int concurrency, int64_t now, int64_t *wait_ms)
{
	int		 slot = slot_self();
	struct row	*r;

	*c = (struct health_call){ .row = slot != -1 ? row_of(model) : -1 };
	*wait_ms = 0;
	if (c->row == -1)
		return HEALTH_GO;
	r = &table->rows[c->row];
	/* The place is taken before all are counted: of two at once the later sees both. */
	atomic_fetch_add(&r->flying[slot], 1);
	if (concurrency > 0 && flying(r) > concurrency) {
		atomic_fetch_sub(&r->flying[slot], 1);
		return HEALTH_FULL;
	}
	if ((*wait_ms = breaker_enter(&r->breaker, &c->breaker, slot, now)) > 0) {
		atomic_fetch_sub(&r->flying[slot], 1);
		return HEALTH_OPEN;
	}
	c->flying = true;
	atomic_fetch_add(&r->asked, 1);
	return HEALTH_GO;
}

void
health_heard(struct health_call *c, int64_t took_ms, int64_t now)
{
	struct row	*r;

	if (!c->flying)
		return;
	r = &table->rows[c->row];
	breaker_good(&r->breaker, &c->breaker, now);
	atomic_fetch_add(&r->firsts, 1);
	atomic_fetch_add(&r->first_ms, (uint64_t)(took_ms > 0 ? took_ms : 0));
}

void
health_leave(struct health_call *c, enum fault f, int retry_after, int64_t now)
{
	uint32_t	 noise;
	struct row	*r;

	if (!c->flying)
		return;
	c->flying = false;
	r = &table->rows[c->row];
	atomic_fetch_add(&r->ended[f], 1);
	if (f == FAULT_NONE)
		breaker_good(&r->breaker, &c->breaker, now);
	else if (!fault_rule(f)->breaks)
		breaker_neither(&r->breaker, &c->breaker);
	else {
		ident_random(&noise, sizeof(noise));
		if (breaker_bad(&r->breaker, &c->breaker, (int64_t)retry_after * 1000, noise, now))
			atomic_fetch_add(&r->notes[HEALTH_OPENED], 1);
	}
	atomic_fetch_sub(&r->flying[slot_self()], 1);
}

void
health_note(int64_t model, enum health_note n)
{
	int	 at = row_of(model);

	if (at != -1)
		atomic_fetch_add(&table->rows[at].notes[n], 1);
}

enum breaker_state
health_state(int64_t model, int64_t now)
{
	int	 at = table != NULL ? find(table, model) : -1;

	return at != -1 ? breaker_look(&table->rows[at].breaker, now, NULL) : BREAKER_CLOSED;
}

int64_t
health_wait(int64_t model, int64_t now)
{
	int	 at = table != NULL ? find(table, model) : -1;

	return at != -1 ? breaker_wait(&table->rows[at].breaker, now) : 0;
}

int
health_forget(const char *state_dir, int64_t model)
{
	struct table	*t;
	int		 at;

	if (mapped_look(state_dir, NAME, MAGIC, sizeof(*t)) == NULL)
		return errno == ENOENT ? 0 : -1;
	if ((t = mapped_open(state_dir, NAME, MAGIC, sizeof(*t))) == NULL)
		return -1;
	if ((at = find(t, model)) != -1)
		breaker_forget(&t->rows[at].breaker);
	return 0;
}

static void
report(struct health_report *out, const struct row *r, int64_t now)
{
	*out = (struct health_report){ .model = atomic_load(&r->model), .in_flight = flying(r),
	    .asked = atomic_load(&r->asked), .firsts = atomic_load(&r->firsts),
	    .first_ms = atomic_load(&r->first_ms) };
	out->breaker = breaker_look(&r->breaker, now, &out->wait_ms);
	for (int i = 0; i < FAULT_KINDS; i++)
		out->ended[i] = atomic_load(&r->ended[i]);
	for (int i = 0; i < HEALTH_NOTES; i++)
		out->notes[i] = atomic_load(&r->notes[i]);
}

int
health_list(const char *state_dir, void (*fn)(void *, const struct health_report *), void *arg)
{
	const struct table	*t = table;
	struct health_report	 one;

	if ((t == NULL || strcmp(table_dir, state_dir) != 0) &&
	    (t = mapped_look(state_dir, NAME, MAGIC, sizeof(*t))) == NULL)
		return -1;
	for (int i = 0; i < HEALTH_MODELS; i++) {
		if (atomic_load(&t->rows[i].model) == 0)
			continue;
		report(&one, &t->rows[i], clock_mono_ms());
		fn(arg, &one);
	}
	return 0;
}

const char *
health_note_name(enum health_note n)
{
	static const char *const	 names[] = {
		[HEALTH_RETRIED] = "retried", [HEALTH_FAILED_OVER] = "failed_over",
		[HEALTH_REFUSED] = "refused", [HEALTH_QUEUED] = "queued",
		[HEALTH_CROWDED] = "crowded", [HEALTH_OPENED] = "opened",
	};

	return names[n];
}

const char *
breaker_state_name(enum breaker_state s)
{
	static const char *const	 names[] = {
		[BREAKER_CLOSED] = "closed", [BREAKER_OPEN] = "open",
		[BREAKER_HALF_OPEN] = "half-open",
	};

	return names[s];
}
