#include "limit.h"

#include <arpa/inet.h>

#include <stdatomic.h>
#include <string.h>

#include "mapped.h"
#include "slot.h"

/*
 * All tables are sets of a few words; who somebody is says which set, a part of it stands in the
 * word (the tag). A word is changed whole.
 */
#define CALL_WAYS	8
#define CALL_SETS	4096
#define PLACE_WAYS	16
#define PLACE_SETS	1024

/*
 * Calls, by the generic cell rate algorithm: a tag of 30 bits and, in 34, the moment at which all
 * that was called so far is paid for. It is at most a second ahead; a moment that is behind, or
 * further ahead than that (the clock began anew), is now.
 */
#define MOMENT_BITS	34
#define MOMENT_MASK	(((uint64_t)1 << MOMENT_BITS) - 1)
#define SECOND		1000000

/*
 * Windows: a tag of 18 bits, in 30 the millisecond at which the window began, and in 16 how many
 * calls came since. One that began a second ago or longer, or later than now, is over.
 */
#define WINDOW_WAYS	8
#define WINDOW_SETS	1024
#define COUNT_BITS	16
#define COUNT_MASK	(((uint64_t)1 << COUNT_BITS) - 1)
#define START_BITS	30
#define START_MASK	(((uint64_t)1 << START_BITS) - 1)
#define WINDOW_MS	1000

/* Places: a tag of 48 bits and, in 16, how many are taken. 0: the word is free. */
#define TAKEN_BITS	16
#define TAKEN_MASK	(((uint64_t)1 << TAKEN_BITS) - 1)

typedef _Atomic uint64_t	word;

struct places {
	atomic_bool	 used;		/* others are not even looked at */
	word		 set[PLACE_SETS][PLACE_WAYS];
};

static struct limits {
	word		 calls[CALL_SETS][CALL_WAYS];
	word		 windows[WINDOW_SETS][WINDOW_WAYS];
	struct places	 places[SLOTS];
}	*limits;

/* splitmix64's: every bit of the result depends on every bit of x. */
static uint64_t
mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	x ^= x >> 31;
	return x != 0 ? x : 1;
}

/* What a slot's dead owner held is free. */
static void
places_clear(int slot)
{
	struct places	*p = &limits->places[slot];

	if (!atomic_exchange(&p->used, false))
		return;
	for (int i = 0; i < PLACE_SETS; i++)
		for (int k = 0; k < PLACE_WAYS; k++)
			atomic_store_explicit(&p->set[i][k], 0, memory_order_relaxed);
}

int
limit_open(const char *state_dir)
{
	struct limits	*l = mapped_open(state_dir, "limits", "limits 2", sizeof(*l));

	if (l == NULL)
		return -1;
	limits = l;
	slot_on_free(places_clear);
	return 0;
}

/* ---- who ------------------------------------------------------------------------------------- */

uint64_t
limit_user(int64_t id)
{
	return id != 0 ? mix((uint64_t)id) : 0;
}

uint64_t
limit_sockets(int64_t id)
{
	return id != 0 ? mix(mix((uint64_t)id)) : 0;	/* his streams are counted apart */
}

uint64_t
limit_key(int64_t id)
{
	return id != 0 ? mix(~(uint64_t)id) : 0;	/* ids are positive: no user's number */
}

uint64_t
limit_address(const char *remote)
{
	static const unsigned char	mapped[12] = { [10] = 0xff, [11] = 0xff };
	unsigned char			addr[16];
	uint64_t			net = 0;
	uint32_t			host;

	if (inet_pton(AF_INET, remote, addr + sizeof(mapped)) == 1)
		memcpy(addr, mapped, sizeof(mapped));
	else if (inet_pton(AF_INET6, remote, addr) != 1)
		return 0;
	if (memcmp(addr, mapped, sizeof(mapped)) == 0) {
		memcpy(&host, addr + sizeof(mapped), sizeof(host));
		net = host;
	} else
		memcpy(&net, addr, sizeof(net));
	return mix(~mix(net));		/* other numbers than those of users */
}

/* ---- calls ----------------------------------------------------------------------------------- */

static uint64_t
call_tag(uint64_t whom)
{
	uint64_t	tag = whom >> MOMENT_BITS;

	return tag != 0 ? tag : 1;
}

/* How far ahead of now the word's moment is, microseconds. */
static int64_t
ahead(uint64_t w, int64_t now_us)
{
	uint64_t	left = (w - (uint64_t)now_us) & MOMENT_MASK;

	return left <= SECOND ? (int64_t)left : 0;
}

/* The word of whom, else the one that can best be done without. */
static word *
call_find(uint64_t whom, int64_t now_us, uint64_t *w)
{
	word		*set = limits->calls[whom % CALL_SETS], *best = NULL;
	uint64_t	 v;
	int64_t		 left, least = INT64_MAX;

	for (int i = 0; i < CALL_WAYS; i++) {
		v = atomic_load_explicit(&set[i], memory_order_relaxed);
		left = v >> MOMENT_BITS == call_tag(whom) ? -1 : ahead(v, now_us);
		if (left < least) {
			least = left;
			best = &set[i];
			*w = v;
		}
	}
	return best;
}

