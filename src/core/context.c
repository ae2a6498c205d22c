/*
 * What a lane is asked: knowledge, what it has heard and said before, and the question. Pictures of
 * earlier questions are shown again to models that have answered to one: others might refuse the
 * whole request for them.
 */
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "core/key.h"
#include "core/plan.h"
#include "core/running.h"
#include "store/turn.h"

#define PICTURES_BYTES	(16 << 20)	/* of their addresses in a request; data: ones are long */

struct messages {
	struct message	*m;
	size_t		 n, size;
};

struct seers {			/* models that take pictures */
	bool	 all;
	int64_t	*models;
	size_t	 n;
};

static void
add_message(struct arena *a, struct messages *all, const struct message *one)
{
	struct message	*m;

	if (all->n == all->size) {
		all->size = all->size > 0 ? all->size * 2 : 16;
		m = arena_array(a, all->size, sizeof *m);
		if (all->n > 0)
			memcpy(m, all->m, all->n * sizeof *m);
		all->m = m;
	}
	all->m[all->n++] = *one;
}

static void
add(struct arena *a, struct messages *all, enum role role, const char *text)
{
	if (text != NULL && *text != '\0')
		add_message(a, all, &(struct message){ .role = role, .text = text });
}

/*
 * Of a question that was asked more than once one answer counts: the newest that ended well, or if
 * none did the newest. It stands where the first stood. Returns how many are left.
 */
static size_t
drop_superseded(struct said *said, size_t n)
{
	size_t	 kept = 0, k;

	for (size_t i = 0; i < n; i++) {
		/* Who began a group is the first of it. */
		k = said[i].turn == said[i].group_id ? kept : 0;
		while (k < kept && said[k].group_id != said[i].group_id)
			k++;
		if (k < kept && said[i].failed && !said[k].failed)
			continue;
		if (k < kept)		/* what came before the question stays */
			said[i].context = said[k].context;
		else
			kept++;
		said[k] = said[i];
	}
	return kept;
}

/* Who has answered to a picture; where the question itself has one, all are asked with it. */
static struct seers
find_seers(struct ctx *cx, const struct turn_spec *spec, const struct said *said, size_t n)
{
	struct seers	 seers = { .all = spec->image != NULL };

	seers.models = arena_array(cx->a, n, sizeof *seers.models);
	for (size_t i = 0; i < n; i++)
		if (said[i].picture != NULL && said[i].text != NULL && !said[i].failed)
			seers.models[seers.n++] = said[i].model;
	return seers;
}

static bool
sees(const struct seers *seers, const struct model *m)
{
	for (size_t i = 0; i < seers->n; i++)
		if (seers->models[i] == m->id)
			return true;
	return seers->all;
}

/* Will anybody see a picture who may be asked? */
static bool
anybody_sees(const struct seers *seers, const struct lane *l)
{
	for (size_t i = 0; i < l->nfallbacks; i++)
		if (sees(seers, l->fallbacks[i].model))
			return true;
	return sees(seers, l->model);
}

/* By what was said: its question's picture or NULL. The newest come first while there is room. */
static const char **
find_pictures(struct ctx *cx, const struct turn_spec *spec, const struct said *said, size_t n)
{
	const char	**pictures = arena_array(cx->a, n, sizeof *pictures), *one;
	size_t		  room = PICTURES_BYTES, len;
	int		  left = cx->conf->pictures;

	for (size_t i = n; i-- > 0 && left > 0;) {
		if (said[i].picture == NULL ||
		    (one = spec->picture(cx, said[i].picture)) == NULL)
			continue;
		if ((len = strlen(one)) > room)
			break;
		pictures[i] = one;
		room -= len;
		left--;
	}
	return pictures;
}

/* The messages that came with a session's first turn, as they were stored. */
static void
add_stored(struct ctx *cx, struct messages *all, const char *context, bool systems)
{
	struct json	*j;
	const char	*role, *text;
	size_t		 len;

	if (context == NULL || (j = json_parse(cx, context, strlen(context))) == NULL)
		return;
	for (size_t i = 0; i < json_count(j); i++) {
		if (!json_get_str(json_at(json_elem(j, i), "role"), &role, &len) ||
		    role_parse(role) == -1 || (role_parse(role) == ROLE_SYSTEM) != systems ||
		    !json_get_str(json_at(json_elem(j, i), "content"), &text, &len))
			continue;
		add(cx->a, all, (enum role)role_parse(role), arena_strndup(cx->a, text, len));
	}
	json_free(j);
}

static int
limit_ms(int own_s, int setting_s)
{
	return (own_s > 0 ? own_s : setting_s) * 1000;
}

static void
address(struct ctx *cx, struct turn *t, const struct model *m, struct ask_spec *spec)
{
	const char	*err;

	spec->rid = t->rid;
	spec->connect_ms = limit_ms(m->connect_s, cx->conf->connect_timeout);
	spec->first_ms = limit_ms(m->first_token_s, cx->conf->first_token_timeout);
	spec->idle_ms = limit_ms(m->idle_s, cx->conf->idle_timeout);
	spec->total_ms = limit_ms(m->total_s, cx->conf->total_timeout);
	if (key_of(t->a, m, &spec->key, &err) == -1)
		log_error("a model's key cannot be read", LOG_S("model", m->code),
		    LOG_S("why", err));
	else
		spec->url = m->url;
}

void
context_address(struct ctx *cx, struct lane *l)
{
	address(cx, l->turn, l->model, &l->spec);
	for (size_t i = 0; i < l->nfallbacks; i++)
		address(cx, l->turn, l->fallbacks[i].model, &l->fallbacks[i].spec);
}

