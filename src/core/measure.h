/* measure: what the parts of core that run turns add to the figures. Private to core. */
#ifndef PARLEY_MEASURE_H
#define PARLEY_MEASURE_H

#include "core/turn.h"
#include "upstream/fault.h"

/* After the engine's peers: a round is measured once what it told has been written. */
void	 measure_start(struct engine *);
/* The lane's upstream said something, for the first time or once more. On the loop. */
void	 measure_delta(const struct lane *, bool first);
/* How the call to its model ended. */
void	 measure_fault(const struct lane *, enum fault);

/* What so many tokens cost at the model's prices. */
double	 measure_cost(const struct model *, int64_t in, int64_t out);
/* A request whose cost is in no answer's tokens has ended (lane.spent). */
void	 measure_spent(const struct model *, int64_t in, int64_t out);

struct measure {		/* an answer that is settled: its row was closed */
	const char	*model, *status;
	int64_t		 prompt_tokens, completion_tokens;
	double		 price_in, price_out;	/* per million */
};
void	 measure_answer(const struct measure *);

#endif
