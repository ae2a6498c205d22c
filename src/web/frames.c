#include "frames.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <wslay/wslay.h>

#include "base/arena.h"
#include "base/utf8.h"

#define KEEP	1024	/* bytes: the memory of a longer message is given back */

struct frames {
	wslay_frame_context_ptr	 ctx;
	ssize_t			(*read)(void *, void *, size_t);
	void			*arg;
	struct str		*out;		/* of frames_put, while it runs */

	bool			 broken, lost;	/* lost: nobody knows where a frame begins */
	bool			 dry;		/* the last read gave nothing */
	/* The frame whose content is coming. */
	bool			 inside;
	uint64_t		 left;
	int			 opcode;
	bool			 last;
	/* The message so far, and how much of it is known to be UTF-8. */
	struct str		 message;
	size_t			 checked;
	bool			 begun, told;
	char			 control[FRAMES_CONTROL_MAX];
	size_t			 ncontrol;
};

static ssize_t
on_recv(uint8_t *p, size_t n, int flags, void *arg)
{
	struct frames	*f = arg;
	ssize_t		 got = f->read(f->arg, p, n);

	(void)flags;
	f->dry = got <= 0;
	return f->dry ? -1 : got;
}

/* All of it, always: a str that is full drops it, and its owner gives the connection up. */
static ssize_t
on_send(const uint8_t *p, size_t n, int flags, void *arg)
{
	struct frames	*f = arg;

	(void)flags;
	str_put(f->out, p, n);
	return (ssize_t)n;
}

struct frames *
frames_new(ssize_t (*read)(void *, void *, size_t), void *arg)
{
	const struct wslay_frame_callbacks	 ops = {
		.recv_callback = on_recv, .send_callback = on_send,
	};
	struct frames				*f = xcalloc(1, sizeof(*f));

	f->read = read;
	f->arg = arg;
	f->message.cap = FRAMES_MESSAGE_MAX;
	if (wslay_frame_context_init(&f->ctx, &ops, f) != 0)
		out_of_memory();
	return f;
}

void
frames_free(struct frames *f)
{
	if (f == NULL)
		return;
	wslay_frame_context_free(f->ctx);
	str_free(&f->message);
	free(f);
}

static bool
is_control(int opcode)
{
	return opcode >= FRAME_CLOSE;
}

/* The head of a frame has come. 0, or how to close. */
static int
begin(struct frames *f, const struct wslay_frame_iocb *io)
{
	f->inside = true;
	f->left = io->payload_length;
	f->opcode = io->opcode;
	f->last = io->fin;
	f->ncontrol = 0;
	/* No extension is ever agreed on, and a client has to mask. */
	if (io->rsv != 0 || !io->mask)
		return CLOSE_PROTOCOL;
	switch (f->opcode) {
	case FRAME_CLOSE:
	case FRAME_PING:
	case FRAME_PONG:
		return 0;		/* their form is wslay's to check */
	case FRAME_CONTINUATION:
		if (!f->begun)
			return CLOSE_PROTOCOL;
		break;
	case FRAME_TEXT:
	case FRAME_BINARY:
		if (f->begun)
			return CLOSE_PROTOCOL;
		f->begun = true;
		break;
	default:
		return CLOSE_PROTOCOL;
	}
	return f->left > FRAMES_MESSAGE_MAX - f->message.len ? CLOSE_LARGE : 0;
}

/* Is the message UTF-8 as far as it goes? An unfinished character may be the beginning of one. */
static bool
check(struct frames *f)
{
	const char	*p = f->message.p;
	size_t		 rest;

	f->checked += utf8_good(p + f->checked, f->message.len - f->checked);
	rest = f->message.len - f->checked;
	return rest == 0 || (!(f->last && f->left == 0) &&
	    rest == utf8_partial(p + f->checked, rest));
}

/* A piece of the frame's content. */
static int
take(struct frames *f, const struct wslay_frame_iocb *io)
{
	f->left -= io->data_length;
	if (is_control(f->opcode)) {
		memcpy(f->control + f->ncontrol, io->data, io->data_length);
		f->ncontrol += io->data_length;
		return 0;
	}
	str_put(&f->message, io->data, io->data_length);
	return f->message.len == 0 || check(f) ? 0 : CLOSE_UTF8;
}

