/* recall-set: tests/recall: texts in English and Chinese, and what is asked of them. */
#ifndef PARLEY_TESTS_RECALL_SET_H
#define PARLEY_TESTS_RECALL_SET_H

/* All of that file of the set, freed by the caller; dies where it cannot be read. */
char	*recall_file(const char *top, const char *name);
/* Tells each text, by name ("en-lease"); the text is freed by who is told. */
void	 recall_texts(const char *top, void (*)(void *, const char *name, char *text), void *);

#endif
