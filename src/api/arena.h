/*
 * arena (the dialect; base/arena.h is memory): several masked models answer the same question.
 * Bodies, replies and frames as the source document names them, and what its handlers share.
 */
#ifndef PARLEY_API_ARENA_H
#define PARLEY_API_ARENA_H

#include "api/dialect.h"
#include "base/json.h"
#include "core/session.h"
#include "core/turn.h"
#include "web/req.h"

/* Bodies and queries. */

struct task_new {
	char	*title, *description, *support_unit, *bus_dir, *work_goal;
};

struct task_rename {
	char	*code, *title;
};

struct task_del {
	char	*code;
};

struct chat_message {
	char	*role, *content;
};

struct chat_req {
	char		*task_id, *pri_id;
	struct list	 messages;		/* of struct chat_message */
	char		*session_id;
	int64_t		 start_time, end_time;	/* of the call records; 0: open */
};

struct combine_query {
	char	*fuse;
};

struct pri_query {
	char	*pri_id;
};

struct his_query {
	char	*session_id, *pri_id;
};

struct conv_rename {
	char	*session_id, *title;
};

struct conv_del {
	char	*session_id;
};

#define RATING_SCORES	32	/* most of one rating, */
#define RATING_NAME	64	/* and characters of a score's name */

struct rating {
	char		*pri_id;
	struct list	 scores;		/* of struct named_f64 */
	char		*remark;
};

extern const struct fields	task_new_fields, task_rename_fields, task_del_fields;
extern const struct fields	chat_req_fields, combine_query_fields;
extern const struct fields	pri_query_fields, his_query_fields;
extern const struct fields	conv_rename_fields, conv_del_fields, rating_fields;

/* Replies: the envelope with its data. */

struct result_bool {
	int	 code;
	char	*msg;
	bool	 data;
};

struct tree_node {			/* a task, or below it a session */
	char		*id, *val;
	bool		 leaf;
	struct list	 children;	/* of struct tree_node */
};

struct result_tree {
	int		 code;
	char		*msg;
	struct list	 data;		/* of struct tree_node */
};

struct conv_created {
	char		*session_id;
	struct list	 mapping;	/* of struct named_str: priIds by mask */
};

struct result_created {
	int			 code;
	char			*msg;
	struct conv_created	*data;
};

/* Frames and histories are written by arena_frame; these tables describe them. */
extern const struct fields	result_bool_fields, tree_node_fields, result_tree_fields;
extern const struct fields	result_created_fields, chat_response_fields, result_history_fields;

/* What all of a ChatResponseVO's kinds have. */
struct frame {
	const char	*session;
	int64_t		 at_ms;
	const char	*content;
	size_t		 len;
	const char	*finish;		/* NULL: null */
	char *const	*citations;		/* each one JSON object */
	size_t		 ncitations;
	const char	*mask, *mask_name, *pri_id;
};

extern const struct voice	arena_voice;

/* Opens an object and writes the frame's members; the caller adds its own and ends it. */
void	 arena_frame(struct jw *, const struct frame *);
/* The envelope with what the document says of success, by the client's language. */
char	*arena_success(const struct ctx *);
/* `data: true`. Always 0. */
int	 arena_done(struct req *);

/* "chat_<id>", in the arena. */
char	*arena_ref(struct arena *, int64_t session);
/* The caller's session by that name. -1: F_NOT_FOUND, naming field and value. */
int	 arena_open(struct ctx *, const char *field, const char *ref, struct talk *);
/* The caller's session and lane by priId. -1: the same. */
int	 arena_open_lane(struct ctx *, const char *pri_id, struct talk *);
/*
 * Fails with F_NOT_FOUND naming field and value, in place of a failure of that kind which core
 * named. Always -1.
 */
int	 arena_missing(struct ctx *, const char *field, const char *value);
bool	 arena_given(const char *);	/* neither NULL nor empty */

/*
 * Takes question and earlier messages out of the body: the last `user` message is the question. -1:
 * F_MISSING, F_VALUE.
 */
int	 arena_question(struct ctx *, const struct chat_req *, struct turn_spec *);
/* Finds call records for the question. */
int	 arena_knowledge(struct ctx *, const struct chat_req *, struct turn_spec *);
/* Opens the turn, under the request's Idempotency-Key, and gives it the connection. 0 or -1. */
int	 arena_stream(struct req *, struct turn_spec *);

#endif
