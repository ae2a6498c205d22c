/* Followers on the relay loop: each gets what its peer takes, and goes on when there is more. */
#include <stdlib.h>

#include "base/arena.h"
#include "base/log.h"
#include "core/follow_remote.h"
#include "core/retell.h"
#include "core/running.h"

#define AT_ONCE	SPOOL_MARK_EVERY	/* events whose positions are read at once */

static void	on_gone(struct peer *, void *);
static void	on_drained(struct peer *, void *);

bool
follow_any(const struct engine *e, int64_t turn)
{
	const struct follow	*f = e->follow_table[table_slot(turn)];

	while (f != NULL && f->turn != turn)
		f = f->same;
	return f != NULL;
}

/* Whoever runs the turn tells this worker of its news, or not any more. */
static void
write_to_worker(const struct follow *f, enum post_kind kind)
{
	if (f->source == FOLLOW_SPOOL && f->worker != f->engine->id && !f->over)
		post_send(f->engine->post, f->worker, kind, &f->turn, 1);
}

static void
join(struct follow *f)
{
	struct engine	*e = f->engine;
	struct follow	**slot = &e->follow_table[table_slot(f->turn)];

	f->same = *slot;
	*slot = f;
	f->next = e->follows;
	f->prev = &e->follows;
	if (e->follows != NULL)
		e->follows->prev = &f->next;
	e->follows = f;
	if (f->source == FOLLOW_REMOTE)
		follow_remote_add(f);
	if (f->first != 0)
		spool_hold(e->spool, f->first);
	f->peer->owner = f;
	f->peer->on_gone = on_gone;
	f->peer->on_drained = on_drained;
}

/* The follower is gone; its peer is not its affair any more. */
static void
leave(struct follow *f)
{
	struct engine	*e = f->engine;
	struct follow	**p = &e->follow_table[table_slot(f->turn)];

	while (*p != f)
		p = &(*p)->same;
	*p = f->same;
	*f->prev = f->next;
	if (f->next != NULL)
		f->next->prev = f->prev;
	if (!follow_any(e, f->turn))
		write_to_worker(f, POST_LEAVE);
	if (f->source == FOLLOW_REMOTE)
		follow_remote_drop(f);
	if (f->first != 0)
		spool_turn_done(e->spool, f->first);
	follow_free(f);
}

/* All was told. */
static void
finish(struct follow *f)
{
	struct peer	*p = f->peer;

	leave(f);
	peer_end(p);
}

/*
 * What stands between its last event and the next is lost: better none than one left out. Of a
 * turn of this worker that is damage; another's spool may just have gone.
 */
static void
give_up(struct follow *f)
{
	if (f->first != 0)
		log_error("a client cannot get its events: the spool is damaged",
		    LOG_S("rid", f->told->rid), LOG_I("turn", f->turn),
		    LOG_I("event", f->after + 1));
	else
		log_warn("a client cannot get its events any more", LOG_S("rid", f->told->rid),
		    LOG_I("turn", f->turn), LOG_I("event", f->after + 1));
	f->asker = false;		/* it is we who leave */
	peer_leave(f->peer);
}

/* Of what is stored only the end has a number: who leaves before it gets all of it again. */
static void
on_message(void *arg, const char *msg, size_t len)
{
	const struct follow	*f = ((struct engine *)arg)->following;

	if (f->source != FOLLOW_STORED)
		peer_message(f->peer, msg, len, f->turn, f->after);
	else if (retell_is_last(f->told, f->step))
		peer_message(f->peer, msg, len, f->turn, FOLLOW_STORED_EVENT);
	else
		peer_message(f->peer, msg, len, 0, 0);
}

static struct out *
speak(struct follow *f)
{
	struct engine	*e = f->engine;

	e->following = f;
	e->out.message = on_message;
	return &e->out;
}