int64_t
limit_call(uint64_t whom, int rate, int64_t now_us)
{
	const int64_t	 each = rate > 0 ? SECOND / rate : 0;
	uint64_t	 w;
	int64_t		 left;
	word		*at;

	if (limits == NULL || whom == 0 || rate <= 0)
		return 0;
	do {
		at = call_find(whom, now_us, &w);
		left = w >> MOMENT_BITS == call_tag(whom) ? ahead(w, now_us) : 0;
		if (left + each > SECOND)
			return left + each - SECOND;
	} while (!atomic_compare_exchange_weak(at, &w, call_tag(whom) << MOMENT_BITS |
	    ((uint64_t)(now_us + left + each) & MOMENT_MASK)));
	return 0;
}

/* ---- windows --------------------------------------------------------------------------------- */

static uint64_t
window_tag(uint64_t whom)
{
	uint64_t	tag = whom >> (START_BITS + COUNT_BITS);

	return tag != 0 ? tag : 1;
}

/* How long ago the word's window began, milliseconds; WINDOW_MS or more: it is over. */
static int64_t
window_age(uint64_t w, int64_t now_ms)
{
	return (int64_t)(((uint64_t)now_ms - (w >> COUNT_BITS)) & START_MASK);
}

/* The word of whom, else the one whose window is over, or will be first. */
static word *
window_find(uint64_t whom, int64_t now_ms, uint64_t *w)
{
	word		*set = limits->windows[whom % WINDOW_SETS], *best = NULL;
	uint64_t	 v;
	int64_t		 age, oldest = -1;

	for (int i = 0; i < WINDOW_WAYS; i++) {
		v = atomic_load_explicit(&set[i], memory_order_relaxed);
		age = v >> (START_BITS + COUNT_BITS) == window_tag(whom) ? INT64_MAX :
		    v == 0 ? INT64_MAX - 1 : window_age(v, now_ms);
		if (age > oldest) {
			oldest = age;
			best = &set[i];
			*w = v;
		}
	}
	return best;
}

int64_t
limit_window(uint64_t whom, int rate, int64_t now_us)
{
	const int64_t	 now_ms = now_us / 1000;
	const uint64_t	 tag = window_tag(whom) << (START_BITS + COUNT_BITS);
	uint64_t	 w, next;
	int64_t		 age;
	word		*at;

	if (limits == NULL || whom == 0 || rate <= 0)
		return 0;
	do {
		at = window_find(whom, now_ms, &w);
		age = window_age(w, now_ms);
		if (w >> (START_BITS + COUNT_BITS) != window_tag(whom) || age >= WINDOW_MS)
			next = tag | ((uint64_t)now_ms & START_MASK) << COUNT_BITS | 1;
		else if ((w & COUNT_MASK) < (uint64_t)rate)
			next = w + 1;
		else
			return (WINDOW_MS - age) * 1000;
	} while (!atomic_compare_exchange_weak(at, &w, next));
	return 0;
}

/* ---- places ---------------------------------------------------------------------------------- */

static bool
is_of(uint64_t w, uint64_t whom)
{
	return (w & TAKEN_MASK) != 0 && (w ^ whom) >> TAKEN_BITS == 0;
}

static word *
place_set(int slot, uint64_t whom)
{
	return limits->places[slot].set[whom % PLACE_SETS];
}

/* One more in our own table. false: its set is full. */
static bool
place_take(uint64_t whom)
{
	word		*set = place_set(slot_self(), whom);
	uint64_t	 w, first = (whom & ~TAKEN_MASK) + 1;

	atomic_store(&limits->places[slot_self()].used, true);
	for (int i = 0; i < PLACE_WAYS; i++) {
		w = atomic_load(&set[i]);
		while (is_of(w, whom) && (w & TAKEN_MASK) != TAKEN_MASK)
			if (atomic_compare_exchange_weak(&set[i], &w, w + 1))
				return true;
	}
	for (int i = 0; i < PLACE_WAYS; i++)
		if ((w = 0, atomic_compare_exchange_strong(&set[i], &w, first)))
			return true;
	return false;
}

static int64_t
places_taken(uint64_t whom)
{
	int64_t		 n = 0;
	uint64_t	 w;

	for (int s = 0; s < SLOTS; s++)
		for (int i = 0; atomic_load(&limits->places[s].used) && i < PLACE_WAYS; i++)
			if (is_of(w = atomic_load(&place_set(s, whom)[i]), whom))
				n += (int64_t)(w & TAKEN_MASK);
	return n;
}

bool
limit_enter(uint64_t whom, int places)
{
	if (limits == NULL || slot_self() == -1 || whom == 0 || places <= 0)
		return true;
	if (!place_take(whom))
		return false;
	if (places_taken(whom) <= places)
		return true;
	limit_leave(whom);
	return false;
}

void
limit_leave(uint64_t whom)
{
	word		*set;
	uint64_t	 w, less;

	if (limits == NULL || slot_self() == -1 || whom == 0)
		return;
	set = place_set(slot_self(), whom);
	for (int i = 0; i < PLACE_WAYS; i++) {
		w = atomic_load(&set[i]);
		while (is_of(w, whom)) {
			less = (w & TAKEN_MASK) == 1 ? 0 : w - 1;
			if (atomic_compare_exchange_weak(&set[i], &w, less))
				return;
		}
	}
}
