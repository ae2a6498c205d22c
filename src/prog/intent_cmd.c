/* parley intent add, list, remove */
#include "cmd.h"

#include <string.h>
#include <sysexits.h>

#include "input.h"
#include "store/intent.h"
#include "table.h"

#define EXAMPLES_MOST	100

struct intent_file {
	char		*name, *reply, *system;
	struct list	 examples;	/* of char * */
};

static const struct field intent_file_f[] = {
	FIELD(intent_file, T_STR, MUST, name, 1, 190, NULL),
	FIELD(intent_file, T_STRS, MUST, examples, 1, EXAMPLES_MOST, NULL),
	FIELD(intent_file, T_STR, MAY, reply, 0, 0, NULL),
	FIELD(intent_file, T_STR, MAY, system, 0, 0, NULL),
};
static FIELDS(intent_file, "IntentFile");

/* NULL, or what is wrong with it. */
static const char *
wrong(struct arena *a, struct intent_file *f)
{
	char *const	*examples = f->examples.p;

	if (f->reply != NULL && *f->reply == '\0')
		f->reply = NULL;
	if (f->system != NULL && *f->system == '\0')
		f->system = NULL;
	if ((f->reply == NULL) == (f->system == NULL))
		return "either reply or system, one of them";
	for (size_t i = 0; i < f->examples.n; i++)
		if (*examples[i] == '\0')
			return arena_printf(a, "examples[%zu] is empty", i);
	return NULL;
}

static char *
examples_json(struct arena *a, const struct list *examples)
{
	char *const	*text = examples->p;
	struct str	 s = STR_INIT(0);
	struct jw	 w;

	jw_open(&w, &s);
	jw_arr(&w, NULL);
	for (size_t i = 0; i < examples->n; i++)
		jw_str(&w, NULL, text[i]);
	jw_close(&w);
	return str_keep(&s, a);
}

static int
add(struct run *r, const void *opts)
{
	struct intent_file	 f = { 0 };
	const char		*file = r->operand[0], *why;
	struct str		 out = STR_INIT(0);
	struct intent		 i;
	struct jw		 w;
	int			 status;

	(void)opts;
	if ((status = input_object(r, file, &intent_file_fields, &f)) != EX_OK)
		return status;
	if ((why = wrong(r->cx.a, &f)) != NULL)
		return input_wrong(r, file, "%s", why);
	i = (struct intent){ .name = f.name, .examples = examples_json(r->cx.a, &f.examples),
		.reply = f.reply, .system = f.system };
	if (intent_add(&r->cx, &i) == -1)
		return cmd_failed(r);
	if (r->json) {
		jw_open(&w, &out);
		jw_obj(&w, NULL);
		jw_idstr(&w, "id", i.id);
		jw_str(&w, "name", i.name);
		return cmd_print_json(r, &w);
	}
	str_printf(&out, "intent %s added, %lld\n", i.name, (long long)i.id);
	return cmd_print(r, &out);
}

static void
intent_json(struct jw *w, const struct intent *i)
{
	jw_idstr(w, "id", i->id);
	jw_str(w, "name", i->name);
	jw_raw(w, "examples", i->examples, strlen(i->examples));
	jw_str(w, "reply", i->reply);
	jw_str(w, "system", i->system);
}

static int
list(struct run *r, const void *opts)
{
	struct arena	*a = r->cx.a;
	struct str	 out = STR_INIT(0);
	struct table	 t;
	struct intent	*i;
	struct jw	 w;
	size_t		 n;

	(void)opts;
	if (intent_list(&r->cx, &i, &n) == -1)
		return cmd_failed(r);
	if (r->json) {
		jw_open(&w, &out);
		jw_arr(&w, NULL);
		for (size_t k = 0; k < n; k++) {
			jw_obj(&w, NULL);
			intent_json(&w, &i[k]);
			jw_end(&w);
		}
		return cmd_print_json(r, &w);
	}
	table_begin(&t, a, "ID|NAME|ANSWERED BY");
	for (size_t k = 0; k < n; k++)
		table_row(&t, (const char *[]){ arena_printf(a, "%lld", (long long)i[k].id),
		    i[k].name, i[k].reply != NULL ? "its reply" : "the model, told more" });
	table_end(&t, &out);
	if (n == 0)
		str_puts(&out, "no intent yet: see parley intent add --help\n");
	return cmd_print(r, &out);
}

static int
take_out(struct run *r, const void *opts)
{
	const struct intent	*i;
	struct str		 out = STR_INIT(0);

	(void)opts;
	if ((i = intent_get(&r->cx, r->operand[0])) == NULL || intent_remove(&r->cx, i->id) == -1)
		return cmd_failed(r);
	str_printf(&out, "intent %s removed\n", i->name);
	return cmd_print(r, &out);
}

const struct cmd cmd_intent_add = {
	.name = "intent add",
	.operands = "FILE.json",
	.least = 1, .most = 1,
	.help = "registers what questions can be tested for before a model is asked",
	.more =
	    "The file holds one object (- is standard input): name; examples, sentences of\n"
	    "people who want it; and either reply, the answer to them, or system, what the\n"
	    "model is told as well.\n"
	    "\n"
	    "  {\"name\": \"opening hours\", \"examples\": [\"When are you open?\"],\n"
	    "   \"reply\": \"Monday to Friday, 9 to 17.\"}\n",
	.flags = CMD_SCHEMA | CMD_IDS | CMD_JSON,
	.fn = add,
};

const struct cmd cmd_intent_list = {
	.name = "intent list",
	.operands = "",
	.help = "shows every intent",
	.flags = CMD_SCHEMA | CMD_JSON,
	.fn = list,
};

const struct cmd cmd_intent_remove = {
	.name = "intent remove",
	.operands = "ID",
	.least = 1, .most = 1,
	.help = "removes an intent, by id or name",
	.flags = CMD_SCHEMA,
	.fn = take_out,
};
