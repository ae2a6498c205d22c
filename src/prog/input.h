/*
 * input: what commands are given beside numbers and names: texts that may stand in files, objects
 * in JSON files, tenants.
 */
#ifndef PARLEY_INPUT_H
#define PARLEY_INPUT_H

#include "base/json.h"
#include "cmd.h"

/*
 * The value of the option of that name: itself, or for @FILE what stands in that file, which may be
 * nothing. EX_OK with the text in the arena, or the status of an error that was told.
 */
int	 input_text(const struct run *, const char *option, const char *value, char **text);
/*
 * Fills the struct from the one JSON object in the file (- is standard input) by its table, as
 * json_read does; a member that the table does not have is an error. EX_OK, or a status as above.
 */
int	 input_object(struct run *, const char *file, const struct fields *, void *);
/* "FILE: …" on standard error: that the member is wrong. EX_DATAERR. */
int	 input_wrong(const struct run *, const char *file, const char *why, ...)
	    __attribute__((format(printf, 3, 4)));
/* A name for display: 1 to 190 characters. EX_OK with it in the arena, or a status as above. */
int	 input_name(const struct run *, const char *typed, char **name);
/* A tenant by its name; NULL: the default one. EX_OK, or a status as above. */
int	 input_tenant(struct run *, const char *name, int64_t *tenant);
/* An id as it was typed. EX_OK, or a status as above. */
int	 input_id(const struct run *, const char *what, const char *typed, int64_t *id);
/* Those of the list; the one word `none`: no ids. EX_OK, or a status as above. */
int	 input_ids(const struct run *, const char *what, const struct strs *, int64_t **ids,
	    size_t *n);
/* Is it an amount of money, as the columns of the database take it: "12.50"? */
bool	 input_is_amount(const char *);

#endif
