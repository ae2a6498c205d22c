/* reason: why a document could not be read: kept as a name, told in the reader's language. */
#ifndef PARLEY_REASON_H
#define PARLEY_REASON_H

#include "fail.h"

enum reason {
#define REASON(name, en, zh) REASON_##name,
#include "reason.def"
#undef REASON
	REASONS
};

/* What is kept: the name, followed by a blank and the detail where there is one: "STATUS 404". */
const char	*reason_name(enum reason);
/*
 * The sentence for what is kept so. What begins with no name of a reason is told as it stands:
 * documents that failed before there were names hold a sentence.
 */
const char	*reason_text(struct arena *, const char *kept, enum lang);

#endif
