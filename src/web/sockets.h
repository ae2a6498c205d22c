/* sockets: what the parts of socket.h share. Private to web; on the loop unless it says else. */
#ifndef PARLEY_SOCKETS_H
#define PARLEY_SOCKETS_H

#include <stdatomic.h>

#include "frames.h"
#include "handshake.h"
#include "serving.h"
#include "socket.h"

struct sockets {
	const struct conf	*conf;
	struct loop		*loop;
	struct peers		*peers;
	struct handshakes	*handshakes;
	struct worker		*worker;	/* of the connection that came last */
	struct socket		*first;
	int64_t			 ticked_ms;
	bool			 retiring;
	atomic_int		 open;		/* sockets, and connections of the handshakes */
};

/* What a job has to say. */
struct said {
	int		 status;	/* 0: nothing */
	const char	*type;
	struct str	 headers, body;
	enum fail_kind	 why;		/* F_NONE: it did not fail */
};

struct socket {
	struct peer		 peer;		/* first: it is the socket; fd -1: not open yet */
	struct sockets		*all;
	struct worker		*worker;
	struct socket		*next, **prev;	/* of those that are open */
	struct handshake	*handshake;	/* NULL: it is over */
	struct arena		*a;
	char *const		*params;	/* of the handshake */
	struct request_note	 note;		/* of the connection */
	struct places		 places;
	bool			 admitted;
	int64_t			 messages;	/* of the client */
	int64_t			 bytes;		/* framed for him */

	/* While a job runs these are its own, and nothing is read. */
	bool			 job;
	int64_t			 job_ms;	/* when it began */
	enum req_for		 why;
	struct frames_in	 in;		/* the message */
	struct said		 said;

	/* The turn that streams to it. Begun by a job, ended on the loop. */
	atomic_bool		 streaming;
	_Atomic int64_t		 turn_id;
	struct request_note	 turn;
	struct places		 turn_places;
	int64_t			 turn_bytes;	/* `bytes` when it began */

	struct frames		*frames;
	struct str		 early;		/* bytes that came with the handshake */
	size_t			 budget;	/* bytes that may be read in this round */
	int64_t			 heard_ms, pinged_ms;
	int64_t			 checked_ms;	/* when was it asked last, may it still be? */
	int64_t			 until_ms;	/* wall: its token's end; 0: it has none */
	int64_t			 closing_ms;	/* since when we want to close; 0: we do not */
	int			 code;		/* with which it was closed */
	bool			 stalled;	/* the client does not read all that we have */
	bool			 broken;	/* it broke the rules: nothing is read any more */
	bool			 eof, lost;	/* lost: seen while a job ran */
	bool			 ended;		/* closed while a job ran, which frees it */
};

/* socket.c */
void	 socket_open(struct socket *, int fd, const void *early, size_t n);
void	 socket_close(struct socket *, int code);
void	 socket_tick(struct socket *, int64_t now);	/* it may be gone afterwards */
void	 socket_free(struct socket *);
bool	 socket_idle(const struct socket *);

/* socket_job.c */
/* Begins a job; socket_worked follows on the loop. */
void	 socket_work(struct socket *, enum req_for);
void	 socket_worked(void *socket);
void	 socket_answer(struct socket *);	/* sockets.c: the handshake, after its job */
/* Log and figures, by a job. */
void	 socket_turn_over(struct socket *, bool gone);
void	 socket_over(struct socket *);

#endif