/* An event: the next after those that the peer has. */
static void
tell(struct follow *f, const struct spool_record *r)
{
	struct lane	*l;

	f->after = r->event;
	if (r->kind == SPOOL_MESSAGE)
		peer_message(f->peer, r->data, r->len, f->turn, f->after);
	else if ((l = turn_lane(f->told, r->lane)) != NULL)
		f->voice->delta(speak(f), l, &(struct delta){ .text = r->data, .len = r->len,
		    .flags = r->flags, .at_ms = r->at_ms });
}

/*
 * Looks up where its next events are: on the way back from the last record all that lie between are
 * read. 1; 0: there are none; -1: one of them cannot be read.
 */
static int
look_ahead(struct follow *f)
{
	ssize_t	 n;

	free(f->ahead);
	f->ahead = xmalloc(AT_ONCE * sizeof *f->ahead);
	n = spool_reader_events(f->engine->reader, f->worker, f->last, f->after, f->ahead, AT_ONCE);
	f->next_ahead = 0;
	f->nahead = n > 0 ? (size_t)n : 0;
	if (n > 0)
		return 1;
	free(f->ahead);
	f->ahead = NULL;
	return (int)n;
}

/* As many of the records as the peer takes. -1: one of them cannot be read. */
static int
read_on(struct follow *f)
{
	struct spool_record	 r;
	int			 more;

	while (!peer_is_high(f->peer)) {
		if (f->next_ahead == f->nahead && (more = look_ahead(f)) != 1)
			return more;
		if (spool_reader_get(f->engine->reader, f->worker, f->ahead[f->next_ahead++],
		    &r) == -1)
			return -1;
		tell(f, &r);
	}
	return 0;
}

/* Tells what there is to tell now; the follower may be gone afterwards. */
static void
go_on(struct follow *f)
{
	if (f->source == FOLLOW_STORED) {
		for (; !peer_is_high(f->peer); f->step++)
			if (!retell_step(f->told, f->step, speak(f))) {
				finish(f);
				return;
			}
	} else if (f->source == FOLLOW_REMOTE) {
		follow_remote_more(f);
	} else if (f->last != 0) {
		if (read_on(f) == -1)
			give_up(f);
		else if (f->over && f->after >= f->events)
			finish(f);
	}
}

static void
on_drained(struct peer *p, void *arg)
{
	(void)p;
	go_on(arg);
}

static void
on_gone(struct peer *p, void *arg)
{
	struct follow	*f = arg;
	struct turn	*t = turn_running_here(f->engine, f->turn);
	bool		 stop = f->asker && f->engine->cancel_gone;

	(void)p;
	leave(f);
	if (stop && t != NULL)
		turn_stop(t);
}

/* Up to `last` there are records; how many events there are in all stands in the very last. */
static void
extend(struct follow *f, uint64_t last, bool over)
{
	struct spool_record	 r;

	f->last = last;
	if (over && !f->over) {
		if (spool_reader_get(f->engine->reader, f->worker, last, &r) == -1) {
			give_up(f);
			return;
		}
		f->over = true;
		f->events = r.event;
	}
	go_on(f);
}

void
follow_news(struct engine *e, int64_t turn, uint64_t last, bool over)
{
	struct follow	*f, *next;

	for (f = e->follow_table[table_slot(turn)]; f != NULL; f = next) {
		next = f->same;
		if (f->turn == turn && f->source == FOLLOW_SPOOL && (f->last != last || over))
			extend(f, last, over);
	}
}

void
follow_look(struct engine *e, int64_t turn)
{
	struct registry_found	 found;

	if (registry_find(turn, &found) && found.last != 0)
		follow_news(e, turn, found.last, found.done_ms != 0);
}

