/*
 * dialogue: conversations in which one model answers, with what they came to, and the runs of apps,
 * as their owner lists them. A deleted one is in no list.
 */
#ifndef PARLEY_STORE_DIALOGUE_H
#define PARLEY_STORE_DIALOGUE_H

#include "store/db.h"

#define DIALOGUE_SHOWN	(256 * 1024)	/* bytes of a result that a list of runs shows */

/* What lists are sorted by; equal ones by id. */
enum dialogue_sort { BY_CREATED = 1, BY_UPDATED, BY_NAME };

struct dialogue_page {
	enum dialogue_sort	 by;
	bool			 rising;
	int64_t			 skip, size;
};

struct dialogue_row {
	int64_t	 id, tenant, owner;
	int64_t	 assistant, version;	/* 0: none */
	int64_t	 model;			/* asked last */
	char	*title;
	char	*author;		/* the owner's name, or subject */
	int64_t	 created_ms, updated_ms;
	int64_t	 tokens;		/* of all its answers */
	double	 cost;			/* the same */
	int64_t	 turn;			/* its newest question; 0: none yet */
	int64_t	 parent;		/* as in turn_row */
	char	*question;
	int64_t	 asked_ms;
};

/* How a dialogue stands before it goes on. */
struct dialogue_state {
	int64_t	 model;			/* chosen last; 0: none */
	int64_t	 newest;		/* answer; 0: nothing was asked yet */
	int64_t	 tokens;
	double	 cost;
};

struct message_row {			/* a question with its answer */
	int64_t	 turn, answer;
	int64_t	 parent;		/* as in turn_row */
	char	*question;
	char	*status, *text, *reasoning;	/* as in answer_row */
	int64_t	 prompt_tokens, completion_tokens;
	double	 cost;
	int64_t	 asked_ms, ended_ms;	/* ended 0: it runs */
};

struct run_row {			/* what an app was asked, and made */
	int64_t	 id;			/* of the answer */
	int64_t	 session, tenant, owner, app, model;
	char	*app_name, *kind;
	char	*author;
	char	*question;
	char	*status, *text, *reasoning, *error;	/* as in answer_row */
	int64_t	 prompt_tokens, completion_tokens;
	double	 cost;
	int64_t	 created_ms, ended_ms;
};

/*
 * The owner's dialogues in which a turn was told by that voice; with an assistant (not 0) only its.
 * *total: how many there are on all pages. 0 or -1.
 */
int	 dialogue_list(struct ctx *, int64_t owner, const char *voice, int64_t assistant,
	    const struct dialogue_page *, struct dialogue_row **, size_t *n, int64_t *total);
/* Of a session that was looked up with its owner. */
struct dialogue_state	*dialogue_state(struct ctx *, int64_t session);
int	 dialogue_messages(struct ctx *, int64_t session, struct message_row **, size_t *n);
int	 dialogue_running(struct ctx *, int64_t session, int64_t **turns, size_t *n);
/* Is that an answer, or a turn, of the session? 1, 0, or -1. */
int	 dialogue_has(struct ctx *, int64_t session, int64_t message);

/* The owner's runs, with an app (not 0) only its. What is longer than DIALOGUE_SHOWN is NULL. */
int	 run_list(struct ctx *, int64_t owner, int64_t app, const struct dialogue_page *,
	    struct run_row **, size_t *n, int64_t *total);
/* The owner's run that began with this turn, its text however long. NULL: F_NOT_FOUND. */
struct run_row	*run_get(struct ctx *, int64_t owner, int64_t turn);

#endif
