/* session: a conversation of one owner and its lanes. */
#ifndef PARLEY_STORE_SESSION_H
#define PARLEY_STORE_SESSION_H

#include "store/db.h"

struct session {
	int64_t	 id;
	int64_t	 tenant, owner;
	int64_t	 task;		/* 0: none */
	char	*title;
	int64_t	 created_ms;
	int64_t	 revealed_ms;	/* when the owner's first vote took the masks off; 0: masked */
	char	*type;		/* chat, spark_dataset_chat, spark_documents_chat; read only */
	int64_t	 dataset;	/* that its answers rest on; 0: none; read only */
	int64_t	 assistant;	/* who answers in it; 0: whatever model is named */
	int64_t	 version;	/* of that assistant, asked last; 0: none */
	int64_t	 app;		/* whose runs it holds; 0: none */
	char	*msg_key;	/* what websites call it: api_ and a UUID; NULL: nothing */
	char	*visitor;	/* of a website, who talks in it; NULL: not said */
};

struct lane_row {
	int64_t	 session;
	int	 lane;		/* from 0 */
	int64_t	 model;
	char	*mask;		/* ALPHA…; NULL in a session without masks */
	char	*pri_id;	/* 32 hex digits */
};

/* Adds the session and its lanes in one transaction; ids and pri_ids are the caller's. */
int		 session_add(struct ctx *, const struct session *, const struct lane_row *,
		    size_t n);
/* F_NOT_FOUND; deleted ones too */
struct session	*session_get(struct ctx *, int64_t owner, int64_t id);
/* Whoever's, where what is in it was looked up with its owner */
struct session	*session_by_id(struct ctx *, int64_t id);
/* As session_get, with the row locked until the transaction's end. */
struct session	*session_lock(struct ctx *, int64_t owner, int64_t id);
/* The owner's by its msg_key; F_NOT_FOUND */
struct session	*session_of_key(struct ctx *, int64_t owner, const char *msg_key);
/* The newest of a visitor with an assistant, be it deleted: its id; 0: none; -1: ctx failed. */
int64_t		 session_visited(struct ctx *, int64_t owner, int64_t assistant,
		    const char *visitor);
/* By lane */
int		 session_lanes(struct ctx *, int64_t session, struct lane_row **, size_t *n);
/* The lane with that pri_id if its session is the owner's; F_NOT_FOUND. */
struct lane_row	*session_lane(struct ctx *, int64_t owner, const char *pri_id);
int		 session_rename(struct ctx *, int64_t owner, int64_t id, const char *title);
int		 session_delete(struct ctx *, int64_t owner, int64_t id);	/* soft */
/* Sets the title where it is still `from`. */
int		 session_title(struct ctx *, int64_t id, const char *from, const char *title);
int		 session_choose(struct ctx *, int64_t id, int64_t model);	/* session.model */
/* The version of its assistant that is asked from now on */
int		 session_ask(struct ctx *, int64_t id, int64_t version);
/* The first call counts */
int		 session_reveal(struct ctx *, int64_t id, int64_t now_ms);

#endif
