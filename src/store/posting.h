/* posting: a token of a text, as inverted indexes keep it. */
#ifndef PARLEY_STORE_POSTING_H
#define PARLEY_STORE_POSTING_H

#include <stdint.h>

struct posting {
	int64_t	 h;			/* hash of the token */
	int	 tf;			/* how often it stands in the text, at most 255 */
};

#endif
