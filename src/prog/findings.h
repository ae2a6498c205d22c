/*
 * findings: what `check` and `doctor` find, one line each: good, bad, or worth knowing. For people
 * as it is found; as one JSON document at the end.
 */
#ifndef PARLEY_FINDINGS_H
#define PARLEY_FINDINGS_H

#include "cmd.h"

enum finding { GOOD, BAD, NOTE };

struct findings {
	struct run	*run;
	struct str	 json;		/* the document so far */
	struct jw	 w;
	int		 good, bad, notes;
	int		 status;	/* of the first that is bad, EX_OK without one */
	bool		 colours;
	bool		 open;		/* an object of the document is */
};

void	 findings_begin(struct findings *, struct run *);
/* What was looked at and what was seen; status: the exit status that stands for it if it is bad. */
void	 found(struct findings *, enum finding, int status, const char *what, const char *fmt, ...)
	    __attribute__((format(printf, 5, 6)));
#define found_good(f, what, ...)	found(f, GOOD, 0, what, __VA_ARGS__)
#define found_note(f, what, ...)	found(f, NOTE, 0, what, __VA_ARGS__)
#define found_bad(f, status, what, ...)	found(f, BAD, status, what, __VA_ARGS__)

/* What to do about the one before; several make a list. */
void	 advise(struct findings *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The end; returns the exit status. */
int	 findings_end(struct findings *);

#endif
