/*
 * passages: the text of documents in segments, how they are found for a question, what a model is
 * told of them and how answers cite them.
 */
#ifndef PARLEY_PASSAGES_H
#define PARLEY_PASSAGES_H

#include "core/retrieve.h"

/*
 * Cuts the text (valid UTF-8) into segments at ends of paragraphs and indexes them in place of
 * what the document had; it is ready then. One transaction, `also` (NULL: nothing more) within it.
 * 0, or -1 with nothing changed.
 */
int	 passages_index(struct ctx *, int64_t document, const char *text, size_t len,
	    int (*also)(struct ctx *, void *), void *arg);
/*
 * The best segments of these documents for the question: at most so many characters together.
 * found->citations are {documentId, fileName, segment, text, score}; found->knowledge is a system
 * message in the ctx's language, never NULL: where nothing was found it tells the model to say so.
 * The caller may read the documents. 0, or -1 (database).
 */
int	 passages_find(struct ctx *, const int64_t *documents, size_t n, const char *question,
	    size_t characters, struct found *);

#endif
