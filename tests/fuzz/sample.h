/*
 * sample: a struct with a field of every type, to read fuzzed bodies into, and the checks of what
 * came of one.
 */
#ifndef PARLEY_TESTS_SAMPLE_H
#define PARLEY_TESTS_SAMPLE_H

#include "base/json.h"

/* A ctx for one input. */
void	 sample_open(struct ctx *);
void	 sample_close(struct ctx *);
/*
 * Reads the tree, writes what was read, and parses its text again; aborts where that cannot be.
 * Frees the tree. lenient: it was not parsed by the strict rules.
 */
void	 sample_check(struct ctx *, struct json *, bool lenient);

#endif
