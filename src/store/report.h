/* report: what an operator asks of the database: who runs, what was used, what time it is there. */
#ifndef PARLEY_STORE_REPORT_H
#define PARLEY_STORE_REPORT_H

#include "store/db.h"

struct usage {			/* of a key and a model in a span of time, without what runs */
	int64_t	 api_key;	/* that paid; 0: what was asked without one */
	char	*key_name;	/* what it is for, else how it begins; NULL: it is gone, or none */
	char	*model;		/* its code */
	int64_t	 answers, failed;
	int64_t	 prompt_tokens, completion_tokens;
	int64_t	 estimated;	/* answers whose tokens are an estimate */
	char	*cost;		/* decimal text, exact */
};

struct running {		/* an answer that has not ended */
	int64_t	 turn, session;	/* session 0: nothing is stored of it */
	int	 lane;
	char	*model;		/* its code */
	char	*subject;	/* who asked; NULL: a caller without identity */
	char	*voice;
	int64_t	 worker;	/* that runs it */
	int64_t	 created_ms;
};

struct begun {			/* an answer of which nothing but figures is stored */
	char	*status;
	int64_t	 ended_ms;	/* 0: it runs */
};

/* Answers begun within [from_ms, to_ms), by key and model. */
int	 report_usage(struct ctx *, int64_t from_ms, int64_t to_ms, struct usage **, size_t *n);
/* Oldest first; those begun before from_ms are not looked for. */
int	 report_running(struct ctx *, int64_t from_ms, struct running **, size_t *n);
/* Answers outside of sessions, begun within [from_ms, to_ms]. */
int	 report_begun(struct ctx *, int64_t from_ms, int64_t to_ms, struct begun **, size_t *n);
/* The database's clock: milliseconds since 1970. -1: failed. */
int64_t	 report_clock(struct ctx *);
/* How many connections the database takes. -1: failed. */
int64_t	 report_connections(struct ctx *);

#endif
