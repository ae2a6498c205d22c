/*
 * /combine/chat: the models side by side, or fused into one answer; nothing of it is stored but
 * figures.
 */
#include "arena.h"

#include <string.h>

#include "api/handlers.h"
#include "core/masks.h"

#define ECHO_MAX	600	/* bytes of a session_id that every frame repeats */

/* ?fuse=<modelCode>, whatever the method; *fuse stays NULL without it. */
static int
fuse_of(struct req *r, const struct model **fuse)
{
	json_auto		*query = NULL;
	struct combine_query	 in = { 0 };
	const struct model	*m;

	if ((query = json_from_form(&r->cx, r->query, strlen(r->query))) == NULL ||
	    json_read(&r->cx, query, &combine_query_fields, &in) == -1)
		return -1;
	if (!arena_given(in.fuse))
		return 0;
	if ((m = model_get(&r->cx, in.fuse)) == NULL && r->cx.fail.kind != F_NOT_FOUND)
		return -1;
	if (m == NULL || !m->enabled || strcmp(m->kind, "chat") != 0) {
		fail_clear(&r->cx);
		return fail(&r->cx, F_VALUE, "fuse");
	}
	*fuse = m;
	return 0;
}

/* GET, POST, PUT, PATCH, DELETE, OPTIONS (with a body) /combine/chat */
int
arena_combine(struct req *r)
{
	struct ctx		*cx = &r->cx;
	struct chat_req		 in = { 0 };
	struct turn_spec	 spec = { .voice = &arena_voice };
	struct lane_row		*lanes;
	struct turn_seat	*seats;
	size_t			 n;

	if (req_read(r, &in) == -1 || arena_question(cx, &in, &spec) == -1 ||
	    fuse_of(r, &spec.fuse) == -1)
		return -1;
	if (in.session_id != NULL && strlen(in.session_id) > ECHO_MAX)
		return fail(cx, F_RANGE, "session_id");
	if ((lanes = masks_deal(cx, 0, &n)) == NULL ||
	    (seats = masks_seat(cx, lanes, n, &spec.nseats)) == NULL)
		return -1;
	for (size_t i = 0; i < spec.nseats; i++)
		seats[i].pri_id = NULL;
	if (arena_knowledge(cx, &in, &spec) == -1)
		return -1;
	spec.seats = seats;
	spec.ref = in.session_id;
	return arena_stream(r, &spec);
}

/* HEAD /combine/chat - what a stream's headers would be; no model is asked */
int
arena_combine_head(struct req *r)
{
	return req_stream_head(r, 0);
}
