#include "material.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/ident.h"
#include "store/migrate.h"
#include "store/user.h"

struct private_db	server;
struct ctx		cx;
int64_t			ann, bob;
int64_t			models[2];

struct model
a_model(const char *code)
{
	return (struct model){
		.code = arena_strdup(cx.a, code), .name = arena_printf(cx.a, "Model %s", code),
		.kind = arena_strdup(cx.a, "chat"),
		.url = arena_strdup(cx.a, "http://127.0.0.1:1/v1"),
		.upstream_name = arena_strdup(cx.a, "up"), .price_in = 0.15,
		    .price_out = 12.3456789, .arena = true,
		.enabled = true, .context_tokens = 8192, .connect_s = 7,
	};
}

int64_t
a_session(int64_t owner, int64_t task)
{
	const int64_t	 id = ident_new();
	struct session	 s = { .id = id, .tenant = TENANT_DEFAULT, .owner = owner, .task = task,
		.title = arena_strdup(cx.a, "新对话"), .created_ms = clock_ms() };
	struct lane_row	 lanes[2];

	for (int i = 0; i < 2; i++)
		lanes[i] = (struct lane_row){ .session = id, .lane = i, .model = models[i],
			.mask = arena_strdup(cx.a, i == 0 ? "ALPHA" : "BRAVO"),
			.pri_id = arena_printf(cx.a, "%016" PRIx64 "%016x", id, (unsigned)i) };
	assert_int_equal(session_add(&cx, &s, lanes, 2), 0);
	return id;
}

struct turn_row
a_turn(int64_t s, const char *question)
{
	const int64_t	 id = ident_new();
	struct turn_row	 t = { .id = id, .tenant = TENANT_DEFAULT, .owner = ann, .session = s,
		.group_id = id, .worker = 99, .voice = arena_strdup(cx.a, "arena"),
		.question = arena_strdup(cx.a, question),
		.created_ms = clock_ms() };

	return t;
}

struct answer_row
an_answer(const struct turn_row *t, int lane)
{
	return (struct answer_row){ .id = ident_new(), .turn = t->id, .session = t->session,
		.lane = lane,
		.model = models[lane], .created_ms = clock_ms() };
}

void
ended(struct answer_row *a, const char *status, const char *text)
{
	a->status = arena_strdup(cx.a, status);
	a->text = arena_strdup(cx.a, text);
	a->cost = arena_strdup(cx.a, "0.0000000001");
	a->ended_ms = clock_ms();
}

/* Asks and answers, lane by lane; ids of the answers in `ids`. */
int64_t
asked(int64_t s, bool private, const char *question, const char *first, const char *second,
    int64_t ids[2])
{
	const char	*texts[] = { first, second };
	struct turn_row	 t = a_turn(s, question);

	t.private = private;
	assert_int_equal(turn_add(&cx, &t), 0);
	for (int lane = 0; lane < 2; lane++) {
		struct answer_row	 a = an_answer(&t, lane);

		if (texts[lane] == NULL)
			continue;
		assert_int_equal(answer_add(&cx, &a), 0);
		ended(&a, "stop", texts[lane]);
		assert_int_equal(answer_close(&cx, &a), 1);
		if (ids != NULL)
			ids[lane] = a.id;
	}
	assert_int_equal(turn_close(&cx, t.id, clock_ms()), 1);
	return t.id;
}

int
fresh(void **state)
{
	(void)state;
	private_ctx_open(&server, &cx);
	return 0;
}

int
gone(void **state)
{
	const int	 kind = cx.fail.kind;

	(void)state;
	private_ctx_close(&cx);
	return kind == F_NONE ? 0 : -1;		/* a failure that no test asked for */
}

int
furnish(void **state)
{
	struct model	 m;

	fresh(state);
	if (migrate(&cx, server.schema, NULL, NULL) == -1)
		return -1;
	for (int i = 0; i < 2; i++) {
		m = a_model(i == 0 ? "m0" : "m1");
		if (model_add(&cx, &m, NULL, 0) == -1)
			return -1;
		models[i] = m.id;
	}
	ann = user_ensure(&cx, TENANT_DEFAULT, "ann", "Ann", NULL)->id;
	bob = user_ensure(&cx, TENANT_DEFAULT, "bob", NULL, NULL)->id;
	return gone(state);
}

bool
furnished_begin(void)
{
	if (!private_db_possible()) {
		printf("1..0 # SKIP mariadbd is not installed\n");
		return false;
	}
	cmocka_set_message_output(CM_OUTPUT_TAP);
	private_db_start(&server);
	return true;
}

int
furnished_end(int failed)
{
	if (private_db_logged(&server, "\"level\":\"error\"") != 0) {
		print_error("# errors were logged\n");
		failed++;
	}
	private_db_stop(&server);
	return failed;
}
