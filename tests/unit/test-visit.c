/* Visits: whose conversation it is, what it is called, and that a visitor has one. */
#include "material.h"

#include <ctype.h>
#include <string.h>

#include "base/arena.h"
#include "core/visit.h"
#include "core/who.h"
#include "store/assistant.h"
#include "store/user.h"

static struct assistant_version *
an_assistant(void)
{
	const struct assistant_means	 none = { 0 };
	struct assistant		 s = { .tenant = TENANT_DEFAULT,
		.name = arena_strdup(cx.a, "Guide") };
	struct assistant_version	*v = arena_get(cx.a, sizeof(*v));
	char				 key[ASSISTANT_KEY_SIZE];

	*v = (struct assistant_version){ .tenant = TENANT_DEFAULT,
		.name = arena_strdup(cx.a, "Guide"), .model = models[0],
		.system = arena_strdup(cx.a, ""), .opening = arena_strdup(cx.a, "") };
	assert_int_equal(assistant_add(&cx, &s, v, &none, key), 0);
	return v;
}

static void
be(int64_t user)
{
	cx.who = arena_get(cx.a, sizeof(*cx.who));
	*cx.who = (struct who){ .id = user, .tenant = TENANT_DEFAULT };
}

/* A conversation of the caller's with the assistant, which is new, or not. */
static struct session *
with(const struct assistant_version *v, const char *visitor, bool new)
{
	struct talk	*talk;
	bool		 fresh;

	assert_non_null(talk = visit_open(&cx, v, visitor, &fresh));
	assert_int_equal(fresh, new);
	assert_int_equal(talk->nlanes, 1);
	return talk->session;
}

static int
store(const struct session *s)
{
	char			*pri = arena_printf(cx.a, "%032lld", (long long)s->id);
	const struct lane_row	 lane = { .session = s->id, .model = models[0], .pri_id = pri };

	return session_add(&cx, s, &lane, 1);
}

static void
assert_key(const char *key)
{
	static const char	 form[] = "api_xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx";

	assert_int_equal(strlen(key), sizeof(form) - 1);
	assert_int_equal(strlen(key), VISIT_KEY - 1);
	for (size_t i = 0; form[i] != '\0'; i++)
		if (form[i] == 'x')
			assert_true(isdigit((unsigned char)key[i]) ||
			    (key[i] >= 'a' && key[i] <= 'f'));
		else if (form[i] == 'y')
			assert_non_null(strchr("89ab", key[i]));
		else
			assert_int_equal(key[i], form[i]);
}

static void
one_each(void **state)
{
	const struct assistant_version	*v = an_assistant(), *w = an_assistant();
	struct session			*s, *same, *next;

	(void)state;
	be(ann);
	s = with(v, "v-1", true);
	assert_key(s->msg_key);
	assert_string_equal(s->visitor, "v-1");
	assert_true(s->owner == ann && s->assistant == v->assistant && s->version == v->id);
	same = with(v, "v-1", true);		/* at once: only one of them can be stored */
	assert_string_equal(same->msg_key, s->msg_key);
	assert_int_equal(store(s), 0);
	assert_int_equal(store(same), -1);
	FAILED_WITH(F_CONFLICT);
	assert_true(with(v, "v-1", false)->id == s->id);
	assert_string_not_equal(with(v, "v-2", true)->msg_key, s->msg_key);
	assert_string_not_equal(with(w, "v-1", true)->msg_key, s->msg_key);
	assert_true(session_of_key(&cx, ann, s->msg_key)->id == s->id);
	assert_null(session_of_key(&cx, bob, s->msg_key));
	FAILED_WITH(F_NOT_FOUND);
	be(bob);
	assert_string_not_equal(with(v, "v-1", true)->msg_key, s->msg_key);

	be(ann);
	assert_int_equal(session_delete(&cx, ann, s->id), 0);
	next = with(v, "v-1", true);
	assert_string_not_equal(next->msg_key, s->msg_key);
	assert_int_equal(store(next), 0);
	assert_true(with(v, "v-1", false)->id == next->id);
	assert_null(session_of_key(&cx, ann, s->msg_key));
	FAILED_WITH(F_NOT_FOUND);
}

static void
of_nobody(void **state)
{
	const struct assistant_version	*v = an_assistant();
	struct session			*s;

	(void)state;
	be(ann);
	s = with(v, NULL, true);
	assert_key(s->msg_key);
	assert_null(s->visitor);
	assert_int_equal(store(s), 0);
	assert_string_not_equal(with(v, NULL, true)->msg_key, s->msg_key);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		TEST(one_each),
		TEST(of_nobody),
	};

	return run_furnished("visit", tests);
}