/* Where its turn begins: the records before the first event are few. 0: they are gone. */
static uint64_t
first_position(const struct follow *f)
{
	struct spool_reader	*reader = f->engine->reader;
	struct spool_record	 r;
	uint64_t		 pos;

	if (spool_reader_events(reader, f->worker, f->last, 0, &pos, 1) != 1)
		pos = f->last;
	while (spool_reader_get(reader, f->worker, pos, &r) == 0) {
		if (r.prev == 0)
			return pos;
		pos = r.prev;
	}
	return 0;
}

/* On the loop. */
static void
start(void *arg)
{
	struct follow		*f = arg;
	struct engine		*e = f->engine;
	struct registry_found	 found;

	if (f->source == FOLLOW_SPOOL && f->worker == e->id)
		f->first = first_position(f);
	join(f);
	peer_join(e->peers, f->peer);
	f->peer->buf.cap = 0;	/* it gets a message when it has room, and those have a cap */
	peer_begin(f->peer, f->turn);
	write_to_worker(f, POST_FOLLOW);
	/* Of what was said since it was found nobody told us. */
	if (f->source == FOLLOW_SPOOL && !f->over && registry_find(f->turn, &found) &&
	    found.last != 0)
		extend(f, found.last, found.done_ms != 0);
	else
		go_on(f);
}

void
follow_run(struct follow *f, struct peer *p)
{
	f->peer = p;
	loop_post(f->engine->loop, start, f);
}

/* The turn, as if it were read from its first record. */
static struct turn *
told_again(const struct turn *t)
{
	struct str	 s = STR_INIT(0);
	struct turn	*again;

	retell_write(&s, t);
	again = retell_read(&(struct spool_record){ .turn = t->id, .kind = SPOOL_BEGIN,
	    .data = s.p, .len = s.len }, t->engine->voices);
	str_free(&s);
	return again;
}

void
follow_give(struct turn *t)
{
	struct follow	*f = xcalloc(1, sizeof *f);

	f->engine = t->engine;
	f->turn = t->id;
	f->worker = t->engine->id;
	f->voice = t->voice;
	f->told = told_again(t);
	f->peer = t->peer;
	f->after = t->chain.events;
	f->first = t->chain.first;
	f->asker = true;
	t->peer = NULL;
	join(f);			/* it goes on at the next news */
}

/* Letters may be lost, and the dead write none. False: nobody knows of the turn any more. */
static bool
look_again(struct follow *f)
{
	struct registry_found	 found;

	if (!registry_find(f->turn, &found))
		return f->worker == f->engine->id;	/* there was no room for a row */
	if (found.last != 0 && (found.last != f->last || found.done_ms != 0))
		extend(f, found.last, found.done_ms != 0);
	return true;
}

void
follow_tick(struct engine *e)
{
	int64_t		 quiet = (int64_t)e->conf->ping * 1000;
	struct follow	*f, *next;

	for (f = e->follows; f != NULL; f = next) {
		next = f->next;
		if (loop_now(e->loop) - f->peer->queued_at >= quiet)
			peer_ping(f->peer);
		if (f->source == FOLLOW_SPOOL && !f->over && !look_again(f))
			give_up(f);
	}
}

void
follow_fail_all(struct engine *e)
{
	struct follow	*f, *next;

	for (f = e->follows; f != NULL; f = next) {
		next = f->next;
		if (f->over || f->source != FOLLOW_SPOOL)
			peer_leave(f->peer);
	}
}

void
follow_free_all(struct engine *e)
{
	while (e->follows != NULL)
		leave(e->follows);
}

/* From another host. */

bool
follow_wants(const struct follow *f)
{
	return !peer_is_high(f->peer);
}

void
follow_record(struct follow *f, const struct spool_record *r)
{
	if (r->kind == SPOOL_BEGIN && f->told == NULL)
		f->told = retell_read(r, f->engine->voices);
	else if ((r->kind == SPOOL_DELTA || r->kind == SPOOL_MESSAGE) && r->event > f->after &&
	    f->told != NULL)
		tell(f, r);
}

void
follow_end(struct follow *f)
{
	finish(f);
}
