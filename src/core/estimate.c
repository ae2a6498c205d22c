#include "core/estimate.h"

#include <string.h>

static int64_t
text_tokens(const char *s)
{
	return s != NULL ? utf8_tokens(s, strlen(s)) : 0;
}

/* Of an answer, at most. */
static int64_t
written(const struct turn_spec *spec, const struct model *m)
{
	if (spec->max_tokens > 0)
		return spec->max_tokens;
	return m->max_tokens > 0 ? m->max_tokens : ESTIMATE_TOKENS;
}

static int64_t
heard(const struct turn_spec *spec, const struct said *said, size_t n)
{
	int64_t	 tokens;

	if (spec->ntold > 0)
		return prompt_estimate(spec->told, spec->ntold, spec->extra);
	tokens = text_tokens(spec->system) + text_tokens(spec->knowledge) +
	    text_tokens(spec->question) + text_tokens(spec->extra);

	for (size_t i = 0; i < n; i++)
		tokens += text_tokens(said[i].context) + text_tokens(said[i].question) +
		    text_tokens(said[i].text);
	for (size_t i = 0; n == 0 && i < spec->nbefore; i++)
		tokens += text_tokens(spec->before[i].text);
	return tokens;
}

/* What the others may write, which the fusing lane is told. */
static int64_t
drafts(const struct turn_spec *spec)
{
	int64_t	 tokens = 0;

	for (size_t i = 0; i < spec->nseats; i++)
		tokens += written(spec, spec->seats[i].model);
	return tokens;
}

double
estimate_lane(const struct turn_spec *spec, const struct lane *l, const struct said *said,
    size_t nsaid)
{
	const struct model	*m = l->model;
	int64_t			 in = heard(spec, said, nsaid);

	if (l == l->turn->fuse)
		in += drafts(spec);
	if (m->context_tokens > 0 && in > m->context_tokens)
		in = m->context_tokens;
	return ((double)in * m->price_in + (double)written(spec, m) * m->price_out) / 1e6;
}
