/* Apps: what texts and pictures are made from, and making them. */
#include "copywriting.h"

#include <string.h>

#include "api/answered.h"
#include "api/handlers.h"
#include "api/streams.h"
#include "core/chat.h"
#include "core/template.h"
#include "core/who.h"
#include "store/app.h"
#include "store/model.h"

static const struct app *
find(struct req *r)
{
	int64_t	 id;

	if (copywriting_arg(r, "app", &id) == -1)
		return NULL;
	return app_get(&r->cx, r->cx.who->tenant, id);
}

static bool
makes_images(const struct app *p)
{
	return strcmp(p->kind, "image") == 0;
}

/* GET /copywriting/userCopywriting/{id} */
int
copywriting_app_get(struct req *r)
{
	struct ctx			*cx = &r->cx;
	struct copywriting_app		 out;
	struct copywriting_input	*inputs;
	const struct app		*p;
	const char			**names;
	size_t				 n;

	if ((p = find(r)) == NULL)
		return -1;
	template_inputs(cx->a, p->template, &names, &n);
	inputs = arena_array(cx->a, n, sizeof(*inputs));
	for (size_t i = 0; i < n; i++)
		inputs[i] = (struct copywriting_input){ .name = (char *)names[i],
		    .type = (char *)"string", .required = true };
	out = (struct copywriting_app){
		.id = p->id, .name = p->name, .description = p->description, .type = p->kind,
		.model = p->model, .inputs = { inputs, n }, .create_ms = p->created_ms,
	};
	return copywriting_reply(r, &copywriting_app_data_fields, &out);
}

/* ---- what is asked --------------------------------------------------------------------------- */

/* The content fills the only blank, or stands behind a template without one. NULL: ctx failed. */
static char *
fill_one(struct ctx *cx, const struct app *p, const char **names, size_t n, const char *content)
{
	const struct named_str	 one = { n > 0 ? names[0] : "", content };
	const char		*missing;

	if (n > 1)
		return fail_null(cx, F_MISSING, "inputs.%s", names[0]);
	if (n == 0)
		return *p->template == '\0' ? arena_strdup(cx->a, content) :
		    arena_printf(cx->a, "%s\n\n%s", p->template, content);
	return template_fill(cx->a, p->template, &one, 1, &missing);
}

/* NULL: ctx failed. */
static char *
question_of(struct ctx *cx, const struct app *p, const struct copywriting_run *in)
{
	const char	**names, *missing;
	char		*question;
	size_t		 n;

	template_inputs(cx->a, p->template, &names, &n);
	if (in->inputs.n == 0 && in->content != NULL && *in->content != '\0')
		return fill_one(cx, p, names, n, in->content);
	question = template_fill(cx->a, p->template, in->inputs.p, in->inputs.n, &missing);
	if (question == NULL)
		return fail_null(cx, F_MISSING, "inputs.%s", missing);
	if (question[strspn(question, " \t\r\n")] == '\0')
		return fail_null(cx, F_MISSING, "content");
	return question;
}

/* auto, or WIDTHxHEIGHT */
static bool
is_size(const char *s)
{
	const size_t	 width = strspn(s, "0123456789");
	const char	*height = s + width + 1;

	if (strcmp(s, "auto") == 0)
		return true;
	return width > 1 && width <= 4 && s[width] == 'x' && strlen(height) > 1 &&
	    strlen(height) <= 4 && height[strspn(height, "0123456789")] == '\0';
}

/* Members of the request for pictures. */
static int
read_extra(struct ctx *cx, const struct copywriting_run *in, const char **extra)
{
	const char	*size = in->size != NULL ? in->size : "";

	if (*size != '\0' && !is_size(size))
		return fail(cx, F_VALUE, "size");
	*extra = arena_printf(cx->a, "\"n\":%d%s%s%s", in->n > 0 ? in->n : 1,
	    *size != '\0' ? ",\"size\":\"" : "", size, *size != '\0' ? "\"" : "");
	return 0;
}

/* The model that is named, else the app's. */
static const struct model *
model_of(struct ctx *cx, const struct app *p, const struct copywriting_run *in)
{
	const char	*kind = makes_images(p) ? "image" : "chat";
	struct model	*m = copywriting_model(cx, in->model, kind);

	if (m != NULL || cx->fail.kind != F_NONE || (m = model_by_id(cx, p->model)) == NULL)
		return m;
	return m->enabled && strcmp(m->kind, kind) == 0 ? m :
	    fail_null(cx, F_UNAVAILABLE, "%s", m->name);
}

/* ---- the reply ------------------------------------------------------------------------------- */

static int
reply_record(struct req *r, int64_t turn, const struct answer_told *a)
{
	struct ctx			*cx = &r->cx;
	struct copywriting_record	 record;
	struct copywriting_data		 all = {
		.code = 200, .msg = copywriting_success(cx->lang), .data = &record,
		.stopped = strcmp(a->status, "stopped") == 0,
	};
	const struct run_row		*row;

	if ((row = run_get(cx, cx->who->id, turn)) == NULL)
		return -1;
	copywriting_record_show(cx->a, row, &record);
	return reply_fields(r, &copywriting_run_data_fields, &all);
}

static bool
wants_stream(struct req *r, const struct app *p)
{
	return !makes_images(p) && req_accepts(r, "text/event-stream");
}

int
copywriting_run_again(struct req *r, int64_t turn)
{
	const struct app	*p;

	if ((p = find(r)) == NULL)
		return -1;
	return wants_stream(r, p) ? streams_tell(r, turn, 0) :
	    answered_again(r, turn, reply_record);
}

/* POST /copywriting/userCopywriting/{id} - each run is a dialogue of its own */
int
copywriting_app_run(struct req *r)
{
	struct ctx		*cx = &r->cx;
	struct copywriting_run	 in = { 0 };
	struct turn_seat	 seat = { 0 };
	struct turn_spec	 spec = {
		.voice = &copywriting_voice, .seats = &seat, .nseats = 1,
		.idem_key = r->idem_key, .idem_body = r->idem_body,
	};
	const struct app	*p;
	struct talk		*talk;
	struct turn		*t;

	if (req_read(r, &in) == -1 || (p = find(r)) == NULL ||
	    (seat.model = model_of(cx, p, &in)) == NULL ||
	    (spec.question = question_of(cx, p, &in)) == NULL)
		return -1;
	if (makes_images(p)) {
		spec.ask.kind = ASK_IMAGES;
		if (read_extra(cx, &in, &spec.extra) == -1)
			return -1;
	}
	talk = chat_make(cx, seat.model->id);
	talk->session->app = p->id;
	talk->session->title = p->name;
	seat.pri_id = talk->lanes->pri_id;
	spec.session = talk->session;
	spec.fresh = talk->lanes;
	spec.nfresh = talk->nlanes;
	spec.choice = seat.model;
	if ((t = turn_open(cx, r->engine, &spec)) == NULL)
		return -1;
	turn_run(t, wants_stream(r, p) ? req_stream(r, copywriting_voice.prefix) :
	    answered_wait(r, t->id, reply_record));
	return 0;
}
