#include "upstream/breaker.h"

#include <stddef.h>

/*
 * The state word: state, how often it has opened in a row, whose the trial is, and until when it
 * is open or the trial keeps others out. Closed is 0 altogether.
 */
#define LEVEL(w)	((unsigned)((w) >> 2 & 63))
#define WHO(w)		((int)((w) >> 8 & 255))
#define UNTIL(w)	((int64_t)((w) >> 16))
#define NOBODY		255
#define LEVEL_MOST	8

/* A bucket of the window: the number of its time, good calls, failed ones. */
#define EPOCH(b)	((uint32_t)((b) >> 32))
#define GOOD(b)		((uint32_t)((b) >> 16 & 0xffff))
#define BAD(b)		((uint32_t)((b) % 0x10000))

static enum breaker_state
state_of(uint64_t w)
{
	return (enum breaker_state)(w % 4);
}

static uint64_t
pack(enum breaker_state state, unsigned level, int who, int64_t until)
{
	if (level > LEVEL_MOST)
		level = LEVEL_MOST;
	return (uint64_t)state | (uint64_t)level << 2 | (uint64_t)who << 8 |
	    (uint64_t)(until > 0 ? until : 0) << 16;
}

static uint64_t
bucket(uint32_t epoch, uint32_t good, uint32_t bad)
{
	if (good > 0xffff)
		good = 0xffff;
	if (bad > 0xffff)
		bad = 0xffff;
	return (uint64_t)epoch << 32 | (uint64_t)good << 16 | bad;
}

/* The first is 1: a bucket of zeros is none. */
static uint32_t
epoch_of(int64_t now)
{
	return (uint32_t)(now / BREAKER_BUCKET_MS) + 1;
}

static bool
is_recent(uint64_t b, int64_t now)
{
	return EPOCH(b) != 0 && epoch_of(now) - EPOCH(b) < BREAKER_BUCKETS;
}

static void
count(struct breaker *br, uint32_t good, uint32_t bad, int64_t now)
{
	uint32_t		 epoch = epoch_of(now);
	_Atomic uint64_t	*at = &br->window[epoch % BREAKER_BUCKETS];
	uint64_t		 old = atomic_load(at), new;

	do
		new = EPOCH(old) == epoch ? bucket(epoch, GOOD(old) + good, BAD(old) + bad) :
		    bucket(epoch, good, bad);
	while (!atomic_compare_exchange_weak(at, &old, new));
}

/* A call that counted as good has failed after all. */
static void
uncount_good(struct breaker *br, int64_t now)
{
	uint32_t	 newest = epoch_of(now);
	uint64_t	 old;

	for (uint32_t i = 0; i < BREAKER_BUCKETS; i++) {
		_Atomic uint64_t	*at = &br->window[(newest - i) % BREAKER_BUCKETS];

		old = atomic_load(at);
		while (is_recent(old, now) && GOOD(old) > 0)
			if (atomic_compare_exchange_weak(at, &old,
			    bucket(EPOCH(old), GOOD(old) - 1, BAD(old))))
				return;
	}
}

static bool
mostly_fails(const struct breaker *br, int64_t now)
{
	uint32_t	 good = 0, bad = 0;
	uint64_t	 b;

	for (int i = 0; i < BREAKER_BUCKETS; i++) {
		b = atomic_load(&br->window[i]);
		if (is_recent(b, now)) {
			good += GOOD(b);
			bad += BAD(b);
		}
	}
	return bad >= BREAKER_LEAST && bad >= good;
}

static bool
swap(struct breaker *br, uint64_t old, uint64_t new)
{
	return atomic_compare_exchange_strong(&br->state, &old, new);
}

static void
raise_floor(struct breaker *br, int64_t at)
{
	int64_t	 old = atomic_load(&br->floor);

	while (old < at && !atomic_compare_exchange_weak(&br->floor, &old, at))
		;
}

