#include "masks.h"

#include <string.h>

#include "base/conf.h"
#include "base/ident.h"

#define PRI_HEX	32

static const char *const codes[MASKS] = {
	"ALPHA", "BRAVO", "CHARLIE", "DELTA", "ECHO", "FOXTROT", "GOLF", "HOTEL", "INDIA",
	"JULIETT", "KILO", "LIMA", "MIKE", "NOVEMBER", "OSCAR", "PAPA", "QUEBEC", "ROMEO",
	"SIERRA", "TANGO", "UNIFORM", "VICTOR", "WHISKEY", "XRAY", "YANKEE", "ZULU",
};
static const char *const names[MASKS] = {
	"模型A", "模型B", "模型C", "模型D", "模型E", "模型F", "模型G", "模型H",
	"模型I", "模型J", "模型K", "模型L", "模型M", "模型N", "模型O", "模型P",
	"模型Q", "模型R", "模型S", "模型T", "模型U", "模型V", "模型W", "模型X",
	"模型Y", "模型Z",
};

const char *
mask_code(int n)
{
	return codes[n];
}

const char *
mask_name(const char *code)
{
	int	 n = code[0] - 'A';

	return n >= 0 && n < MASKS && strcmp(code, codes[n]) == 0 ? names[n] : code;
}

/* Uniform in 0..n-1: what lies past the last whole multiple of n is drawn again. */
static size_t
random_below(size_t n)
{
	uint32_t	 r;
	uint32_t	 top = UINT32_MAX - UINT32_MAX % (uint32_t)n;

	do
		ident_random(&r, sizeof(r));
	while (r >= top);
	return r % n;
}

struct lane_row *
masks_deal(struct ctx *cx, int64_t session, size_t *n)
{
	struct lane_row	*lanes;
	struct model	*models, drawn;
	size_t		 all, k;

	if (model_list(cx, true, &models, &all) == -1)
		return NULL;
	if (all == 0)
		return fail_null(cx, F_UNAVAILABLE, "models");
	*n = all < (size_t)cx->conf->arena_lanes ? all : (size_t)cx->conf->arena_lanes;
	lanes = arena_array(cx->a, *n, sizeof(*lanes));
	for (size_t i = 0; i < *n; i++) {		/* Fisher-Yates, as far as lanes go */
		k = i + random_below(all - i);
		drawn = models[k];
		models[k] = models[i];
		models[i] = drawn;
		lanes[i] = (struct lane_row){
			.session = session, .lane = (int)i, .model = drawn.id,
			.mask = arena_strdup(cx->a, codes[i]),
			.pri_id = arena_get(cx->a, PRI_HEX + 1),
		};
		ident_mac(lanes[i].pri_id, PRI_HEX, "priid",
		    arena_printf(cx->a, "%lld:%zu", (long long)session, i));
	}
	return lanes;
}

static const struct model *
model_among(const struct model *models, size_t n, int64_t id)
{
	for (size_t i = 0; i < n; i++)
		if (models[i].id == id)
			return &models[i];
	return NULL;
}

struct turn_seat *
masks_seat(struct ctx *cx, const struct lane_row *lanes, size_t nlanes, size_t *n)
{
	struct turn_seat	*seats = arena_array(cx->a, nlanes, sizeof(*seats));
	struct model		*models;
	const struct model	*m;
	size_t			 all;

	if (model_list(cx, false, &models, &all) == -1)
		return NULL;
	*n = 0;
	for (size_t i = 0; i < nlanes; i++) {
		if ((m = model_among(models, all, lanes[i].model)) == NULL || !m->enabled)
			continue;
		seats[(*n)++] = (struct turn_seat){
			.lane = lanes[i].lane, .model = m, .mask = lanes[i].mask,
			.mask_name = mask_name(lanes[i].mask), .pri_id = lanes[i].pri_id,
		};
	}
	if (*n == 0)
		return fail_null(cx, F_UNAVAILABLE, "%s",
		    nlanes == 1 ? mask_name(lanes[0].mask) : "models");
	return seats;
}
