#include "config.h"

#include "figures.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "mapped.h"
#include "slot.h"

#define LABELS		4	/* most of a figure */
#define SERIES		2048	/* sets of label values, of all figures */
#define PROBES		32	/* places where one of them may stand */
#define LABEL_TEXT	176

enum kind { COUNTER, GAUGE, HISTOGRAM };

static const struct {
	enum kind	 kind;
	const char	*name;
	double		 per;
	const char	*help;
	const char	*labels[LABELS + 1];	/* ended by NULL */
} figures[] = {
#define FIGURE(id, kind, name, per, help, ...) { kind, name, per, help, { __VA_ARGS__ } },
#include "figures.def"
#undef FIGURE
};

/* Upper ends of a histogram's buckets, microseconds. */
static const int64_t	bounds[] = {
	100, 250, 500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 500000,
	1000000, 2500000, 5000000, 10000000, 30000000, 60000000, 300000000,
};

#define BOUNDS	(sizeof(bounds) / sizeof(bounds[0]))

/* A figure's own cells: the value (of what has labels: those of "other"), or buckets and sum. */
enum { VALUE = 0, BEYOND = BOUNDS, SUM, CELLS };

typedef _Atomic int64_t	cell;

struct series {
	_Atomic uint64_t	 key;		/* hash of figure and values; 0: free */
	atomic_bool		 named;		/* figure and labels are there */
	_Atomic int		 figure;
	_Atomic char		 labels[LABEL_TEXT];	/* dialect="arena",status="200" */
};

struct block {
	atomic_bool		 used;		/* others are not even looked at */
	cell			 own[FIGURES][CELLS];
	cell			 series[SERIES];
};

struct file {
	struct series		 series[SERIES];
	struct block		 block[SLOTS];
};

static struct file		*file;
/* NULL: not looked for yet, or we have no slot */
static _Atomic(struct block *)	 ours;
static int64_t			 started;	/* wall ms: this process, or who forked it */

/* FNV-1a, the string's end included. */
static uint64_t
hash(uint64_t h, const char *s)
{
	do
		h = (h ^ (unsigned char)*s) * 0x100000001b3;
	while (*s++ != '\0');
	return h;
}

#define HASH_BEGIN	0xcbf29ce484222325

/* What a slot's dead owner had open is open no more. */
static void
gauges_clear(int slot)
{
	struct block	*b = &file->block[slot];

	if (!atomic_load_explicit(&b->used, memory_order_relaxed))
		return;
	for (int i = 0; i < FIGURES; i++)
		if (figures[i].kind == GAUGE)
			atomic_store_explicit(&b->own[i][VALUE], 0, memory_order_relaxed);
}

int
figures_open(const char *state_dir)
{
	struct file	*f;
	uint64_t	 rows = HASH_BEGIN;
	char		 magic[16];

	/* Another list of figures is another file. */
	for (int i = 0; i < FIGURES; i++)
		rows = hash(rows, figures[i].name);
	snprintf(magic, sizeof(magic), "figures %07x", (unsigned)(rows & 0xfffffff));
	if ((f = mapped_open(state_dir, "figures", magic, sizeof(*f))) == NULL)
		return -1;
	file = f;
	atomic_store(&ours, NULL);
	if (started == 0)
		started = clock_ms();
	slot_on_free(gauges_clear);
	return 0;
}

static struct block *
block(void)
{
	struct block	*b = atomic_load_explicit(&ours, memory_order_relaxed);

	if (b != NULL || file == NULL || slot_self() == -1)
		return b;
	b = &file->block[slot_self()];
	atomic_store(&b->used, true);
	atomic_store(&ours, b);
	return b;
}

static void
add(cell *c, int64_t n)
{
	atomic_fetch_add_explicit(c, n, memory_order_relaxed);
}

static int64_t
get(const cell *c)
{
	return atomic_load_explicit((cell *)c, memory_order_relaxed);
}

void
figure_add(enum figure f, int64_t n)
{
	struct block	*b = block();

	if (b != NULL)
		add(&b->own[f][VALUE], n);
}

void
figure_set(enum figure f, int64_t n)
{
	struct block	*b = block();

	if (b != NULL)
		atomic_store_explicit(&b->own[f][VALUE], n, memory_order_relaxed);
}

void
figure_time(enum figure f, int64_t us, int64_t times)
{
	struct block	*b = block();
	size_t		 i;

	if (b == NULL)
		return;
	for (i = 0; i < BOUNDS && us > bounds[i]; i++)
		continue;
	add(&b->own[f][i], times);
	add(&b->own[f][SUM], us * times);
}

/* ---- labels ---------------------------------------------------------------------------------- */

void
figures_value(struct str *s, const char *value)
{
	for (; *value != '\0'; value++) {
		if (*value == '"' || *value == '\\')
			str_putc(s, '\\');
		if (*value == '\n')
			str_puts(s, "\\n");
		else
			str_putc(s, *value);
	}
}

/* values NULL: "other" for each. */
static void
put_labels(struct str *s, enum figure f, const char *const *values)
{
	for (int i = 0; figures[f].labels[i] != NULL; i++) {
		str_printf(s, "%s%s=\"", i > 0 ? "," : "", figures[f].labels[i]);
		figures_value(s, values != NULL ? values[i] : "other");
		str_putc(s, '"');
	}
}

