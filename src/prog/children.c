#include "children.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"

#define RESPAWN		50		/* ms until a dead worker's successor starts */
#define RESPAWN_MOST	5000		/* when they keep dying at once */
#define AT_ONCE		1000		/* ms of life */

static struct child *
child_add(struct children *cs, enum child_kind kind, int number)
{
	struct child	*c;

	if (cs->n == cs->size) {
		cs->size = cs->size == 0 ? 16 : cs->size * 2;
		cs->v = xrealloc(cs->v, cs->size * sizeof(*cs->v));
	}
	c = &cs->v[cs->n++];
	*c = (struct child){ .kind = kind, .number = number, .wanted = true, .fresh = true,
		.delay = RESPAWN };
	return c;
}

static void
child_start(struct children *cs, struct child *c)
{
	c->started = clock_mono_ms();
	c->ready = false;
	fflush(NULL);
	if ((c->pid = fork()) == 0) {
		cs->run(cs->arg, c->kind, c->number);
		abort();
	}
	if (c->pid == -1) {
		log_error("fork", LOG_S("error", strerror(errno)));
		c->pid = 0;
		c->due = c->started + RESPAWN_MOST;
	}
}

void
children_start(struct children *cs, enum child_kind kind, int n)
{
	int	i;

	for (i = 1; i <= n; i++)
		child_start(cs, child_add(cs, kind, i));
}

bool
children_ready(const struct children *cs)
{
	size_t	i;

	for (i = 0; i < cs->n; i++)
		if (cs->v[i].fresh && cs->v[i].wanted && !cs->v[i].ready)
			return false;
	return true;
}

void
children_settle(struct children *cs)
{
	size_t	i;

	for (i = 0; i < cs->n; i++)
		cs->v[i].fresh = false;
}

struct child *
children_find(struct children *cs, pid_t pid)
{
	size_t	i;

	for (i = 0; i < cs->n; i++)
		if (cs->v[i].pid == pid)
			return &cs->v[i];
	return NULL;
}

void
children_again(struct child *c)
{
	int64_t	now = clock_mono_ms();

	if (now - c->started >= AT_ONCE)
		c->delay = RESPAWN;
	c->due = now + c->delay;
	c->delay = c->delay * 2 < RESPAWN_MOST ? c->delay * 2 : RESPAWN_MOST;
	c->pid = 0;
	c->ready = false;
}

void
children_remove(struct children *cs, struct child *c)
{
	*c = cs->v[--cs->n];
}

void
children_signal(struct children *cs, int sig)
{
	size_t	i;

	for (i = 0; i < cs->n; i++)
		if (cs->v[i].pid != 0)
			kill(cs->v[i].pid, sig);
}

void
children_dismiss(struct children *cs, bool fresh, int sig)
{
	struct child	*c;
	size_t		 i;

	for (i = cs->n; i-- > 0;) {
		c = &cs->v[i];
		if (!c->wanted || c->fresh != fresh)
			continue;
		c->wanted = false;
		if (c->pid == 0)
			children_remove(cs, c);
		else
			kill(c->pid, sig);
	}
}

int64_t
children_due(struct children *cs)
{
	int64_t	now = clock_mono_ms(), next = INT64_MAX;
	size_t	i;

	for (i = 0; i < cs->n; i++)
		if (cs->v[i].pid == 0 && cs->v[i].due <= now)
			child_start(cs, &cs->v[i]);
	for (i = 0; i < cs->n; i++)
		if (cs->v[i].pid == 0 && cs->v[i].due < next)
			next = cs->v[i].due;
	return next;
}
