/*
 * Once per round what turns said is written to the spool. Then, and not before, the registry knows
 * of it, lanes that ended go to the closer, and followers hear that there is news: those of this
 * worker by a call, those of others by one letter to each of them.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/clock.h"
#include "core/running.h"

struct letter {			/* to one worker */
	int64_t	 to, *turns;
	size_t	 n;
};

struct letters {
	struct letter	*all;
	size_t		 n;
};

void
news_note(struct turn *t)
{
	struct engine	*e = t->engine;

	if (t->dirty)
		return;
	t->dirty = true;
	t->next_dirty = e->dirty;
	e->dirty = t;
}

static struct letter *
letter_to(struct letters *ls, int64_t worker)
{
	for (size_t i = 0; i < ls->n; i++)
		if (ls->all[i].to == worker)
			return &ls->all[i];
	ls->all = xrealloc(ls->all, (ls->n + 1) * sizeof *ls->all);
	ls->all[ls->n] = (struct letter){ .to = worker };
	return &ls->all[ls->n++];
}

static void
write_to(struct letters *ls, int64_t worker, int64_t turn)
{
	struct letter	*l = letter_to(ls, worker);

	if ((l->n & (l->n - 1)) == 0)		/* at powers of two it is full */
		l->turns = xrealloc(l->turns, (l->n > 0 ? 2 * l->n : 1) * sizeof *l->turns);
	l->turns[l->n++] = turn;
}

static void
unhear(struct turn *t, int64_t worker)
{
	for (int i = 0; i < t->nheard; i++)
		if (t->heard[i] == worker) {
			t->heard[i] = t->heard[--t->nheard];
			return;
		}
}

/* Who cannot be reached is dead: its followers are gone with it. */
static void
send_letters(struct engine *e, struct letters *ls)
{
	for (size_t i = 0; i < ls->n; i++) {
		const struct letter	*l = &ls->all[i];

		if (post_send(e->post, l->to, POST_NEWS, l->turns, l->n) == -1 &&
		    (errno == ENOENT || errno == ECONNREFUSED))
			for (struct turn *t = e->turns; t != NULL; t = t->next)
				unhear(t, l->to);
		free(l->turns);
	}
	free(ls->all);
}

/* What the turn said is written: its row, and those who follow it. */
static void
publish(struct turn *t, struct letters *ls)
{
	struct engine	*e = t->engine;

	if (t->row == NULL)
		t->row = registry_add(t->id, e->id, t->owner);
	if (t->done)
		registry_done(t->row, t->chain.last, clock_ms());
	else
		registry_tell(t->row, t->chain.last);
	follow_news(e, t->id, t->chain.last, t->done);
	for (int i = 0; i < t->nheard; i++)
		write_to(ls, t->heard[i], t->id);
}

static void
close_ended(struct engine *e)
{
	struct lane	*l, *next;

	for (l = e->ended; l != NULL; l = next) {
		next = l->next_closing;
		closer_put(e->closer, l);
	}
	e->ended = NULL;
}

void
news_round(void *arg)
{
	struct engine	*e = arg;
	struct letters	 ls = { 0 };
	struct turn	*t = e->dirty, *next;

	if (spool_write(e->spool) == -1)
		return;			/* all of it stays as it is for the next round */
	close_ended(e);
	for (e->dirty = NULL; t != NULL; t = next) {
		next = t->next_dirty;
		t->dirty = false;
		publish(t, &ls);
		turn_forget(t);
	}
	if (ls.n > 0)
		send_letters(e, &ls);
}

static void
hear(struct turn *t, int64_t worker)
{
	unhear(t, worker);
	t->heard = xrealloc(t->heard, ((size_t)t->nheard + 1) * sizeof *t->heard);
	t->heard[t->nheard++] = worker;
}

void
news_letter(void *arg, const struct post_letter *p)
{
	struct engine	*e = arg;
	struct turn	*t;

	for (int i = 0; i < p->n; i++) {
		t = turn_running_here(e, p->turns[i]);
		switch (p->kind) {
		case POST_FOLLOW:
			if (t != NULL)
				hear(t, p->from);
			break;
		case POST_LEAVE:
			if (t != NULL)
				unhear(t, p->from);
			break;
		case POST_NEWS:
			follow_look(e, p->turns[i]);
			break;
		case POST_STOP:
			if (t != NULL)
				turn_stop(t);
			break;
		}
	}
	/* Between its look into the registry and this letter something may have been said. */
	if (p->kind == POST_FOLLOW)
		post_send(e->post, p->from, POST_NEWS, p->turns, (size_t)p->n);
}
