#include "api/handlers.h"
#include "base/conf.h"
#include "base/figures.h"
#include "store/model.h"
#include "upstream/health.h"
#include "web/req.h"

struct fares {			/* how the models fare that are registered and were ever asked */
	struct str			*s;
	const struct model		*models;
	size_t				 n;
	/* Writes one model's samples, labels being what names it. */
	void				(*put)(struct str *, const char *label,
					    const struct health_report *);
};

static void
put_breaker(struct str *s, const char *label, const struct health_report *h)
{
	static const enum breaker_state	 states[] = {
		BREAKER_CLOSED, BREAKER_OPEN, BREAKER_HALF_OPEN,
	};

	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		str_printf(s, "parley_model_breaker{%s,state=\"%s\"} %d\n", label,
		    breaker_state_name(states[i]), h->breaker == states[i]);
}

static void
put_calls(struct str *s, const char *label, const struct health_report *h)
{
	str_printf(s, "parley_model_calls{%s} %d\n", label, h->in_flight);
}

static void
put_events(struct str *s, const char *label, const struct health_report *h)
{
	for (int i = 0; i < HEALTH_NOTES; i++)
		str_printf(s, "parley_model_events_total{%s,event=\"%s\"} %llu\n", label,
		    health_note_name((enum health_note)i), (unsigned long long)h->notes[i]);
}

static void
put_report(void *arg, const struct health_report *h)
{
	const struct fares	*f = arg;
	struct str		 label = STR_INIT(0);

	for (size_t i = 0; i < f->n; i++)
		if (f->models[i].id == h->model) {
			str_puts(&label, "model=\"");
			figures_value(&label, f->models[i].code);
			str_putc(&label, '"');
			f->put(f->s, label.p, h);
		}
	str_free(&label);
}

/* What is known of the models; without a database, which has their names, nothing. */
static void
put_models(struct ctx *cx, struct str *s)
{
	static const struct {
		const char	*name, *kind, *help;
		void		(*put)(struct str *, const char *, const struct health_report *);
	} rows[] = {
		{ "parley_model_breaker", "gauge", "1: that is the state of the model's breaker",
		    put_breaker },
		{ "parley_model_calls", "gauge", "calls to the model that are in flight",
		    put_calls },
		{ "parley_model_events_total", "counter", "what became of calls to the model",
		    put_events },
	};
	struct model	*models;
	struct fares	 f = { .s = s };

	if (model_list(cx, false, &models, &f.n) == -1) {
		fail_clear(cx);
		return;
	}
	f.models = models;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		figures_head(s, rows[i].name, rows[i].kind, rows[i].help);
		f.put = rows[i].put;
		health_list(cx->conf->state_dir, put_report, &f);
	}
}

/* GET /metrics: https://prometheus.io/docs/instrumenting/exposition_formats/ */
int
native_metrics(struct req *r)
{
	struct str	 s = STR_INIT(0);

	figures_write(&s);
	put_models(&r->cx, &s);
	reply_header(r, "Cache-Control", "no-store");
	reply(r, 200, "text/plain; version=0.0.4; charset=utf-8", s.p, s.len);
	str_free(&s);
	return 0;
}