static void
write_prompt(const struct model *m, struct ask_spec *spec, const struct turn_spec *asked,
    const struct messages *told, const struct seers *seers)
{
	spec->prompt_estimate = prompt_write(&spec->body, &(struct prompt){
	    .model = m->upstream_name, .m = told->m, .n = told->n, .blind = !sees(seers, m),
	    .context_tokens = m->context_tokens,
	    .max_tokens = asked->max_tokens > 0 ? asked->max_tokens : m->max_tokens,
	    .extra = asked->extra });
}

/* Each model gets a prompt of its own: names, windows and eyes differ. */
static void
write_prompts(struct lane *l, const struct turn_spec *asked, const struct messages *told,
    const struct seers *seers)
{
	write_prompt(l->model, &l->spec, asked, told, seers);
	for (size_t i = 0; i < l->nfallbacks; i++)
		write_prompt(l->fallbacks[i].model, &l->fallbacks[i].spec, asked, told, seers);
}

/* What is no chat: the question alone. */
static void
write_whole(const struct turn *t, const struct model *m, struct ask_spec *spec,
    const struct turn_spec *asked)
{
	spec->kind = asked->ask.kind;
	spec->file = t->file;
	spec->prompt_estimate = whole_write(&spec->body, spec->kind, m->upstream_name,
	    asked->question != NULL ? asked->question : "", asked->extra);
}

static void
write_wholes(struct lane *l, const struct turn_spec *asked)
{
	write_whole(l->turn, l->model, &l->spec, asked);
	for (size_t i = 0; i < l->nfallbacks; i++)
		write_whole(l->turn, l->fallbacks[i].model, &l->fallbacks[i].spec, asked);
}

/* A lane with a plan writes its prompts itself, when it asks. */
static void
tell(struct lane *l, const struct turn_spec *asked, const struct messages *told,
    const struct seers *seers)
{
	if (asked->plan != NULL)
		plan_prepare(l, asked, told->m, told->n);
	else
		write_prompts(l, asked, told, seers);
}

/* What was said before, by turns. */
static void
add_said(struct ctx *cx, struct messages *all, const struct said *said, size_t n,
    const char *const *pictures)
{
	for (size_t i = 0; i < n; i++) {
		add_stored(cx, all, said[i].context, false);
		if (pictures != NULL && pictures[i] != NULL)
			add_message(cx->a, all, &(struct message){ .role = ROLE_USER,
			    .text = said[i].question, .image = pictures[i] });
		else
			add(cx->a, all, ROLE_USER, said[i].question);
		add(cx->a, all, ROLE_ASSISTANT, said[i].text);
	}
}

void
context_ask(struct ctx *cx, struct lane *l, const struct turn_spec *spec, struct said *said,
    size_t nsaid)
{
	struct seers	 seers = find_seers(cx, spec, said, nsaid);
	struct messages	 all = { 0 };
	const char	**pictures = NULL;

	if (spec->ask.kind != ASK_STREAM) {
		write_wholes(l, spec);
		return;
	}
	if (spec->ntold > 0) {
		tell(l, spec, &(struct messages){ .m = (struct message *)spec->told,
		    .n = spec->ntold }, &seers);
		return;
	}
	nsaid = drop_superseded(said, nsaid);
	if (spec->picture != NULL && anybody_sees(&seers, l))
		pictures = find_pictures(cx, spec, said, nsaid);
	add(cx->a, &all, ROLE_SYSTEM, spec->system);
	for (size_t i = 0; i < spec->nbefore; i++)
		if (spec->before[i].role == ROLE_SYSTEM)
			add(cx->a, &all, ROLE_SYSTEM, spec->before[i].text);
	for (size_t i = 0; i < nsaid; i++)
		add_stored(cx, &all, said[i].context, true);
	add(cx->a, &all, ROLE_SYSTEM, spec->knowledge);
	for (size_t i = 0; i < spec->nbefore; i++)
		if (spec->before[i].role != ROLE_SYSTEM)
			add(cx->a, &all, spec->before[i].role, spec->before[i].text);
	add_said(cx, &all, said, nsaid, pictures);
	add_message(cx->a, &all, &(struct message){ .role = ROLE_USER, .text = spec->question,
	    .image = spec->image });
	tell(l, spec, &all, &seers);
}

void
context_fuse(struct lane *l)
{
	static const char *const	 ask_for[] = {
		[LANG_ZH] = "下面是几位助手对同一个问题的回答草稿。请取长补短、纠正错误, "
		    "融合成一份完整的回答, 只给出这份回答本身。",
		[LANG_EN] = "Below are drafts by several assistants answering the same question. "
		    "Take the best of each, mend what is wrong, and write one complete answer. "
		    "Give that answer only.",
	};
	struct turn	*t = l->turn;
	struct messages	 all = { 0 };
	struct seers	 nobody = { 0 };
	struct str	 text = STR_INIT(0);
	int		 n = 0;

	str_puts(&text, ask_for[t->lang]);
	for (int i = 0; i < t->nlanes; i++) {
		if (&t->lanes[i] == l || t->lanes[i].text.len == 0)
			continue;
		str_printf(&text, "\n\n[%d]\n", ++n);
		str_put(&text, t->lanes[i].text.p, t->lanes[i].text.len);
	}
	add(t->a, &all, ROLE_SYSTEM, text.p);
	add(t->a, &all, ROLE_USER, t->question);
	write_prompts(l, &(struct turn_spec){ 0 }, &all, &nobody);
	str_free(&text);
}
