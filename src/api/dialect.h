/*
 * dialect: how one family of clients is spoken to: the envelope of its failures, the voice of its
 * streams, and what the API document says of its rows beyond their own columns.
 */
#ifndef PARLEY_DIALECT_H
#define PARLEY_DIALECT_H

#include "base/ctx.h"
#include "base/json.h"
#include "base/jw.h"
#include "core/voice.h"

struct req;

/* Of the rows whose path begins with the prefix; the first that fits counts. */
struct dialect_note {
	const char		*prefix;
	const char		*tag;	/* the document's chapter */
	const struct fields	*query;	/* parameters that are read beside `in`; NULL: none */
};

struct dialect {
	const char			*name;
	/* Writes a failure's whole body. */
	void				(*fail)(struct jw *, int status, const char *sentence);
	/* The same where it says more of it than its status; NULL: `fail` writes it. */
	void				(*explain)(struct jw *, const struct fail *,
					    const char *sentence);
	const struct fields		*failure;	/* the same, for the API document */
	const struct voice		*voice;	/* NULL: it has no streams */
	const struct dialect_note	*notes;	/* ended by an empty prefix: it fits every path */
	/* A failure of a message that came by WebSocket, as one; NULL: like any other. */
	void				(*fail_message)(struct jw *, const struct req *,
					    int status, const char *sentence);
	bool				number_ids;	/* {id} in a path is an int64 */
	/* A header that may name the caller's tenant: another is refused; NULL: there is none */
	const char			*tenant;
	/*
	 * Answers a request with what an equal one has begun: that turn. NULL: its stream, from the
	 * first event on (streams_tell).
	 */
	int				(*again)(struct req *, int64_t turn);
};

extern const struct dialect	dialect_arena, dialect_copywriting, dialect_native,
				dialect_openai, dialect_release, dialect_session, dialect_visitor;

#endif
