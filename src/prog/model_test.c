/* parley model test: one short question to one model, over the same path that answers take. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/clock.h"
#include "base/loop.h"
#include "base/utf8.h"
#include "cmd.h"
#include "core/key.h"
#include "store/model.h"
#include "upstream/ask.h"
#include "upstream/prompt.h"

#define QUESTION	"Say in two short sentences what the sea looks like."
#define ANSWER_MOST	(1 << 20)

struct trial {
	struct loop	*loop;
	struct asker	*asker;
	struct ask_spec	 spec;
	bool		 aloud;			/* the answer is shown as it comes */
	struct str	 text;
	int64_t		 begun, first, last;	/* monotonic us; first: 0 = no token came */
	int64_t		 tokens;		/* estimated, in deltas of answer and reasoning */
	int		 deltas;
	struct ask_end	 end;
};

static int
on_delta(void *arg, const struct delta *d)
{
	struct trial	*t = arg;

	t->last = clock_mono_us();
	if (t->first == 0)
		t->first = t->last;
	t->deltas++;
	t->tokens += utf8_tokens(d->text, d->len);
	if (t->aloud) {
		fwrite(d->text, 1, d->len, stdout);
		fflush(stdout);
	}
	return str_put(&t->text, d->text, d->len);
}

static void
on_end(void *arg, const struct ask_end *end)
{
	struct trial	*t = arg;

	t->end = *end;
	loop_stop(t->loop);
}

static const struct ask_ops trial_ops = { .delta = on_delta, .end = on_end };

static void
begin(void *arg)
{
	struct trial	*t = arg;

	t->begun = clock_mono_us();
	ask_start(t->asker, &t->spec, &trial_ops, t);
}

/* Milliseconds: the model's own limit in seconds, else the setting's. */
static int
limit_ms(int own, int setting)
{
	return 1000 * (own != 0 ? own : setting);
}

static void
ask_it(struct run *r, struct trial *t, const struct model *m, const char *key)
{
	const struct conf	*c = r->cx.conf;
	const struct message	 question = { .role = ROLE_USER, .text = QUESTION };

	t->spec = (struct ask_spec){ .url = m->url, .key = key, .rid = r->cx.rid,
	    .connect_ms = limit_ms(m->connect_s, c->connect_timeout),
	    .first_ms = limit_ms(m->first_token_s, c->first_token_timeout),
	    .idle_ms = limit_ms(m->idle_s, c->idle_timeout),
	    .total_ms = limit_ms(m->total_s, c->total_timeout) };
	t->spec.prompt_estimate = prompt_write(&t->spec.body, &(struct prompt){
	    .model = m->upstream_name, .m = &question, .n = 1,
	    .context_tokens = m->context_tokens, .max_tokens = m->max_tokens });
	t->text.cap = ANSWER_MOST;
	t->loop = loop_new();
	t->asker = asker_new(t->loop);
	loop_post(t->loop, begin, t);
	loop_run(t->loop);
	asker_free(t->asker);
	loop_free(t->loop);
	str_free(&t->spec.body);
}

/* What the upstream counted, else our estimate. */
static int64_t
tokens(const struct trial *t)
{
	return t->end.usage ? t->end.completion_tokens : t->tokens;
}

/* Tokens per second after the first one; 0 where that cannot be told. */
static double
rate(const struct trial *t)
{
	const double	s = (double)(t->last - t->first) / 1e6;

	return t->deltas > 1 && s > 0 ? (double)tokens(t) * (t->deltas - 1) / t->deltas / s : 0;
}

static int
report(struct run *r, const struct trial *t, const struct model *m)
{
	const double	 first = (double)(t->first - t->begun) / 1e6;
	const double	 whole = (double)(t->last - t->begun) / 1e6;
	struct str	 out = STR_INIT(0);
	struct jw	 w;

	if (r->json) {
		jw_open(&w, &out);
		jw_obj(&w, NULL);
		jw_str(&w, "code", m->code);
		jw_f64(&w, "first_token_s", first);
		jw_f64(&w, "total_s", whole);
		jw_i64(&w, "deltas", t->deltas);
		jw_i64(&w, "prompt_tokens", t->end.prompt_tokens);
		jw_i64(&w, "completion_tokens", tokens(t));
		jw_bool(&w, "estimated", !t->end.usage);
		jw_f64(&w, "tokens_per_s", rate(t));
		jw_strn(&w, "text", t->text.p, t->text.len);
		return cmd_print_json(r, &w);
	}
	str_printf(&out, "\n\nfirst token   %.3f s\n", first);
	str_printf(&out, "whole answer  %.3f s, %d pieces\n", whole, t->deltas);
	str_printf(&out, "tokens        %" PRId64 " read, %" PRId64 " written%s\n",
	    t->end.prompt_tokens, tokens(t),
	    t->end.usage ? "" : " (an estimate: the upstream does not count)");
	if (rate(t) > 0)
		str_printf(&out, "rate          %.1f tokens/s\n", rate(t));
	return cmd_print(r, &out);
}

static int
test(struct run *r, const void *opts)
{
	struct trial	 t = { .aloud = !r->json };
	struct model	*m;
	const char	*key, *wrong;
	int		 status;

	(void)opts;
	if ((m = model_get(&r->cx, r->operand[0])) == NULL)
		return cmd_failed(r);
	if (strcmp(m->kind, "chat") != 0)
		return cmd_error(r, EX_DATAERR, "model %s is of the kind %s: only chat can be "
		    "asked", m->code, m->kind);
	if (key_of(r->cx.a, m, &key, &wrong) == -1)
		return cmd_error(r, EX_CONFIG, "model %s: %s", m->code, wrong);

	ask_it(r, &t, m, key);
	if (t.aloud && t.deltas > 0 && t.end.why != F_NONE)
		putchar('\n');
	if (t.end.why != F_NONE) {
		fail(&r->cx, t.end.why, "%s", m->url);
		status = cmd_failed(r);
	} else if (t.deltas == 0)
		status = cmd_error(r, EX_UNAVAILABLE, "%s: the answer is empty", m->url);
	else
		status = report(r, &t, m);
	str_free(&t.text);
	return status;
}

const struct cmd cmd_model_test = {
	.name = "model test",
	.operands = "CODE",
	.least = 1, .most = 1,
	.help = "asks a model one short question and measures the answer",
	.more =
	    "It is asked as the service would ask it: with its key and limits, streamed.\n"
	    "Run it as the service's user, in the service's environment: its key is looked\n"
	    "for there.\n",
	.flags = CMD_SCHEMA | CMD_JSON,
	.fn = test,
};
