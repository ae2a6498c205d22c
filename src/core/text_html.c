/* HTML: what a reader of the page sees, as far as that can be told without its styles. */
#include <libxml/HTMLparser.h>

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "charset.h"
#include "text_formats.h"

#define PROLOGUE	1024		/* bytes in which the name of an encoding is looked for */
#define CHARSET_MAX	40
#define PIECE		65536

struct page {
	struct str	*out;
	int		 hidden, pre;	/* how many such elements are open */
};

/* What an element does to the text around it. */
static const struct element {
	const char	*name;
	enum { LINE = 1, PARAGRAPH = 2, CELL, HIDDEN, PRE } does;
} elements[] = {
	{ "address", PARAGRAPH }, { "article", PARAGRAPH }, { "aside", PARAGRAPH },
	{ "blockquote", PARAGRAPH }, { "body", PARAGRAPH }, { "br", LINE }, { "caption", LINE },
	{ "dd", LINE }, { "div", LINE }, { "dl", PARAGRAPH }, { "dt", LINE },
	{ "fieldset", PARAGRAPH }, { "figcaption", LINE }, { "figure", PARAGRAPH },
	{ "footer", PARAGRAPH }, { "form", PARAGRAPH }, { "h1", PARAGRAPH }, { "h2", PARAGRAPH },
	{ "h3", PARAGRAPH }, { "h4", PARAGRAPH }, { "h5", PARAGRAPH }, { "h6", PARAGRAPH },
	{ "header", PARAGRAPH }, { "hr", PARAGRAPH }, { "li", LINE }, { "main", PARAGRAPH },
	{ "nav", PARAGRAPH }, { "ol", PARAGRAPH }, { "option", LINE }, { "p", PARAGRAPH },
	{ "pre", PRE }, { "script", HIDDEN }, { "section", PARAGRAPH }, { "style", HIDDEN },
	{ "svg", HIDDEN }, { "table", PARAGRAPH }, { "td", CELL }, { "template", HIDDEN },
	{ "th", CELL }, { "title", PARAGRAPH }, { "tr", LINE }, { "ul", PARAGRAPH },
};

static const struct element *
element_of(const xmlChar *name)
{
	for (size_t i = 0; i < sizeof(elements) / sizeof(elements[0]); i++)
		if (strcasecmp(elements[i].name, (const char *)name) == 0)
			return &elements[i];
	return NULL;
}

static void
border(struct page *page, const xmlChar *name, int step)
{
	const struct element	*e = element_of(name);

	if (e == NULL)
		return;
	switch (e->does) {
	case HIDDEN:
		page->hidden += step;
		break;
	case PRE:
		page->pre += step;
		text_break(page->out, PARAGRAPH);
		break;
	case CELL:
		if (step < 0)
			str_putc(page->out, '\t');
		break;
	case LINE:
	case PARAGRAPH:
		text_break(page->out, (int)e->does);
	}
}

static void
on_start(void *arg, const xmlChar *name, const xmlChar **attributes)
{
	(void)attributes;
	border(arg, name, 1);
}

static void
on_end(void *arg, const xmlChar *name)
{
	border(arg, name, -1);
}

/* Blanks of any kind are one, and none where a line begins. */
static void
on_text(void *arg, const xmlChar *text, int n)
{
	struct page	*page = arg;
	struct str	*out = page->out;

	if (page->hidden > 0)
		return;
	if (page->pre > 0) {
		str_put(out, text, (size_t)n);
		return;
	}
	for (int i = 0; i < n; i++)
		if (!isspace(text[i]))
			str_putc(out, (char)text[i]);
		else if (out->len > 0 && !isspace((unsigned char)out->p[out->len - 1]))
			str_putc(out, ' ');
}

/* The name that begins there, in quotes perhaps. */
static void
take_name(const char *p, size_t n, char name[CHARSET_MAX])
{
	size_t	i = 0, len = 0;

	while (i < n && strchr("\"' ", p[i]) != NULL)
		i++;
	for (; i < n && len < CHARSET_MAX - 1; i++) {
		if (!isalnum((unsigned char)p[i]) && p[i] != '-' && p[i] != '_')
			break;
		name[len++] = p[i];
	}
	name[len] = '\0';
}

/* What stands behind charset= or encoding=, of a meta element or an XML declaration. */
static const char *
charset_named(const char *p, size_t n, char name[CHARSET_MAX])
{
	static const char *const	keys[] = { "charset=", "encoding=" };

	n = n < PROLOGUE ? n : PROLOGUE;
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++) {
			const size_t	len = strlen(keys[k]);

			if (len > n - i || strncasecmp(p + i, keys[k], len) != 0)
				continue;
			take_name(p + i + len, n - i - len, name);
			return name;
		}
	return NULL;
}

/* The page as UTF-8 into the parser, which is told so: it does not look for itself. */
static int
parse(struct page *page, const struct str *utf8)
{
	xmlSAXHandler		 on = { .startElement = on_start, .endElement = on_end,
		.characters = on_text, .ignorableWhitespace = on_text };
	htmlParserCtxtPtr	 parser;
	int			 n;

	parser = htmlCreatePushParserCtxt(&on, page, NULL, 0, NULL, XML_CHAR_ENCODING_UTF8);
	if (parser == NULL)
		return -1;
	htmlCtxtUseOptions(parser, HTML_PARSE_RECOVER | HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING |
	    HTML_PARSE_NONET | HTML_PARSE_IGNORE_ENC);
	for (size_t at = 0; at < utf8->len && !page->out->full; at += (size_t)n) {
		n = utf8->len - at < PIECE ? (int)(utf8->len - at) : PIECE;
		htmlParseChunk(parser, utf8->p + at, n, 0);
	}
	htmlParseChunk(parser, "", 0, 1);
	htmlFreeParserCtxt(parser);
	return 0;
}

enum text_end
text_html(struct str *out, const char *p, size_t n)
{
	struct page	 page = { .out = out };
	struct str	 utf8 = STR_INIT(0);
	char		 name[CHARSET_MAX];
	enum text_end	 end = TEXT_BINARY;

	if (charset_decode(&utf8, p, n, charset_named(p, n, name)) == 0)
		end = parse(&page, &utf8) == 0 ? TEXT_OK : TEXT_DIED;
	str_free(&utf8);
	return end;
}
