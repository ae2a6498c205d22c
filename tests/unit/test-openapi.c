/*
 * The API document: it is whole, its references lead somewhere, and for the arena it says what the
 * source document says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/dispatch.h"
#include "api/openapi.h"
#include "base/arena.h"
#include "base/json.h"

#include <cmocka.h>
#undef fail

static struct ctx		 cx;
static struct str		 text;
static struct json		*doc;
static const struct route	*rows;
static size_t			 nrows;

static int
group_setup(void **state)
{
	(void)state;
	cx.a = arena_new(0);
	rows = routes_table(&nrows);
	openapi_write(&text, rows, nrows);
	doc = json_parse(&cx, text.p, text.len);
	return doc != NULL ? 0 : -1;
}

static int
group_teardown(void **state)
{
	(void)state;
	json_free(doc);
	str_free(&text);
	arena_free(cx.a);
	return 0;
}

static const struct json *
at(const char *path)
{
	const struct json	*j = json_at(doc, path);

	if (j == NULL)
		print_error("nothing at %s\n", path);
	assert_non_null(j);
	return j;
}

static void
assert_says(const char *path, const char *expected)
{
	assert_string_equal(json_dump(cx.a, at(path)), expected);
}

static void
table_compiles(void **state)
{
	struct str	 err = STR_INIT(0);
	struct routes	*compiled = routes_compile(rows, nrows, &err);

	(void)state;
	if (compiled == NULL)
		print_error("%s\n", err.p);
	assert_non_null(compiled);
	routes_free(compiled);
	str_free(&err);
}

static void
every_route_is_there(void **state)
{
	char	 path[200];

	(void)state;
	for (size_t i = 0; i < nrows; i++)
		for (int m = M_GET; m <= M_OPTIONS; m <<= 1) {
			char	 method[16];

			if (!(rows[i].methods & m))
				continue;
			snprintf(method, sizeof(method), "%s", method_name(m));
			for (char *c = method; *c != '\0'; c++)
				*c |= 0x20;
			snprintf(path, sizeof(path), "paths.%s.%s.operationId", rows[i].path,
			    method);
			at(path);
		}
}

static void
references_lead_somewhere(void **state)
{
	const char	 mark[] = "\"#/components/schemas/";
	char		 path[200];
	size_t		 n = 0;

	(void)state;
	for (const char *p = text.p; (p = strstr(p, mark)) != NULL; n++) {
		p += strlen(mark);
		snprintf(path, sizeof(path), "components.schemas.%.*s.type",
		    (int)strcspn(p, "\""), p);
		assert_says(path, "\"object\"");
	}
	assert_true(n > 50);
}

/* Two tables under one name would describe each other's values. */
static void
names_are_unique(void **state)
{
	const char	 mark[] = "\":{\"type\":\"object\",\"properties\":";
	const char	 other[] = "\":{\"type\":\"object\",\"required\":";
	char		 names[512][64];
	size_t		 n = 0;

	(void)state;
	for (const char *p = strstr(text.p, "\"schemas\":"), *q; *p != '\0'; p++) {
		if (strncmp(p, mark, strlen(mark)) != 0 && strncmp(p, other, strlen(other)) != 0)
			continue;
		for (q = p; q[-1] != '"'; q--)
			;
		snprintf(names[n], sizeof(names[n]), "%.*s", (int)(p - q), q);
		for (size_t i = 0; i < n; i++)
			assert_string_not_equal(names[i], names[n]);
		assert_true(++n < sizeof(names) / sizeof(names[0]));
	}
	assert_true(n > 10);
}

