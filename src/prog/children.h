/* children: the processes of a master, those to be started again among them. */
#ifndef PARLEY_CHILDREN_H
#define PARLEY_CHILDREN_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a process is for. */
enum child_kind {
	CHILD_WORKER,
	CHILD_JOBS,
};

/* A process, or one to be started at `due`. */
struct child {
	pid_t	 pid;		/* 0: not started */
	enum child_kind	 kind;
	int	 number;	/* of its kind, from 1 */
	bool	 wanted;	/* has a successor when it dies */
	bool	 fresh;		/* of a set that is not all up yet */
	bool	 ready;
	int64_t	 started, due;	/* monotonic ms */
	int	 delay;		/* of its successor */
};

struct children {
	struct child	*v;
	size_t		 n, size;
	/* What a child does after its fork; it does not return. */
	void		(*run)(void *arg, enum child_kind, int number);
	void		*arg;
};

/* Starts n of the kind, which are of the set that is fresh until children_settle. */
void	 children_start(struct children *, enum child_kind, int n);
/* Is all of the fresh set ready? */
bool	 children_ready(const struct children *);
void	 children_settle(struct children *);
/* The one of that pid, until the next call that starts or removes one; NULL: none. */
struct child	*children_find(struct children *, pid_t);
/* One has ended: it starts again in a while, in a longer one when it dies again and again. */
void	 children_again(struct child *);
void	 children_remove(struct children *, struct child *);
void	 children_signal(struct children *, int sig);
/* Those of the fresh set, or the others, are not wanted any more: they get the signal. */
void	 children_dismiss(struct children *, bool fresh, int sig);
/* Starts who is due. When the next one is (monotonic ms); INT64_MAX: none is waiting. */
int64_t	 children_due(struct children *);

#endif