/* Two that come at once write the same, and so does who finds what a dead process began. */
static bool
series_name(struct series *e, enum figure f, const char *const *values)
{
	struct str	 s = STR_INIT(sizeof(e->labels) - 1);

	put_labels(&s, f, values);
	if (!s.full) {
		for (size_t i = 0; i <= s.len; i++)
			atomic_store_explicit(&e->labels[i], s.p[i], memory_order_relaxed);
		atomic_store_explicit(&e->figure, (int)f, memory_order_relaxed);
		atomic_store_explicit(&e->named, true, memory_order_release);
	}
	str_free(&s);
	return atomic_load_explicit(&e->named, memory_order_relaxed);
}

/* Where these values are counted; -1: there is no room. */
static int
series_find(enum figure f, const char *const *values)
{
	uint64_t	 key = hash(HASH_BEGIN, figures[f].name), there;
	struct series	*e;
	int		 at;

	for (int i = 0; figures[f].labels[i] != NULL; i++)
		key = hash(key, values[i]);
	key |= 1;
	for (int i = 0; i < PROBES; i++) {
		at = (int)((key / 2 + (uint64_t)i) % SERIES);
		e = &file->series[at];
		there = atomic_load_explicit(&e->key, memory_order_relaxed);
		if (there == 0 && atomic_compare_exchange_strong(&e->key, &there, key))
			there = key;
		if (there != key)
			continue;
		if (atomic_load_explicit(&e->named, memory_order_acquire) ||
		    series_name(e, f, values))
			return at;
		return -1;
	}
	return -1;
}

void
figure_add_for(enum figure f, int64_t n, const char *const *values)
{
	struct block	*b = block();
	int		 at;

	if (b == NULL)
		return;
	at = series_find(f, values);
	add(at != -1 ? &b->series[at] : &b->own[f][VALUE], n);
}

/* ---- reading --------------------------------------------------------------------------------- */

/* The cell at this offset of the blocks, over all of them. */
static int64_t
total(size_t offset)
{
	int64_t	 sum = 0;

	for (int i = 0; file != NULL && i < SLOTS; i++)
		if (atomic_load_explicit(&file->block[i].used, memory_order_relaxed))
			sum += get((const cell *)((const char *)&file->block[i] + offset));
	return sum;
}

static int64_t
total_own(int f, size_t c)
{
	return total(offsetof(struct block, own) + ((size_t)f * CELLS + c) * sizeof(cell));
}

static void
put_number(struct str *s, int64_t n, double per)
{
	if (per == 1)
		str_printf(s, "%lld\n", (long long)n);
	else
		str_printf(s, "%.15g\n", (double)n / per);
}

void
figures_head(struct str *s, const char *name, const char *kind, const char *help)
{
	str_printf(s, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind);
}

static void
write_histogram(struct str *s, int f)
{
	const char	*name = figures[f].name;
	int64_t		 n = 0;

	for (size_t i = 0; i < BOUNDS; i++) {
		n += total_own(f, i);
		str_printf(s, "%s_bucket{le=\"%.15g\"} %lld\n", name,
		    (double)bounds[i] / figures[f].per, (long long)n);
	}
	n += total_own(f, BEYOND);
	str_printf(s, "%s_bucket{le=\"+Inf\"} %lld\n", name, (long long)n);
	str_printf(s, "%s_sum ", name);
	put_number(s, total_own(f, SUM), figures[f].per);
	str_printf(s, "%s_count %lld\n", name, (long long)n);
}

/* The labels of this series, where it is one of the figure's. */
static bool
put_series(struct str *s, int f, struct series *e)
{
	char	c;

	if (!atomic_load_explicit(&e->named, memory_order_acquire) ||
	    atomic_load_explicit(&e->figure, memory_order_relaxed) != f)
		return false;
	str_printf(s, "%s{", figures[f].name);
	for (size_t i = 0; (c = atomic_load_explicit(&e->labels[i], memory_order_relaxed)) != '\0';
	    i++)
		str_putc(s, c);
	str_puts(s, "} ");
	return true;
}

static void
write_labelled(struct str *s, int f)
{
	int64_t	others = total_own(f, VALUE);

	for (size_t i = 0; file != NULL && i < SERIES; i++)
		if (put_series(s, f, &file->series[i]))
			put_number(s, total(offsetof(struct block, series) + i * sizeof(cell)),
			    figures[f].per);
	if (others == 0)
		return;
	str_printf(s, "%s{", figures[f].name);
	put_labels(s, (enum figure)f, NULL);
	str_puts(s, "} ");
	put_number(s, others, figures[f].per);
}

void
figures_write(struct str *s)
{
	static const char	*const kinds[] = { "counter", "gauge", "histogram" };

	figures_head(s, "parley_build_info", "gauge", "the program's version");
	str_puts(s, "parley_build_info{version=\"" PACKAGE_VERSION "\"} 1\n");
	figures_head(s, "process_start_time_seconds", "gauge", "when the service was started");
	str_puts(s, "process_start_time_seconds ");
	put_number(s, started, 1e3);
	for (int f = 0; f < FIGURES; f++) {
		figures_head(s, figures[f].name, kinds[figures[f].kind], figures[f].help);
		if (figures[f].kind == HISTOGRAM)
			write_histogram(s, f);
		else if (figures[f].labels[0] != NULL)
			write_labelled(s, f);
		else {
			str_printf(s, "%s ", figures[f].name);
			put_number(s, total_own(f, VALUE), figures[f].per);
		}
	}
}
