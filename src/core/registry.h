/*
 * registry: the turns of this host that run or can still be read from a spool: one row each in
 * state_dir/turns, which all workers share as memory. The worker that runs a turn writes its row,
 * after the records that it tells of are in the spool.
 *
 * The table is of fixed size; a row whose turn ended is used again when its place is needed, the
 * oldest first: its turn is then told from the database.
 */
#ifndef PARLEY_REGISTRY_H
#define PARLEY_REGISTRY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct registry_row {		/* of one turn; a cache line */
	_Atomic(int64_t)	 turn;		/* 0: free */
	_Atomic(int64_t)	 worker;	/* whose spool its records are in */
	_Atomic(uint64_t)	 last;		/* position of its last record */
	_Atomic(int64_t)	 done_ms;	/* wall; 0: it is not over */
	_Atomic(int64_t)	 owner;		/* user; 0: a caller without identity */
	int64_t			 reserved[3];
};

struct registry_found {		/* a row as it was at one moment */
	int64_t		 turn, worker, done_ms, owner;
	uint64_t	 last;
};

/* Opens (makes) state_dir/turns for this process and its children. -1: errno. */
int	 registry_open(const char *state_dir);
/* A row for a turn that begins; once more gives the same row. NULL: no room. */
struct registry_row	*registry_add(int64_t turn, int64_t worker, int64_t owner);
/* Records up to `last` are in the spool. NULL is fine. */
void	 registry_tell(struct registry_row *, uint64_t last);
/* The turn is over: `last` is its last record that a reader needs. */
void	 registry_done(struct registry_row *, uint64_t last, int64_t now_ms);
/* A consistent copy of the turn's row. False: there is none. From any thread or process. */
bool	 registry_find(int64_t turn, struct registry_found *);
/* A spool is gone, and with it what its turns' rows told of. */
void	 registry_forget(int64_t worker);
/* fn for each turn that is not over. For commands, which look without registry_open. -1: errno. */
int	 registry_list(const char *state_dir, void (*fn)(void *arg, const struct registry_found *),
	    void *arg);

#endif
