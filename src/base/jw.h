/*
 * jw: writes JSON into a str without building a tree. Nesting is checked by a scope stack, commas
 * are its own. In an object every value takes its name; in an array the name is NULL. Strings must
 * be valid UTF-8 (utf8_clean what comes from elsewhere); `/` is not escaped; U+2028 and U+2029 are,
 * so that a line-based reader cannot trip.
 */
#ifndef PARLEY_JW_H
#define PARLEY_JW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "str.h"

#define JW_DEPTH	32

struct arena;

struct jw {
	struct str	*out;
	int		 depth;
	char		 scope[JW_DEPTH];	/* '{' or '[' */
	bool		 comma;
};

void	jw_open(struct jw *, struct str *);	/* begins a document at the end of the str */
void	jw_obj(struct jw *, const char *name);
void	jw_arr(struct jw *, const char *name);
void	jw_end(struct jw *);			/* closes the innermost scope */
void	jw_close(struct jw *);			/* closes every open scope */
void	jw_str(struct jw *, const char *name, const char *);		/* NULL pointer: null */
void	jw_strn(struct jw *, const char *name, const char *, size_t);
void	jw_i64(struct jw *, const char *name, int64_t);
void	jw_idstr(struct jw *, const char *name, int64_t);	/* an id as a decimal string */
void	jw_time(struct jw *, const char *name, int64_t ms);	/* as RFC 3339 has it; 0: null */
/* The shortest form that reads back the same; null for what is not finite. */
void	jw_f64(struct jw *, const char *name, double);
void	jw_bool(struct jw *, const char *name, bool);
void	jw_null(struct jw *, const char *name);
void	jw_raw(struct jw *, const char *name, const char *json, size_t);	/* encoded */
/* An array of these, "[1,2]", as a document of its own; in the arena. */
char	*jw_numbers(struct arena *, const int64_t *, size_t n);
/* The same of pairs: "[[1,0.5],[2,3]]". */
struct jw_pair {
	int64_t	 id;
	double	 number;
};
char	*jw_pairs(struct arena *, const struct jw_pair *, size_t n);
/* Only the escaped inside of a string literal, for one built from pieces. */
void	jw_escape(struct str *, const char *, size_t);

#endif
