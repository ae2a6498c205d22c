/*
 * turn: questions and, per lane, answers with their citations and cost. Parts of
 * transactions that core composes.
 */
#ifndef PARLEY_STORE_TURN_H
#define PARLEY_STORE_TURN_H

#include "store/db.h"

struct turn_row {
	int64_t	 id;
	int64_t	 tenant, owner;
	int64_t	 session;		/* 0: not stored (then question and context are NULL) */
	/* Turns of one question share it; the first turn's own id */
	int64_t	 group_id;
	/* The message that it goes on from; 0: the rest; the session's id: nothing */
	int64_t	 parent;
	int64_t	 worker;		/* the spool that runs it */
	bool	 private;
	char	*voice;			/* in which it began: "arena" */
	char	*question;
	/* text, image or document: what it holds beside its text; NULL: text */
	char	*content_type;
	char	*file_url;		/* of that image or document, or NULL */
	/* JSON array of documents that it could not rest on, or NULL */
	char	*unread;
	/* JSON array of earlier messages the client gave, or NULL */
	char	*context;
	int64_t	 api_key;		/* that pays; 0: none */
	int64_t	 created_ms, ended_ms;	/* ended 0: it runs */
};

struct answer_row {
	int64_t	 id, turn, session;
	int	 lane;
	int64_t	 model;		/* that answers: another than asked first where that failed */
	/* Running, then stop, length, content_filter, timeout, error, stopped */
	char	*status;
	char	*text, *reasoning;	/* NULL: not stored */
	/* A code of fail.def where status is error or timeout, else NULL */
	char	*error;
	char	*questions, *seams;	/* JSON, or NULL */
	int64_t	 prompt_tokens, completion_tokens;
	bool	 estimated;
	char	*cost;			/* decimal text with 10 places, so that sums are exact */
	int64_t	 created_ms, first_ms, last_ms, ended_ms;	/* 0: did not happen */
};

struct said {			/* a past question and what one lane answered, oldest first */
	int64_t	 turn, group_id;
	int64_t	 parent;	/* as in turn_row */
	char	*question;
	char	*picture;	/* file_url of a question with an image; NULL: it had none */
	char	*context;	/* as in turn_row: only of the first turn */
	int64_t	 model;		/* that answered */
	char	*text;		/* NULL or "" where the lane gave nothing */
	bool	 private;
	bool	 failed;	/* it ended as error or timeout */
};

struct citation_row {
	int64_t	 answer;
	int	 position;	/* from 0 */
	char	*body;		/* one JSON object */
};

struct tool_run_row {
	int64_t	 answer;
	int	 position;	/* from 0 */
	/*
	 * JSON: round, id, name, arguments, status, result, ms; of a call that whoever asked runs
	 * himself id, name, arguments
	 */
	char	*body;
};

/* Opening. */
int	 turn_add(struct ctx *, const struct turn_row *);
/* Status running; id, turn, session, lane, model, created_ms */
int	 answer_add(struct ctx *, const struct answer_row *);
/* Number of running answers of the session's lane (-1 lane: of any lane). -1 failed. */
int64_t	 turn_running(struct ctx *, int64_t session, int lane);
/* Newest public turn's group: id, group_id, question; NULL: none */
struct turn_row	*turn_newest_group(struct ctx *, int64_t session);
/* Answers of that lane in it */
int64_t	 turn_group_has(struct ctx *, int64_t session, int64_t group, int lane);
/* How much was asked in a session. NULL: ctx failed. */
struct tally {
	int64_t	 turns;		/* all that there are */
	int64_t	 rounds;	/* public groups that began before that one */
};
struct tally	*turn_tally(struct ctx *, int64_t session, int64_t group);
/*
 * The newest public turn of that group: question, content_type, file_url. NULL: there is no such
 * group in the session, or ctx failed.
 */
struct turn_row	*turn_of_group(struct ctx *, int64_t session, int64_t group);
/*
 * What a lane has heard and said, finished turns only: public ones, with private also its private
 * ones. before: only of groups that began before that one; 0: all.
 */
int	 turn_said(struct ctx *, int64_t session, int lane, bool private, int64_t before,
	    struct said **, size_t *n);
/*
 * The path to a message of the session, an answer or a question (a turn's id): what it went on
 * from, and so on; last itself. Where a turn on it went on from the rest, so does the path: it is
 * what the lane had said until then. *n = 0: the session has no such message.
 */
int	 turn_path(struct ctx *, int64_t session, int lane, int64_t message, struct said **,
	    size_t *n);

