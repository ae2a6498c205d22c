/*
 * archive: whole conversations, taken out of one installation and put into another. Things are
 * called by their names, since their ids are of one database: users by subject, models by code,
 * assistants, apps, datasets and documents by name. Ids of conversations, turns and answers are
 * kept, for they say when.
 *
 * These structs are rows of the database and, by field tables, JSON.
 */
#ifndef PARLEY_STORE_ARCHIVE_H
#define PARLEY_STORE_ARCHIVE_H

#include "base/json.h"
#include "store/db.h"

struct archive_piece {		/* a citation, or a run of a tool */
	int64_t	 turn, answer;	/* of the database alone */
	int	 position;
	char	*body;		/* JSON */
};

struct archive_vote {
	int64_t	 turn, answer;	/* of the database alone */
	char	*user;
	int64_t	 created_ms;
};

struct archive_answer {
	int64_t		 id;
	int64_t		 turn;		/* of the database alone */
	int		 lane;
	char		*model, *status, *text, *reasoning, *error;
	char		*questions, *seams;	/* JSON, or NULL */
	int64_t		 prompt_tokens, completion_tokens;
	bool		 estimated;
	char		*cost;		/* decimal text */
	int64_t		 created_ms, first_ms, last_ms, ended_ms;
	struct list	 citations, tool_runs;	/* of archive_piece, by position */
	struct list	 votes;		/* of archive_vote */
};

struct archive_turn {
	int64_t		 id, group_id, parent;
	bool		 private;
	char		*voice, *question;
	char		*context;	/* JSON, or NULL */
	char		*content_type, *file_url;
	char		*unread;	/* JSON, or NULL */
	int64_t		 created_ms, ended_ms, stop_ms;
	struct list	 answers;	/* of archive_answer */
};

struct archive_lane {
	int	 lane;
	char	*model, *mask, *pri_id;
};

struct archive_rating {
	char	*user;
	int	 lane;
	char	*scores;		/* JSON */
	char	*remark;
	int64_t	 created_ms;
};

struct archive_task {
	char	*title, *description, *support_unit, *bus_dir, *work_goal;
	bool	 is_default;
	int64_t	 created_ms;
};

struct archive_session {
	int64_t			 id;
	char			*tenant, *user, *user_name, *user_avatar;
	int64_t			 task_id;	/* of the database alone */
	struct archive_task	*task;		/* NULL: it lies in none */
	char			*title, *abstract;
	int			 module;
	char			*type, *dataset, *model, *assistant;
	int			 version;	/* of the assistant; 0: none */
	char			*app, *msg_key, *visitor;
	int64_t			 created_ms, revealed_ms, answered_ms;
	struct list		 documents;	/* names */
	struct list		 lanes;		/* of archive_lane */
	struct list		 turns;		/* of archive_turn; those that have ended */
	struct list		 ratings;	/* of archive_rating */
};

/*
 * Conversations that came after id `after`, at most `most`, by id, and that began or were gone on
 * with since a time. tenant 0: of all; user NULL: of everybody, else of who is called so. 0 or -1.
 */
int	 archive_find(struct ctx *, int64_t after, int64_t tenant, const char *user,
	    int64_t since_ms, size_t most, int64_t **ids, size_t *n);
/* The greatest id of a conversation; 0: there is none; -1 failed. */
int64_t	 archive_newest(struct ctx *);
/* NULL: it is gone, or ctx failed. */
struct archive_session	*archive_get(struct ctx *, int64_t id);

enum archive_put { ARCHIVE_FAILED = -1, ARCHIVE_THERE, ARCHIVE_PUT };
/*
 * Stores it in the tenant, as its user's, who is made if need be; one transaction. Where an id is
 * taken by something else all of its ids become others of the same milliseconds. What was paid goes
 * into the ledger as nobody's. Of its dataset and documents those are found that the user has;
 * *missing: how many are not. ARCHIVE_THERE: it is there already, and stays as it is. -1:
 * F_NOT_FOUND (what it names is not here), F_CONFLICT, F_VALUE, F_RANGE.
 */
enum archive_put	 archive_put(struct ctx *, int64_t tenant, const struct archive_session *,
			    int *missing);

#endif
