/* The schema and the plans of the statements on it. */
#include "material.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

/* Does a line of EXPLAIN say that a table of any size is read from end to end? */
static bool
full_scan(const char *line)
{
	static const char	 small[] = " tenant model m f j node job schema_migration TABLES"
				    " assistant tool intent app ";
	char			 table[64], type[32], name[70];

	if (sscanf(line, "%*[^\t]\t%*[^\t]\t%63[^\t]\t%31[^\t]", table, type) != 2)
		return true;
	if (strcmp(type, "ALL") != 0 && strcmp(type, "index") != 0)
		return false;
	snprintf(name, sizeof(name), " %s ", table);
	return *table != '<' && strstr(small, name) == NULL;
}

/* What an operator asks for: everything. */
static bool
reads_all(enum sql_id id)
{
	return id == SQL_KEY_LIST || id == SQL_BOOKS;
}

/*
 * The statement with constants in the place of placeholders: quoted, so that they suit every type,
 * but for LIMIT and OFFSET.
 */
static void
with_constants(struct str *s, const char *sql)
{
	const char	*p;

	str_reset(s);
	str_puts(s, "EXPLAIN ");
	for (; (p = strchr(sql, '?')) != NULL; sql = p + 1) {
		str_put(s, sql, (size_t)(p - sql));
		if (strncmp(p - 6, "LIMIT ", 6) == 0 || strncmp(p - 7, "OFFSET ", 7) == 0)
			str_puts(s, "8");
		else if (strncmp(p - 11, "JSON_TABLE(", 11) == 0)
			str_puts(s, "'[1,2,3]'");
		else
			str_puts(s, "'1000001'");
	}
	str_puts(s, sql);
}