/* ms until an open breaker, or one whose trial runs, lets the next one through; 0: it does now. */
static int64_t
time_left(const struct breaker *br, uint64_t w, int64_t now)
{
	int64_t	 until = UNTIL(w), floor = atomic_load(&br->floor);

	if (state_of(w) == BREAKER_CLOSED)
		return 0;
	if (state_of(w) == BREAKER_OPEN && floor > until)
		until = floor;
	return until > now ? until - now : 0;
}

int64_t
breaker_enter(struct breaker *br, struct breaker_call *c, int who, int64_t now)
{
	uint64_t	 w = atomic_load(&br->state), trial;
	int64_t		 left;

	*c = (struct breaker_call){ 0 };
	if (state_of(w) == BREAKER_CLOSED)
		return 0;
	if ((left = time_left(br, w, now)) > 0)
		return state_of(w) == BREAKER_HALF_OPEN && left > BREAKER_SOON_MS ?
		    BREAKER_SOON_MS : left;
	trial = pack(BREAKER_HALF_OPEN, LEVEL(w), who, now + BREAKER_TRIAL_MS);
	if (!swap(br, w, trial))
		return 1;		/* somebody else's trial has begun */
	c->trial = trial;
	return 0;
}

void
breaker_good(struct breaker *br, struct breaker_call *c, int64_t now)
{
	if (c->good)
		return;
	c->good = true;
	if (c->trial != 0 && atomic_load(&br->state) == c->trial)
		breaker_forget(br);
	c->trial = 0;
	count(br, 1, 0, now);
}

static uint64_t
opened(unsigned level, uint32_t noise, int64_t now)
{
	int64_t	 ms = (int64_t)BREAKER_OPEN_MS << (level < LEVEL_MOST ? level : LEVEL_MOST);

	if (ms > BREAKER_OPEN_MOST_MS)
		ms = BREAKER_OPEN_MOST_MS;
	ms = ms * (80 + noise % 41) / 100;
	return pack(BREAKER_OPEN, level + 1, NOBODY, now + ms);
}

bool
breaker_bad(struct breaker *br, struct breaker_call *c, int64_t wait_ms, uint32_t noise,
    int64_t now)
{
	uint64_t	 trial = c->trial, w;

	if (wait_ms > 0)
		raise_floor(br, now + wait_ms);
	if (c->good)
		uncount_good(br, now);
	count(br, 0, 1, now);
	*c = (struct breaker_call){ 0 };
	if (trial != 0)
		return swap(br, trial, opened(LEVEL(trial), noise, now));
	w = atomic_load(&br->state);
	return state_of(w) == BREAKER_CLOSED && mostly_fails(br, now) &&
	    swap(br, w, opened(0, noise, now));
}

/* The next one may try at once. */
static void
give_up_trial(struct breaker *br, uint64_t trial)
{
	swap(br, trial, pack(BREAKER_OPEN, LEVEL(trial), NOBODY, 0));
}

void
breaker_neither(struct breaker *br, struct breaker_call *c)
{
	if (c->trial != 0)
		give_up_trial(br, c->trial);
	c->trial = 0;
}

void
breaker_died(struct breaker *br, int who)
{
	uint64_t	 w = atomic_load(&br->state);

	if (state_of(w) == BREAKER_HALF_OPEN && WHO(w) == who)
		give_up_trial(br, w);
}

enum breaker_state
breaker_look(const struct breaker *br, int64_t now, int64_t *wait_ms)
{
	uint64_t	 w = atomic_load(&br->state);
	int64_t		 left = time_left(br, w, now);

	if (wait_ms != NULL)
		*wait_ms = left;
	if (state_of(w) == BREAKER_OPEN && left == 0)
		return BREAKER_HALF_OPEN;
	return state_of(w);
}

int64_t
breaker_wait(const struct breaker *br, int64_t now)
{
	int64_t	 left = time_left(br, atomic_load(&br->state), now);
	int64_t	 asked = atomic_load(&br->floor) - now;

	return asked > left ? asked : left;
}

void
breaker_forget(struct breaker *br)
{
	for (int i = 0; i < BREAKER_BUCKETS; i++)
		atomic_store(&br->window[i], 0);
	atomic_store(&br->floor, 0);
	atomic_store(&br->state, 0);
}