/* Closing. */
/*
 * Sets everything but the other ids and created_ms, only while status is running: 1, or 0
 * when it was closed before, or -1.
 */
int	 answer_close(struct ctx *, const struct answer_row *);
int	 citation_add(struct ctx *, const struct citation_row *);
/* What answers show of this document goes: part of the transaction that deletes it. 0 or -1. */
int	 citation_drop(struct ctx *, int64_t document);
int	 tool_run_add(struct ctx *, const struct tool_run_row *);
/* Their bodies, by position. */
int	 tool_run_list(struct ctx *, int64_t answer, char ***bodies, size_t *n);
/* Ends the turn when none of its answers runs any more: 1, 0 or -1. */
int	 turn_close(struct ctx *, int64_t turn, int64_t now_ms);
/*
 * The status of an answer, for the closer after a COMMIT of unknown
 * outcome. NULL: no such answer.
 */
char	*answer_status(struct ctx *, int64_t answer);
/*
 * Everything a dead worker left running: answers (with price via
 * model) of turns with that worker.
 */
struct orphan {
	int64_t	 answer, turn, session, model;
	int	 lane;
	char	*model_code;
	double	 price_in, price_out;
	int64_t	 api_key;	/* that pays; 0: none */
	int64_t	 stored;	/* turn has a session: keep the text */
	int64_t	 created_ms;
	char	*question;
};
int	 turn_orphans(struct ctx *, int64_t worker, struct orphan **, size_t *n);

/* Stopping. */
struct standing {		/* of a turn */
	int64_t	 worker;	/* the spool that runs it */
	int64_t	 ended_ms;	/* 0: it runs */
};

struct lane_end {
	int	 lane;
	char	*status;
};

/* A stored turn of that owner's; owner 0: any turn. NULL: F_NOT_FOUND, also in a deleted session */
struct standing	*turn_find(struct ctx *, int64_t owner, int64_t turn);
/* Notes that it was asked to stop: 1, 0 when it is over, or -1. */
int	 turn_stop_note(struct ctx *, int64_t turn);
/* That worker's turns that were asked to stop and have not ended. */
int	 turn_stops(struct ctx *, int64_t worker, int64_t **ids, size_t *n);
/* How its lanes stand. */
int	 turn_ends(struct ctx *, int64_t turn, struct lane_end **, size_t *n);

/* Reading. */
/* One answer in a session's history, with its question, by begin time */
struct past {
	int64_t	 turn, group_id, answer;
	bool	 private;
	int	 lane;
	int64_t	 model;
	char	*model_code;
	char	*question, *status, *text, *reasoning;
	int64_t	 created_ms, ended_ms;
	int64_t	 liked;		/* by this user: 1 */
};
/*
 * lane -1: all lanes' public answers; else that lane's public and
 * private ones. Running ones included.
 */
int	 turn_history(struct ctx *, int64_t user, int64_t session, int lane, struct past **,
	    size_t *n);
int64_t	 turn_owner(struct ctx *, int64_t turn);	/* 0: none, or no such turn; or -1 */
/* The owner's turn; NULL: none, in a deleted session, or ctx failed. */
struct turn_row	*turn_get(struct ctx *, int64_t owner, int64_t turn);
/* What was asked in a stored turn, and by whom. NULL: no such turn, or ctx failed. */
struct turn_asked {
	int64_t	 group_id;
	int64_t	 round;					/* of its group in the session, from 1 */
	char	*question, *content_type, *file_url, *unread;
	char	*author;				/* subject; NULL: nobody */
	char	*author_name, *author_avatar;		/* NULL: not known */
};
struct turn_asked	*turn_question(struct ctx *, int64_t turn);
/* One answer of a stored turn, as it is told once more; by lane. */
struct answer_told {
	int64_t	 answer;
	int	 lane;
	char	*mask, *pri_id;		/* its lane's */
	int64_t	 model;			/* that answered, */
	char	*model_code, *model_name, *model_logo;	/* its name for others; logo: or NULL */
	char	*status, *text, *reasoning, *error, *questions;
	int64_t	 prompt_tokens, completion_tokens;
	bool	 estimated;
	double	 cost;
	int64_t	 first_ms, last_ms, ended_ms;
};
int	 turn_told(struct ctx *, int64_t turn, struct answer_told **, size_t *n);
/* Their citations, by answer and position. */
int	 turn_citations(struct ctx *, int64_t turn, struct citation_row **, size_t *n);
/* Citations of every answer of the session, by answer and position. */
int	 citation_list(struct ctx *, int64_t session, struct citation_row **, size_t *n);

#endif