static void
no_full_scans(void **state)
{
	struct str	 sql = STR_INIT(0);
	const char	*text;
	char		*plan, *line;
	int		 bad = 0;

	(void)state;
	private_db_feed(&server,
	    "SET foreign_key_checks = 0;"
	    "INSERT INTO user SELECT 1000000 + seq, 1, CONCAT('u', seq), NULL, NULL, 0"
	    "  FROM seq_1_to_3000;"
	    "INSERT INTO task SELECT 1000000 + seq, 1000000 + seq DIV 3, NULL, 't', '', '', '', '',"
	    "  0 FROM seq_1_to_3000;"
	    "INSERT INTO session (id, tenant, owner, task, title, created_ms, answered_ms)"
	    "  SELECT 1000000 + seq, 1, 1000000 + seq DIV 3, 1000000 + seq, 's', 0, 1"
	    "  FROM seq_1_to_3000;"
	    "INSERT INTO lane SELECT 1000000 + seq DIV 2, seq MOD 2, 1, 'A', CONCAT('p', seq)"
	    "  FROM seq_2_to_6001;"
	    "INSERT INTO turn (id, tenant, owner, session, group_id, worker, private, voice,"
	    "  question, context, created_ms, ended_ms)"
	    "  SELECT 1000000 + seq, 1, 1000000, 1000000 + seq DIV 3, 1000000 + seq,"
	    "  seq MOD 4, 0, 'arena', 'q', NULL, 0, 1 FROM seq_1_to_6000;"
	    "INSERT INTO answer (id, turn, session, lane, model, status, text, created_ms)"
	    "  SELECT 1000000 + seq, 1000000 + seq DIV 2, 1000000 + seq DIV 6, seq MOD 2, 1,"
	    "  'stop', 'a', 0 FROM seq_1_to_12000;"
	    "INSERT INTO citation (answer, position, body)"
	    " SELECT 1000000 + seq DIV 3, seq MOD 3, '{}' FROM seq_3_to_9000;"
	    "INSERT INTO tool_run SELECT 1000000 + seq DIV 3, seq MOD 3, '{}' FROM seq_3_to_9000;"
	    "INSERT INTO contact (id, owner, userid, created_ms, updated_ms)"
	    "  SELECT seq, 1000000 + seq DIV 3, seq, 0, 0 FROM seq_1_to_3000;"
	    "INSERT INTO ledger SELECT seq, NULL, 1000000 + seq, 'answer', 1, 0 FROM seq_1_to_5000;"
	    "INSERT INTO api_key (id, tenant, user, name, hash, shown, created_ms)"
	    "  SELECT 1000000 + seq, 1 + seq DIV 100, 1000000 + seq, 'k', seq, 'sk-', 0"
	    "  FROM seq_1_to_3000;"
	    "INSERT INTO reservation SELECT 1000000 + seq, 1000000 + seq DIV 3, 1, 0"
	    "  FROM seq_1_to_3000;"
	    "INSERT INTO vote SELECT 1000000 + seq DIV 5, 1000000 + seq, 1000000, 1, 0, 0"
	    "  FROM seq_1_to_5000;"
	    "INSERT INTO call_record SELECT seq, 1, CONCAT('r', seq), 's', seq, 1, NULL, NULL,"
	    "  NULL, 5, '[]', 0 FROM seq_1_to_3000;"
	    "INSERT INTO call_posting SELECT 1, seq DIV 10, seq MOD 3000, 1 FROM seq_1_to_20000;"
	    "INSERT INTO document (id, tenant, owner, file_name, type, media_type, size, status,"
	    "  created_ms) SELECT seq, 1, 1000000 + seq DIV 3, 'f', 'txt', 'text/plain', 1, 'ready', 0"
	    "  FROM seq_1_to_3000;"
	    "INSERT INTO document_part SELECT seq DIV 3, seq MOD 3, 'b' FROM seq_3_to_3000;"
	    "INSERT INTO segment SELECT seq DIV 5, seq MOD 5, 't', 5 FROM seq_5_to_5000;"
	    "INSERT INTO segment_posting SELECT seq DIV 20, seq MOD 10, seq MOD 20 DIV 10, 1"
	    "  FROM seq_20_to_20000;"
	    "INSERT INTO dataset SELECT seq, 1, 1000000 + seq DIV 3, 's', 0 FROM seq_1_to_3000;"
	    "INSERT INTO dataset_document (dataset, document)"
	    "  SELECT seq DIV 3, 1 + seq MOD 3000 FROM seq_3_to_9000;"
	    "INSERT INTO session_document (session, document)"
	    " SELECT 1000000 + seq DIV 3, 1 + seq MOD 3000"
	    "  FROM seq_3_to_9000;"
	    "INSERT INTO idempotency SELECT 1000000 + seq DIV 3, seq, 'h', seq, seq"
	    "  FROM seq_1_to_5000;"
	    "INSERT INTO checkpoint SELECT 1000000 + seq DIV 20, seq MOD 20, 'b', seq, seq"
	    "  FROM seq_1_to_5000;"
	    "INSERT INTO app SELECT 1000000 + seq, 1 + seq DIV 100, 'a', '', 'text', 1, 't', 0"
	    "  FROM seq_1_to_3000;"
	    "ANALYZE TABLE user, task, session, lane, turn, answer, citation, ledger, vote,"
	    "  api_key, reservation, tool_run, contact,"
	    "  call_record, call_posting, document, document_part, segment, segment_posting, dataset,"
	    "  dataset_document, session_document, idempotency, checkpoint, app");
	for (int id = 0; id < SQL_COUNT; id++) {
		text = db_sql_text(id);
		if (reads_all((enum sql_id)id) || strncmp(text, "CREATE", 6) == 0 || strstr(text, " VALUES (") != NULL)
			continue;
		with_constants(&sql, text);
		plan = private_db_ask(&server, sql.p);
		assert_true(*plan != '\0');
		while ((line = strsep(&plan, "\n")) != NULL) {
			if (*line == '\0' || !full_scan(line))
				continue;
			print_message("# %s: %s\n", db_sql_name(id), line);
			bad++;
		}
	}
	str_free(&sql);
	assert_int_equal(bad, 0);
}

/* The schema itself. */

static void
schema(void **state)
{
	char	 command[4400];

	(void)state;
	assert_string_equal(private_db_ask(&server,
	    "SELECT COUNT(*) FROM information_schema.COLUMNS"
	    " WHERE TABLE_SCHEMA = 'parley' AND COLUMN_COMMENT = ''"), "0");
	assert_string_equal(private_db_ask(&server, "SELECT COUNT(*) FROM information_schema.TABLES"
	    " WHERE TABLE_SCHEMA = 'parley' AND (TABLE_COMMENT = '' OR ENGINE <> 'InnoDB')"), "0");
	snprintf(command, sizeof(command), "%s/scripts/check-schema --socket %s >&2", server.top,
	    server.socket);
	assert_int_equal(system(command), 0);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		TEST(no_full_scans),
		TEST(schema),
	};

	return run_furnished("schema", tests);
}
