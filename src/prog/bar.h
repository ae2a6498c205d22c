/* bar: a progress bar on standard error, where that is a terminal. */
#ifndef PARLEY_BAR_H
#define PARLEY_BAR_H

#include <stdbool.h>
#include <stdint.h>

struct bar {
	bool	on;			/* somebody watches */
	int64_t	begun, drawn;		/* monotonic ms */
};

void	 bar_begin(struct bar *);
/* So much of all is done; the rest of the line says more. Not more often than a person sees. */
void	 bar_draw(struct bar *, int64_t done, int64_t all, const char *, ...)
	    __attribute__((format(printf, 4, 5)));
double	 bar_seconds(const struct bar *);	/* since it began, more than 0 */
void	 bar_clear(const struct bar *);		/* before another line, and at the end */

#endif
