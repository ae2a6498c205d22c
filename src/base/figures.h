/*
 * figures: what the workers of a host count, for GET /metrics: counters, gauges and histograms of
 * times in memory that they share. Each process adds to a block of its own, by its slot, so nobody
 * waits for anybody; who reads adds the blocks up. Counters outlive their processes and the
 * service; gauges fall to nothing with their process.
 *
 * Without figures_open or without a slot (commands, unit tests) counting does nothing. From any
 * thread.
 */
#ifndef PARLEY_FIGURES_H
#define PARLEY_FIGURES_H

#include <stdint.h>

#include "str.h"

enum figure {
#define FIGURE(id, ...) FIG_##id,
#include "figures.def"
#undef FIGURE
	FIGURES
};

/*
 * Maps state_dir/figures; before the workers fork, and after slot_open. Once more: of another
 * directory. -1: errno.
 */
int	 figures_open(const char *state_dir);

/* Of a counter or gauge without labels; a gauge may be taken from as well. */
void	 figure_add(enum figure, int64_t n);
/* This process's share of a gauge. */
void	 figure_set(enum figure, int64_t n);
/*
 * Of a counter with labels: a value for each, none NULL. What finds no room among the bounded
 * number of values is counted as "other".
 */
void	 figure_add_for(enum figure, int64_t n, const char *const *values);
#define FIGURE_FOR(...)	((const char *const[]){ __VA_ARGS__ })
/* That something took so many microseconds, so many times. */
void	 figure_time(enum figure, int64_t us, int64_t times);

/* Prometheus's text, version 0.0.4: what stands before a figure that is kept elsewhere. */
void	 figures_head(struct str *, const char *name, const char *kind, const char *help);
/* A value of a label, its quotes and breaks escaped. */
void	 figures_value(struct str *, const char *value);
/* All of them, over all workers. */
void	 figures_write(struct str *);

#endif