static void
the_source_document(void **state)
{
	(void)state;
	assert_says("openapi", "\"3.0.1\"");
	assert_says("info.title", "\"OpenAPI definition\"");
	assert_says("info.version", "\"v0\"");
	assert_says("paths./task/add.post.tags", "[\"任务相关接口\"]");
	assert_says("paths./conv/chat.post.tags", "[\"会话相关接口\"]");
	assert_says("paths./combine/chat.get.tags", "[\"ai融合接口\"]");
	assert_says("paths./task/add.post.parameters",
	    "[{\"name\":\"userId\",\"in\":\"header\",\"required\":true,"
	    "\"schema\":{\"type\":\"string\"}}]");
	assert_says("paths./conv/chat.post.parameters",
	    "[{\"name\":\"userId\",\"in\":\"header\",\"required\":false,"
	    "\"schema\":{\"type\":\"string\"}},"
	    "{\"name\":\"Idempotency-Key\",\"in\":\"header\",\"required\":false,"
	    "\"schema\":{\"type\":\"string\"}}]");
	assert_says("paths./combine/chat.get.parameters.0.name", "\"req\"");
	assert_says("paths./combine/chat.get.parameters.1.name", "\"fuse\"");
	assert_says("paths./combine/chat.delete.parameters.0.name", "\"fuse\"");
	assert_says("paths./task/del.get.parameters.0.name", "\"code\"");
	assert_says("paths./task/add.post.requestBody.content."
	    "application/x-www-form-urlencoded.schema",
	    "{\"$ref\":\"#/components/schemas/TaskAdd\"}");
	assert_says("paths./conv/chat.post.responses.200.content.text/event-stream.schema",
	    "{\"$ref\":\"#/components/schemas/ChatResponseVO\"}");
	assert_says("paths./conv/his.get.responses.200.content.application/json.schema",
	    "{\"$ref\":\"#/components/schemas/ResultDTOHistoryChatVO\"}");
	assert_says("components.schemas.ChatMsgReq.required", "[\"taskId\"]");
	assert_says("components.schemas.ChatMsgReq.properties.messages.items",
	    "{\"$ref\":\"#/components/schemas/ChatMessage\"}");
	assert_says("components.schemas.ChatChoice.properties.index",
	    "{\"type\":\"integer\",\"format\":\"int32\"}");
	assert_says("components.schemas.ChatResponseVO.properties.created.format", "\"int64\"");
	assert_says(
	    "components.schemas.HistoryChatVO.properties.chatMap.additionalProperties.items",
	    "{\"$ref\":\"#/components/schemas/ChatResponseVO\"}");
	assert_says(
	    "components.schemas.ConvCreatedVO.properties.priIdMapping.additionalProperties",
	    "{\"type\":\"string\"}");
	at("components.schemas.ChatCitation.properties.start_time.pattern");
	assert_null(strstr(text.p, "date-time"));
}

/* What comes of the flags of a row and of its path. */
static void
streams(void **state)
{
	(void)state;
	assert_says("paths./v1/streams/{turn}.get.parameters.0",
	    "{\"name\":\"turn\",\"in\":\"path\",\"required\":true,"
	    "\"schema\":{\"type\":\"string\"}}");
	assert_says("paths./v1/streams/{turn}.get.parameters.1.name", "\"after\"");
	assert_says("paths./v1/streams/{turn}.get.parameters.3.name", "\"Last-Event-ID\"");
	assert_says("paths./v1/streams/{turn}.get.responses.200.content",
	    "{\"text/event-stream\":{\"schema\":{\"type\":\"string\"}}}");
	at("paths./v1/streams/{turn}.get.responses.204");
	at("paths./v1/streams/{turn}.get.responses.400");
	at("paths./v1/streams/{turn}.get.responses.404");
	at("paths./v1/streams/{turn}/stop.post.responses.404");
	assert_null(json_at(doc, "paths./v1/streams/{turn}/stop.post.requestBody"));
	assert_says("paths./v1/streams/{turn}/stop.post.responses.200.content."
	    "application/json.schema", "{\"$ref\":\"#/components/schemas/StreamStopped\"}");
}

/* Who has to log in is not let in as a guest; ids are numbers there. */
static void
logins(void **state)
{
	(void)state;
	assert_says("paths./v1/chat/models.get.security",
	    "[{\"bearer\":[]},{\"key\":[]},{\"keyInQuery\":[]},{\"cookie\":[]}]");
	assert_says("paths./v1/chat/data/session/search.post.security",
	    "[{\"bearer\":[]},{\"cookie\":[]}]");
	assert_says("paths./task/list.get.security",
	    "[{\"bearer\":[]},{\"key\":[]},{\"keyInQuery\":[]},{\"guest\":[]},{}]");
	assert_says("components.securitySchemes.key",
	    "{\"type\":\"apiKey\",\"in\":\"header\",\"name\":\"x-api-key\"}");
	assert_says("components.securitySchemes.keyInQuery",
	    "{\"type\":\"apiKey\",\"in\":\"query\",\"name\":\"apiKey\"}");
	at("paths./v1/chat/session/conversation.post.responses.402");
	assert_says("components.securitySchemes.cookie",
	    "{\"type\":\"apiKey\",\"in\":\"cookie\",\"name\":\"parley_token\"}");
	assert_says("paths./v1/chat/session/{id}.get.parameters",
	    "[{\"name\":\"id\",\"in\":\"path\",\"required\":true,"
	    "\"schema\":{\"type\":\"integer\",\"format\":\"int64\"}}]");
	at("paths./v1/chat/session/{id}.put.responses.401");
	at("paths./v1/chat/data/session/{id}.get.responses.403");
	assert_says("components.schemas.ChatSessionItem.properties.documentIds.items",
	    "{\"type\":\"integer\",\"format\":\"int64\"}");
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(table_compiles),
		cmocka_unit_test(every_route_is_there),
		cmocka_unit_test(references_lead_somewhere),
		cmocka_unit_test(names_are_unique),
		cmocka_unit_test(the_source_document),
		cmocka_unit_test(streams),
		cmocka_unit_test(logins),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("openapi", tests, group_setup, group_teardown);
}
