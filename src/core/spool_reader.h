/*
 * spool_reader: reads the records of turns in the spool of any worker of the host, dead or alive,
 * while it is written. A turn is read from the position of its last record (registry.h), backwards
 * along its chain and its marks. Segments are mapped as they are needed.
 *
 * A reader belongs to one thread. What a record's data points to lies in the mapping: it is good
 * until spool_reader_rest or _free.
 */
#ifndef PARLEY_SPOOL_READER_H
#define PARLEY_SPOOL_READER_H

#include <sys/types.h>

#include "base/str.h"
#include "core/spool.h"

struct spool_reader;

struct spool_reader	*spool_reader_new(const char *dir);	/* state_dir/spool */
void			 spool_reader_free(struct spool_reader *);
/* Lets go of segments that were not read for a while. About once a second. */
void			 spool_reader_rest(struct spool_reader *);
/* The record at that position of that worker's spool. -1: gone or damaged. */
int	 spool_reader_get(struct spool_reader *, int64_t worker, uint64_t pos,
	    struct spool_record *);
/*
 * All records of that worker, whatever their turn, in the order written: the one at *pos (0: the
 * oldest that is left), which moves behind it. 1; 0: nothing is there yet, *pos stays.
 */
int	 spool_reader_next(struct spool_reader *, int64_t worker, uint64_t *pos,
	    struct spool_record *);
/* The turn's first record, from any of its positions. -1: gone or damaged. */
int	 spool_reader_first(struct spool_reader *, int64_t worker, uint64_t last,
	    struct spool_record *);
/*
 * Positions of the turn's next events after number `after`, in order, at most n; `last` is any
 * position of the turn past them. How many (fewer than n does not mean there are no more), 0: none;
 * -1: gone or damaged. Reads about as many records as it gives, however many came before, and one
 * more for each SPOOL_MARK_EVERY events that came since; with n under SPOOL_MARK_EVERY, up to so
 * many more.
 */
ssize_t	 spool_reader_events(struct spool_reader *, int64_t worker, uint64_t last, uint32_t after,
	    uint64_t *pos, size_t n);
/*
 * What one lane has said up to `last`: text and reasoning are appended, either may be NULL. 0, or
 * -1: gone or damaged.
 */
int	 spool_reader_said(struct spool_reader *, int64_t worker, uint64_t last, int lane,
	    struct str *text, struct str *reasoning);

#endif
