/*
 * sample: durations, kept whole, so that every figure drawn from them is exact to 0.1 us.
 */
#ifndef BENCH_SAMPLE_H
#define BENCH_SAMPLE_H

#include <stddef.h>
#include <stdint.h>

struct sample {			/* zeroed at the start */
	uint32_t	*v;	/* in 100 ns */
	size_t		 n, cap;
};

void	 sample_add(struct sample *, uint64_t ns);
/* Before the figures below, after the last sample_add. */
void	 sample_sort(struct sample *);
/* The value that this share (0 to 1) of the samples does not exceed, in us; 0 without samples. */
double	 sample_at(const struct sample *, double share);
/* The share of the samples from lo to hi us. */
double	 sample_within(const struct sample *, double lo, double hi);

#endif
