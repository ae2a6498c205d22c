/* What answers of the dialect "release" rest on: from citations to the document's objects. */
#include "release.h"

#include <string.h>

#include "base/clock.h"
#include "base/utf8.h"

#define RFC3339_SIZE	25
#define PLAIN		1	/* the type of a segment, and of what is shown: text */

enum source_type { SOURCE_FILE = 1, SOURCE_ADDRESS, SOURCE_WEB };

/* What is added to a citation: the document that it names, and the segment. */
struct source {
	char	*content;		/* the whole segment */
	int64_t	 tokens;		/* of it */
	char	*type;			/* of the document, as the rest */
	char	*url, *creator;		/* NULL: none */
	int64_t	 size, document_tokens, segments, created_ms;
	int64_t	 dataset;		/* 0: none */
	char	*dataset_name;
};

static const struct field source_f[] = {
	FIELD(source, T_STR, MAY, content, 0, 0, NULL),
	FIELD(source, T_I64, MAY, tokens, 0, 0, NULL),
	FIELD(source, T_STR, MAY, type, 0, 0, NULL),
	FIELD(source, T_STR, OMIT, url, 0, 0, NULL),
	FIELD(source, T_STR, OMIT, creator, 0, 0, NULL),
	FIELD(source, T_I64, MAY, size, 0, 0, NULL),
	FIELD_AS(source, T_I64, MAY, document_tokens, "documentTokens", 0, 0, NULL),
	FIELD(source, T_I64, MAY, segments, 0, 0, NULL),
	FIELD_AS(source, T_I64, MAY, created_ms, "createdAt", 0, 0, NULL),
	FIELD(source, T_I64, OMIT, dataset, 0, 0, NULL),
	FIELD_AS(source, T_STR, OMIT, dataset_name, "datasetName", 0, 0, NULL),
};
static FIELDS(source, "ReleaseSource");

/* A citation: of a document (passages.h) with its source, or a hit of a search (plan.h). */
struct cited {
	int64_t		 document, segment;
	char		*file_name, *text;
	double		 score;
	struct source	*source;
	char		*link, *snippet, *title;
};

static const struct field cited_f[] = {
	FIELD_AS(cited, T_I64, MAY, document, "documentId", 0, 0, NULL),
	FIELD_AS(cited, T_STR, MAY, file_name, "fileName", 0, 0, NULL),
	FIELD(cited, T_I64, MAY, segment, 0, 0, NULL),
	FIELD(cited, T_STR, MAY, text, 0, 0, NULL),
	FIELD(cited, T_F64, MAY, score, 0, 0, NULL),
	FIELD_SUB(cited, T_OBJ, MAY, source, &source_fields, 0, 0, NULL),
	FIELD(cited, T_STR, MAY, link, 0, 0, NULL),
	FIELD(cited, T_STR, MAY, snippet, 0, 0, NULL),
	FIELD(cited, T_STR, MAY, title, 0, 0, NULL),
};
static FIELDS(cited, "ReleaseCited");

/* All of them are ours, so what cannot be read is as good as nothing. */
static struct cited *
read_citations(struct arena *a, char *const *citations, size_t n)
{
	struct cited	*list = arena_array(a, n, sizeof(*list));
	struct ctx	 cx = { .a = a };
	struct json	*j;

	for (size_t i = 0; i < n; i++) {
		if ((j = json_parse(&cx, citations[i], strlen(citations[i]))) == NULL)
			continue;
		json_read(&cx, j, &cited_fields, &list[i]);
		json_free(j);
	}
	return list;
}

/* ---- before: what the citations will be told with -------------------------------------------- */

/* The object with one member more. */
static char *
with_source(struct arena *a, const char *citation, const struct source *from)
{
	struct str	 s = STR_INIT(0);
	struct jw	 w;

	str_put(&s, citation, strlen(citation) - 1);
	str_puts(&s, ",\"source\":");
	jw_open(&w, &s);
	json_write(&w, NULL, &source_fields, from, NULL);
	str_putc(&s, '}');
	return str_keep(&s, a);
}

static char *
source_citation(struct arena *a, const char *citation, const struct assistant_source *s)
{
	return with_source(a, citation, &(struct source){
		.content = s->text, .tokens = s->tokens, .type = s->type, .url = s->url,
		.creator = s->creator, .size = s->size, .document_tokens = s->document_tokens,
		.segments = s->segments, .created_ms = s->created_ms, .dataset = s->dataset,
		.dataset_name = s->dataset_name,
	});
}

int
release_source(struct ctx *cx, int64_t version, struct turn_spec *spec)
{
	const size_t		 n = spec->ncitations;
	struct cited		*cited = read_citations(cx->a, spec->citations, n);
	struct assistant_source	*s;

	for (size_t i = 0; i < n; i++) {
		if (cited[i].document == 0)
			continue;
		if ((s = assistant_source(cx, version, cited[i].document,
		    cited[i].segment)) != NULL)
			spec->citations[i] = source_citation(cx->a, spec->citations[i], s);
		else if (cx->fail.kind != F_NONE)
			return -1;
	}
	return 0;
}

/* ---- after: the document's objects ----------------------------------------------------------- */

