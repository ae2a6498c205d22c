/* Dialogues: what is asked in them, with an assistant and without. */
#include "copywriting.h"

#include <inttypes.h>
#include <string.h>

#include "api/handlers.h"
#include "base/ident.h"
#include "core/assistant.h"
#include "core/attach.h"
#include "core/chat.h"
#include "core/who.h"
#include "store/document.h"
#include "store/model.h"
#include "store/tool.h"

#define DOCUMENTS_MAX	1000	/* of the caller that an answer rests on: the newest */

/* What the turn is made of. */
struct asking {
	struct copywriting_ask			 in;
	const struct assistant_version		*version;	/* NULL: none */
	struct talk				*talk;
	bool					 fresh;		/* it begins with the turn */
	const struct dialogue_state		*state;		/* NULL where it does */
	struct turn_seat			 seat;
	struct plan_spec			 plan;
	struct turn_spec			 spec;
};

/* A member that may stand in the message, too. */
static const char *
either(const char *here, const char *there)
{
	return here != NULL && *here != '\0' ? here : there;
}

static bool
is_blank(const char *s)
{
	return s[strspn(s, " \t\r\n")] == '\0';
}

static int
check(struct ctx *cx, const struct copywriting_ask *in)
{
	char *const	*workflows = in->workflows.p;

	if (is_blank(in->said->content))
		return fail(cx, F_MISSING, "speechUserDialogueMessage.content");
	return in->workflows.n > 0 ? fail(cx, F_NOT_FOUND, "workflows %s", workflows[0]) : 0;
}

/* The enabled chat model that is asked where none is named: one of these, else the first. */
static const struct model *
likely(struct ctx *cx, const int64_t *ids, size_t n)
{
	struct model	*all;
	size_t		 nall;

	if (model_list_chat(cx, &all, &nall) == -1)
		return NULL;
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < nall; k++)
			if (all[k].id == ids[i])
				return &all[k];
	return nall > 0 ? all : fail_null(cx, F_UNAVAILABLE, "models");
}

static int
choose_model(struct ctx *cx, struct asking *a)
{
	const struct assistant_version	*v = a->version;
	int64_t				 ids[3] = { 0 };

	a->seat.model = copywriting_model(cx, a->in.model, "chat");
	if (a->seat.model != NULL || cx->fail.kind != F_NONE)
		return a->seat.model != NULL ? 0 : -1;
	if (a->state != NULL && (v == NULL || a->talk->session->version == v->id))
		ids[0] = a->state->model;
	if (v != NULL)
		ids[1] = v->model;
	if (a->talk != NULL)
		ids[2] = a->talk->lanes->model;
	a->seat.model = likely(cx, ids, 3);
	return a->seat.model != NULL ? 0 : -1;
}

/* The version of the assistant that the path names, else of the one that the dialogue is with. */
static int
find_version(struct req *r, struct asking *a)
{
	struct ctx		*cx = &r->cx;
	const struct session	*s = a->talk != NULL ? a->talk->session : NULL;
	int64_t			 id = s != NULL ? s->version : 0;

	if (r->hit.args[0] != NULL && copywriting_arg(r, "assistant version", &id) == -1)
		return -1;
	if (id != 0 && (a->version = assistant_version_get(cx, cx->who->tenant, id)) == NULL)
		return -1;
	if (s != NULL && s->assistant != (a->version != NULL ? a->version->assistant : 0))
		return fail(cx, F_VALUE, "id");
	return 0;
}

/* The dialogue that goes on. */
static int
find_dialogue(struct ctx *cx, struct asking *a)
{
	int64_t	 id;

	if (copywriting_id(cx, "id", either(a->in.id, a->in.said->id), &id) == -1)
		return -1;
	if (id == 0)
		return 0;
	a->talk = arena_get(cx->a, sizeof(*a->talk));
	if (chat_open(cx, id, a->talk) == -1)
		return -1;
	return (a->state = dialogue_state(cx, id)) != NULL ? 0 : -1;
}

/* One that begins with this turn. */
static void
begin(struct ctx *cx, struct asking *a)
{
	struct session	*s;

	if (a->talk != NULL)
		return;
	a->talk = chat_make(cx, a->seat.model->id);
	s = a->talk->session;
	if (a->in.name != NULL && *a->in.name != '\0')
		s->title = a->in.name;
	if (a->version != NULL) {
		s->assistant = a->version->assistant;
		s->version = a->version->id;
	}
	a->fresh = true;
}

