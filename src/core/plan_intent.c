/* Before the answer: is the question one that was prepared for? */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "core/plan_steps.h"

static char *
instruction(const struct plan *p)
{
	struct str	 s = STR_INIT(0);

	str_puts(&s, plan_text(p,
	    "下列意图中, 哪一个符合用户的消息? 只回答它的编号; 都不符合则回答 0。",
	    "Which of these intents does the user's message have? Answer with its number alone, "
	    "or with 0 if none fits."));
	for (size_t i = 0; i < p->spec.nintents; i++) {
		const struct plan_intent	*in = &p->spec.intents[i];

		str_printf(&s, "\n\n%zu. %s", i + 1, in->name);
		for (size_t k = 0; k < in->nexamples; k++)
			str_printf(&s, "\n- %s", in->examples[k]);
	}
	return str_keep(&s, p->lane->turn->a);
}

/* The first number of what was said; 0: there is none. */
static size_t
number_in(const char *said)
{
	return strtoul(said + strcspn(said, "0123456789"), NULL, 10);
}

static void
on_said(struct plan *p, const char *said)
{
	struct lane			*l = p->lane;
	size_t				 n = said != NULL ? number_in(said) : 0;
	const struct plan_intent	*in;

	if (said == NULL)
		log_info("intents could not be tested for", LOG_S("rid", l->turn->rid),
		    LOG_I("turn", l->turn->id));
	if (n == 0 || n > p->spec.nintents) {
		plan_search(p);
		return;
	}
	in = &p->spec.intents[n - 1];
	if (in->reply == NULL) {
		if (in->system != NULL)
			plan_add_system(p, in->system);
		plan_search(p);
		return;
	}
	plan_reply(p, in->reply);
}

void
plan_intent(struct plan *p)
{
	const struct message	 m[] = {
		{ .role = ROLE_SYSTEM, .text = instruction(p) },
		{ .role = ROLE_USER, .text = p->question },
	};

	plan_aside(p, m, sizeof m / sizeof m[0], on_said);
}
