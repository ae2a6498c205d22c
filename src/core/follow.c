/* Finding a turn that can be told again, on a request thread. */
#include "core/follow.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/ident.h"
#include "core/follow_remote.h"
#include "core/retell.h"
#include "core/running.h"
#include "core/who.h"

#define RETRY	1	/* seconds until what a dead worker left is recovered */

/*
 * Its records are there: the turn is made from the first of them, and the last tells whether
 * anything is left. -1: they are gone, damaged, or there never was one.
 */
static int
find_records(struct follow *f)
{
	struct spool_reader	*reader;
	struct registry_found	 found;
	struct spool_record	 first, last;
	int			 rv = -1;

	if (!registry_find(f->turn, &found) || found.last == 0)
		return -1;
	reader = spool_reader_new(f->engine->spool_dir);
	if (spool_reader_get(reader, found.worker, found.last, &last) == 0 &&
	    spool_reader_first(reader, found.worker, found.last, &first) == 0 &&
	    (f->told = retell_read(&first, f->engine->voices)) != NULL) {
		f->worker = found.worker;
		f->last = found.last;
		f->over = last.kind == SPOOL_DONE;
		f->events = last.event;
		f->voice = f->told->voice;
		rv = 0;
	}
	spool_reader_free(reader);
	return rv;
}

/* What can be told of a turn whose records are not on this host. */
static int
find_elsewhere(struct ctx *cx, struct follow *f, const struct turn_row *row)
{
	const struct conf	*conf = f->engine->conf;
	int			 shared = 0;

	f->voice = retell_voice(f->engine->voices, row->voice, 0);
	if (conf->cluster && f->voice != NULL &&
	    (row->ended_ms != 0 || ident_node(row->worker) != conf->node) &&
	    (shared = follow_remote_find(cx, f, row)) == -1)
		return -1;
	if (shared == 1) {
		f->source = FOLLOW_REMOTE;
		return 0;
	}
	if (row->ended_ms != 0) {
		f->source = FOLLOW_STORED;
		f->told = retell_load(cx, row, f->engine->voices);
		return f->told != NULL ? 0 : -1;
	}
	fail(cx, F_UNAVAILABLE, "turn %" PRId64, f->turn);
	cx->fail.retry_after = RETRY;
	return -1;
}

struct follow *
follow_find(struct ctx *cx, struct engine *e, int64_t turn, int64_t after)
{
	const struct turn_row	*row = turn_get(cx, cx->who->id, turn);
	struct follow		*f;

	if (row == NULL || row->session == 0) {
		if (cx->fail.kind == F_NONE)
			fail(cx, F_NOT_FOUND, "turn %" PRId64, turn);
		return NULL;
	}
	f = xcalloc(1, sizeof *f);
	f->engine = e;
	f->turn = turn;
	f->worker = row->worker;
	f->after = after < FOLLOW_STORED_EVENT ? (uint32_t)after : (uint32_t)FOLLOW_STORED_EVENT;
	if (find_records(f) == -1 && find_elsewhere(cx, f, row) == -1) {
		free(f);
		return NULL;
	}
	return f;
}

const struct voice *
follow_voice(const struct follow *f)
{
	return f->voice;
}

bool
follow_stored(const struct follow *f)
{
	return f->source == FOLLOW_STORED;
}

bool
follow_over(const struct follow *f)
{
	if (f->source == FOLLOW_STORED)
		return f->after == FOLLOW_STORED_EVENT;
	return f->over && f->events <= f->after;
}

void
follow_free(struct follow *f)
{
	if (f->told != NULL)
		turn_free(f->told);
	free(f->ahead);
	free(f);
}
