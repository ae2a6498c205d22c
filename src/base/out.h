/*
 * out: where a voice writes its messages, unframed. Each whole message goes to one function, which
 * spools it, frames it for whoever listens (SSE, WebSocket, buffer) or keeps it.
 */
#ifndef PARLEY_OUT_H
#define PARLEY_OUT_H

#include "str.h"

struct out {
	struct str	 buf;		/* the message being written; give it to jw_open */
	void		(*message)(void *arg, const char *, size_t);
	void		*arg;
};

static inline void
msg_open(struct out *o)
{
	str_reset(&o->buf);
}

static inline void
msg_close(struct out *o)
{
	o->message(o->arg, o->buf.p != NULL ? o->buf.p : "", o->buf.len);
}

/* A message that is this text. */
static inline void
msg_text(struct out *o, const char *text)
{
	msg_open(o);
	str_puts(&o->buf, text);
	msg_close(o);
}

#endif