static enum frames_got
broken(struct frames *f, struct frames_in *in, int code)
{
	f->broken = true;
	str_free(&f->message);
	*in = (struct frames_in){ .code = code };
	return FRAMES_BROKEN;
}

/* Codes that may be sent: those of the RFC and its registry, and those free for use. */
static bool
code_allowed(int code)
{
	return (code >= 1000 && code <= 1014 && (code < 1004 || code > 1006)) ||
	    (code >= 3000 && code <= 4999);
}

static enum frames_got
close_frame(struct frames *f, struct frames_in *in)
{
	const unsigned char	*p = (const unsigned char *)f->control;

	in->code = CLOSE_NONE;
	if (f->ncontrol == 0 || f->broken)
		return FRAMES_CLOSE;
	if (f->ncontrol == 1)
		return broken(f, in, CLOSE_PROTOCOL);
	in->code = p[0] << 8 | p[1];
	if (!code_allowed(in->code))
		return broken(f, in, CLOSE_PROTOCOL);
	return utf8_valid(f->control + 2, f->ncontrol - 2) ? FRAMES_CLOSE :
	    broken(f, in, CLOSE_UTF8);
}

/* The frame is whole. NONE: it says nothing yet. */
static enum frames_got
end(struct frames *f, struct frames_in *in)
{
	f->inside = false;
	if (f->opcode == FRAME_CLOSE)
		return close_frame(f, in);
	if (f->broken)
		return FRAMES_NONE;
	if (is_control(f->opcode)) {
		*in = (struct frames_in){ .p = f->control, .n = f->ncontrol };
		return f->opcode == FRAME_PING ? FRAMES_PING : FRAMES_PONG;
	}
	if (!f->last)
		return FRAMES_NONE;
	f->told = true;
	*in = (struct frames_in){ .p = f->message.p != NULL ? f->message.p : "",
	    .n = f->message.len };
	return FRAMES_MESSAGE;
}

/* What was told is not needed any more. */
static void
forget(struct frames *f)
{
	if (!f->told)
		return;
	f->begun = f->told = false;
	f->checked = 0;
	if (f->message.size > KEEP)
		str_free(&f->message);
	else
		str_reset(&f->message);
}

/* After a breach everything is passed over. */
static void
pass_over(struct frames *f, const struct wslay_frame_iocb *io)
{
	if (!f->inside) {
		f->inside = true;
		f->left = io->payload_length;
		f->opcode = io->opcode;
	}
	f->left -= io->data_length;
	f->ncontrol = 0;
}

enum frames_got
frames_next(struct frames *f, struct frames_in *in)
{
	struct wslay_frame_iocb	 io;
	enum frames_got		 got;
	int			 code = 0;

	forget(f);
	while (!f->lost) {
		memset(&io, 0, sizeof(io));
		switch (wslay_frame_recv(f->ctx, &io)) {
		case WSLAY_ERR_WANT_READ:	/* also after a read that gave too little */
			if (f->dry)
				return FRAMES_NONE;
			continue;
		case WSLAY_ERR_PROTO:
		case WSLAY_ERR_INVALID_CALLBACK:
			f->lost = true;
			return f->broken ? FRAMES_NONE : broken(f, in, CLOSE_PROTOCOL);
		default:
			break;
		}
		if (f->broken)
			pass_over(f, &io);
		else if ((!f->inside && (code = begin(f, &io)) != 0) ||
		    (code = take(f, &io)) != 0) {
			/* Its first piece, which begin refused, is passed over as well. */
			if (io.data_length > 0 && f->left == io.payload_length)
				f->left -= io.data_length;
			f->inside = f->left > 0;
			return broken(f, in, code);
		}
		if (f->left == 0 && (got = end(f, in)) != FRAMES_NONE)
			return got;
	}
	return FRAMES_NONE;
}

void
frames_put(struct frames *f, struct str *to, enum frame_kind kind, const void *p, size_t n)
{
	struct wslay_frame_iocb	io = {
		.fin = 1, .opcode = (uint8_t)kind, .payload_length = n, .data = p, .data_length = n,
	};

	f->out = to;
	wslay_frame_send(f->ctx, &io);
	f->out = NULL;
}

void
frames_put_close(struct frames *f, struct str *to, int code)
{
	const uint8_t	p[2] = { (uint8_t)(code >> 8), (uint8_t)code };

	frames_put(f, to, FRAME_CLOSE, p, code == CLOSE_NONE ? 0 : sizeof(p));
}