static char *
id_text(struct arena *a, int64_t id)
{
	return id != 0 ? arena_printf(a, "%lld", (long long)id) : arena_strdup(a, "");
}

static char *
text_or_empty(struct arena *a, char *s)
{
	return s != NULL ? s : arena_strdup(a, "");
}

static char *
time_text(struct arena *a, int64_t ms)
{
	char	*s = arena_get(a, RFC3339_SIZE);

	clock_rfc3339(s, RFC3339_SIZE, ms);
	return s;
}

static int
type_number(const char *type)
{
	static const char *const	 types[] = { "txt", "md", "html", "pdf", "docx" };

	for (size_t i = 0; type != NULL && i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(type, types[i]) == 0)
			return (int)i + 1;
	return 0;
}

static struct release_segment
segment_of(struct arena *a, const struct cited *c)
{
	struct release_metadata	*m = arena_get(a, sizeof(*m));
	char			*text = c->source->content;
	char			*empty = arena_strdup(a, "");

	*m = (struct release_metadata){ .image_name_value = empty, .table_name_value = empty,
		.score = c->score };
	return (struct release_segment){
		.segment_id = arena_printf(a, "%lld-%lld", (long long)c->document,
		    (long long)c->segment),
		.dataset_id = id_text(a, c->source->dataset),
		.document_id = id_text(a, c->document),
		.content = text, .token_count = c->source->tokens, .number = c->segment + 1,
		.metadata = m, .words = (int64_t)utf8_length(text, strlen(text)),
		.segment_type = PLAIN, .table_content = empty, .image_key = empty,
		.image_uri = empty, .display_type = PLAIN, .image_keys = empty,
		.display_content = text,
	};
}

/* Of a document all that was found of it. */
static struct list
segments_of(struct arena *a, int64_t document, const struct cited *all, size_t n)
{
	struct release_segment	*list = arena_array(a, n, sizeof(*list));
	size_t			 found = 0;

	for (size_t i = 0; i < n; i++)
		if (document != 0 && all[i].document == document)
			list[found++] = segment_of(a, &all[i]);
	return (struct list){ list, found };
}

static struct release_document *
document_of(struct arena *a, const struct cited *c, const struct cited *all, size_t n)
{
	const struct source	*s = c->source;
	struct release_document	*d = arena_get(a, sizeof(*d));
	const bool		 web = c->document == 0;

	*d = (struct release_document){
		.document_id = id_text(a, c->document),
		.display_name = text_or_empty(a, web ? c->title : c->file_name),
		.type = type_number(s->type), .document_size = s->size,
		.token_count = s->document_tokens, .segment_count = s->segments,
		.dataset_id = id_text(a, s->dataset),
		.dataset_display = text_or_empty(a, s->dataset_name), .p_id = arena_strdup(a, ""),
		.data_source_type = web ? SOURCE_WEB :
		    s->url != NULL ? SOURCE_ADDRESS : SOURCE_FILE,
		.creator = text_or_empty(a, s->creator),
		.create_time = time_text(a, s->created_ms),
		.update_time = time_text(a, s->created_ms),
		.segments = segments_of(a, c->document, all, n),
		.uri = text_or_empty(a, web ? c->link : s->url),
	};
	return d;
}

static struct release_result
result_of(struct arena *a, const struct cited *c, const struct cited *all, size_t n)
{
	char	*text = c->source->content, *empty = arena_strdup(a, "");

	return (struct release_result){
		.page_content = text, .document = document_of(a, c, all, n),
		.confidence = c->score, .token_count = c->source->tokens, .segment_number = 1,
		.words = (int64_t)utf8_length(text, strlen(text)), .type = PLAIN,
		.display_type = PLAIN, .table_content = empty, .image_uri = empty,
		.image_key = empty, .display_content = text,
	};
}

/* One without a source, of a search or of a document that was deleted, gets what it can have. */
static void
complete(struct arena *a, struct cited *c)
{
	char	*text;

	if (c->source != NULL && c->source->content != NULL)
		return;
	text = text_or_empty(a, c->document != 0 ? c->text : c->snippet);
	c->source = arena_get(a, sizeof(*c->source));
	c->source->content = text;
	c->source->tokens = utf8_tokens(text, strlen(text));
}

struct list
release_results(struct arena *a, char *const *citations, size_t n)
{
	struct cited		*cited = read_citations(a, citations, n);
	struct release_result	*list = arena_array(a, n, sizeof(*list));

	for (size_t i = 0; i < n; i++)
		complete(a, &cited[i]);
	for (size_t i = 0; i < n; i++)
		list[i] = result_of(a, &cited[i], cited, n);
	return (struct list){ list, n };
}

struct list
release_questions(struct arena *a, const char *json)
{
	struct ctx	 cx = { .a = a };
	json_auto	*j = json != NULL ? json_parse(&cx, json, strlen(json)) : NULL;
	const size_t	 n = j != NULL ? json_count(j) : 0;
	char		**list = arena_array(a, n, sizeof(*list));
	size_t		 len, kept = 0;
	const char	*s;

	for (size_t i = 0; i < n; i++)
		if (json_get_str(json_elem(j, i), &s, &len))
			list[kept++] = arena_strndup(a, s, len);
	return (struct list){ list, kept };
}
