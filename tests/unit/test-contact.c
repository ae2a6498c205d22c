/* Contacts: met, merged, found by conditions, changed and removed; by their owner alone. */
#include "material.h"

#include <string.h>

#include "base/arena.h"
#include "store/contact.h"

/* Ann's contact of that userid, met with what is said of it (or NULL). */
static struct contact *
met(const char *userid, const char *name, const char *company)
{
	const struct contact_condition	 him = { "userid", CONTACT_EQUALS, userid };
	const struct contact		 c = { .owner = ann, .userid = (char *)userid,
		.name = (char *)name, .company = (char *)company };
	struct contact			*found;
	size_t				 n;

	assert_int_equal(contact_meet(&cx, &c), 0);
	assert_int_equal(contact_find(&cx, ann, &him, 1, 0, 10, &found, &n), 0);
	assert_int_equal(n, 1);
	return found;
}

static void
merged(void **state)
{
	struct contact	*first, *then;

	(void)state;
	cx.now = 1000;
	first = met("v", NULL, "Acme");
	assert_string_equal(first->name, "");
	assert_string_equal(first->company, "Acme");
	assert_true(first->created_ms == 1000 && first->updated_ms == 1000);
	cx.now = 2000;
	then = met("v", "", NULL);
	assert_true(then->id == first->id && then->updated_ms == 1000);
	then = met("v", "李雷", "Acme");
	assert_string_equal(then->name, "李雷");
	assert_true(then->id == first->id && then->created_ms == 1000 && then->updated_ms == 2000);
	cx.now = 3000;
	assert_true(met("v", "李雷", NULL)->updated_ms == 2000);
	assert_string_equal(met("v", "Lee", NULL)->company, "Acme");
	assert_true(met("V", NULL, NULL)->id != first->id);
	assert_true(met("v ", NULL, NULL)->id != first->id);
}

/* The userids of ann's that fit, with a blank behind each. */
static const char *
that_fit(const struct contact_condition *all, size_t n)
{
	struct str	 s = STR_INIT(0);
	struct contact	*found;
	size_t		 nfound;

	assert_int_equal(contact_find(&cx, ann, all, n, 0, 100, &found, &nfound), 0);
	for (size_t i = 0; i < nfound; i++)
		if (strncmp(found[i].userid, "f-", 2) == 0)
			str_printf(&s, "%s ", found[i].userid);
	return nfound > 0 && s.len > 0 ? str_keep(&s, cx.a) : "";
}

#define FIT(want, ...) do { \
	const struct contact_condition	 all_[] = { { "userid", CONTACT_HOLDS, "f-" }, __VA_ARGS__ }; \
	assert_string_equal(that_fit(all_, sizeof(all_) / sizeof(all_[0])), want); \
} while (0)

static void
found(void **state)
{
	struct contact	*list, *one;
	size_t		 n;

	(void)state;
	met("f-1", "Ann", "Acme");
	one = met("f-2", "ann", "Übersee");
	met("f-3", "100%", "");
	FIT("f-3 f-2 f-1 ", { "userid", CONTACT_DIFFERS, "x" });
	FIT("f-1 ", { "name", CONTACT_EQUALS, "Ann" });
	FIT("f-2 f-1 ", { "name", CONTACT_HOLDS, "aNN" });
	FIT("f-2 ", { "company", CONTACT_HOLDS, "übER" });
	FIT("f-3 f-2 ", { "company", CONTACT_DIFFERS, "Acme" });
	FIT("f-2 ", { "company", CONTACT_DIFFERS, "Acme" }, { "name", CONTACT_EQUALS, "ann" });
	FIT("f-3 ", { "name", CONTACT_HOLDS, "%" });
	FIT("", { "name", CONTACT_HOLDS, "_" });
	FIT("f-3 ", { "company", CONTACT_EQUALS, "" });
	FIT("f-2 ", { "id", CONTACT_EQUALS, arena_printf(cx.a, "%lld", (long long)one->id) });
	FIT("", { "owner", CONTACT_HOLDS, "" });	/* no such column */
	FIT("", { "name", CONTACT_EQUALS, "' OR '1' = '1" });

	assert_int_equal(contact_find(&cx, ann, NULL, 0, 1, 1, &list, &n), 0);
	assert_int_equal(n, 1);
	assert_string_equal(list->userid, "f-2");
	assert_int_equal(contact_find(&cx, bob, NULL, 0, 0, 100, &list, &n), 0);
	assert_int_equal(n, 0);
}

static void
changed(void **state)
{
	struct contact	*c;
	struct contact	 to = { .owner = ann, .name = (char *)"", .avatar = (char *)"http://x/" };

	(void)state;
	cx.now = 1000;
	c = met("c", "Name", "Acme");
	to.id = c->id;
	cx.now = 2000;
	assert_int_equal(contact_change(&cx, &to), 0);
	c = contact_get(&cx, ann, c->id);
	assert_string_equal(c->name, "");
	assert_string_equal(c->company, "Acme");
	assert_string_equal(c->avatar, "http://x/");
	assert_true(c->created_ms == 1000 && c->updated_ms == 2000);

	assert_null(contact_get(&cx, bob, c->id));
	FAILED_WITH(F_NOT_FOUND);
	to.owner = bob;
	assert_int_equal(contact_change(&cx, &to), -1);
	FAILED_WITH(F_NOT_FOUND);
	assert_int_equal(contact_remove(&cx, bob, c->id), -1);
	FAILED_WITH(F_NOT_FOUND);
	assert_int_equal(contact_remove(&cx, ann, c->id), 0);
	assert_int_equal(contact_remove(&cx, ann, c->id), -1);
	FAILED_WITH(F_NOT_FOUND);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		TEST(merged),
		TEST(found),
		TEST(changed),
	};

	return run_furnished("contact", tests);
}