/* The message that it goes on from. What is none of the dialogue's is wrong, heard or not. */
static int
find_parent(struct ctx *cx, struct asking *a, int64_t *parent)
{
	const int64_t	 dialogue = a->talk->session->id;
	const char	*said = either(a->in.said->parent, a->in.parent);
	int		 has;

	*parent = a->state != NULL && a->state->newest != 0 ? a->state->newest : dialogue;
	if (said == NULL || *said == '\0')
		return 0;
	if (!ident_parse(said, parent))
		return fail(cx, F_VALUE, "parentId");
	if (*parent == dialogue)
		return 0;
	if ((has = dialogue_has(cx, dialogue, *parent)) == 0)
		return fail(cx, F_VALUE, "parentId");
	return has == 1 ? 0 : -1;
}

/* The documents of the caller that can be read. */
static int
rest_on_own(struct ctx *cx, struct asking *a)
{
	struct document	*d;
	int64_t		 total;
	size_t		 n, ready = 0;

	if (document_search(cx, cx->who->id, "", 0, DOCUMENTS_MAX, &d, &n, &total) == -1)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (strcmp(d[i].status, "ready") == 0 && strcmp(d[i].type, "image") != 0)
			d[ready++] = d[i];
	return attach_knowledge(cx, d, ready, &a->spec);
}

static int
take_tools(struct ctx *cx, struct asking *a)
{
	char *const	*names = a->in.tools.p;
	const size_t	 n = a->in.tools.n;
	struct tool	*tools = arena_array(cx->a, n, sizeof(*tools)), *one;

	for (size_t i = 0; i < n; i++) {
		if ((one = tool_get(cx, names[i])) == NULL)
			return -1;
		tools[i] = *one;
	}
	assistant_equip(cx, tools, n, &a->plan);
	a->spec.plan = &a->plan;
	return 0;
}

/* What the model is told beside the dialogue, and can do. */
static int
equip(struct ctx *cx, struct asking *a)
{
	const int64_t	 parent = a->spec.parent;

	if (a->version != NULL) {
		if (assistant_prepare(cx, a->version, &a->spec, &a->plan) == -1)
			return -1;
		a->plan.suggest = false;	/* nobody would see what it suggests */
		/* One without context hears nothing: each question begins a branch of its own. */
		a->spec.parent = a->spec.parent == -1 ? a->talk->session->id : parent;
		return 0;
	}
	if (a->in.is_kb && rest_on_own(cx, a) == -1)
		return -1;
	return a->in.tools.n > 0 ? take_tools(cx, a) : 0;
}

/* All but what the model is told: where, who, what. */
static void
place(struct req *r, struct asking *a, int64_t parent)
{
	a->seat.lane = a->talk->lanes->lane;
	a->seat.pri_id = a->talk->lanes->pri_id;
	a->spec = (struct turn_spec){
		.voice = &copywriting_voice, .entitle = true, .session = a->talk->session,
		.seats = &a->seat, .nseats = 1, .choice = a->seat.model, .parent = parent,
		.question = a->in.said->content, .idem_key = r->idem_key,
		.idem_body = r->idem_body,
	};
	if (a->fresh) {
		a->spec.fresh = a->talk->lanes;
		a->spec.nfresh = a->talk->nlanes;
	} else
		a->spec.ref = copywriting_ref(r->cx.a, a->state->tokens, a->state->cost);
}

/* POST /copywriting/dialogue/sse/send-message, and with the id of an assistant's version */
int
copywriting_send_message(struct req *r)
{
	struct ctx	*cx = &r->cx;
	struct asking	 a = { 0 };
	struct turn	*t;
	int64_t		 parent;

	if (req_read(r, &a.in) == -1 || check(cx, &a.in) == -1 || find_dialogue(cx, &a) == -1 ||
	    find_version(r, &a) == -1 || choose_model(cx, &a) == -1)
		return -1;
	begin(cx, &a);
	if (find_parent(cx, &a, &parent) == -1)
		return -1;
	place(r, &a, parent);
	if (equip(cx, &a) == -1 || (t = turn_open(cx, r->engine, &a.spec)) == NULL)
		return -1;
	turn_run(t, req_stream(r, copywriting_voice.prefix));
	return 0;
}
