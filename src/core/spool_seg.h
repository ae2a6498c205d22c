/* spool_seg: a segment file that is written to, and the disk under it. Private to spool. */
#ifndef PARLEY_SPOOL_SEG_H
#define PARLEY_SPOOL_SEG_H

#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>

/* Disk is allocated in steps of this size, and mapped in windows of the same */
#define SEG_STEP		((uint64_t)1 << 20)
#define SEG_STEP_OF(off)	((off) & ~(SEG_STEP - 1))

struct segment {
	uint32_t	 number;
	int		 fd;
	uint64_t	 size;		/* written */
	uint64_t	 room;		/* allocated on disk: whole steps */
	int		 turns;		/* begun in it and needed, once for each who needs them */
	bool		 used;		/* a turn began in it */
	int64_t		 done_ms;	/* when the last of them was done */
	char		*window;	/* mapped: a step of it from window_at on; or NULL */
	uint64_t	 window_at;
};

/* Makes one in the directory. -1: errno, nothing is left. */
int	 seg_new(const char *dir, uint32_t number, struct segment *);
/*
 * One that a dead worker wrote to, to be gone on with behind its last sound record. -1: it cannot
 * be.
 */
int	 seg_old(const char *dir, uint32_t number, struct segment *);
void	 seg_unlink(const char *dir, const struct segment *);
/* Closes it; what is in it stays. */
void	 seg_close(struct segment *);
/* Writes at its end; how much of it, which may be less. -1: errno (ENOSPC: no room). */
ssize_t	 seg_write(struct segment *, const char *, size_t);
/* Allocates what it lacks of SPOOL_AHEAD behind its end. -1: errno. */
int	 seg_extend(struct segment *);
/* Nothing more is written to it: its spare disk goes back, while the file keeps its length. */
void	 seg_give_back(struct segment *);

#endif
