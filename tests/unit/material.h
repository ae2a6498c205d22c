/* material: a furnished database for the tests of the store, and what they put into it. */
#ifndef PARLEY_TESTS_MATERIAL_H
#define PARLEY_TESTS_MATERIAL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#undef fail		/* ctx.h has its own */

#include "private-db.h"
#include "store/model.h"
#include "store/session.h"
#include "store/turn.h"

extern struct private_db	server;
extern struct ctx		cx;		/* anew for every test */
extern int64_t			ann, bob;	/* two users; bob is always the stranger */
extern int64_t			models[2];	/* "m0", "m1" */

#define FAILED_WITH(kind_) do { \
	assert_int_equal(cx.fail.kind, kind_); \
	fail_clear(&cx); \
} while (0)

/*
 * Of a group: migrates, adds the users and models. Of every test: opens and closes cx, which must
 * not have failed.
 */
int	 furnish(void **);
int	 fresh(void **);
int	 gone(void **);
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, fresh, gone)
/* main() of such a test: runs the group where there is a server; no error may be logged. */
#define run_furnished(name, tests) (furnished_begin() ? \
	furnished_end(cmocka_run_group_tests_name(name, tests, furnish, NULL)) : 0)
bool	 furnished_begin(void);
int	 furnished_end(int failed);

/* Rows as a caller would make them; those that are added are there. */
struct model		 a_model(const char *code);
int64_t			 a_session(int64_t owner, int64_t task);	/* added, two lanes */
struct turn_row		 a_turn(int64_t session, const char *question);	/* ann's, public */
struct answer_row	 an_answer(const struct turn_row *, int lane);
void			 ended(struct answer_row *, const char *status, const char *text);
/*
 * A turn asked and answered by the lanes whose text is not NULL; its id, and the answers' in ids
 * (may be NULL).
 */
int64_t			 asked(int64_t session, bool private, const char *question,
			    const char *first, const char *second, int64_t ids[2]);

#endif
