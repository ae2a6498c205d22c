/* DOCX: the paragraphs of word/document.xml in a ZIP file, and its notes. */
#include <libxml/xmlreader.h>

#include <string.h>
#include <zip.h>

#include "text_formats.h"

#define UNPACKED_MAX	(128 << 20)	/* bytes of all parts together */

static const char *const parts[] = {
	"word/document.xml",		/* must be there */
	"word/footnotes.xml",
	"word/endnotes.xml",
};

struct part {
	zip_file_t	*file;
	size_t		*left;		/* bytes that may still be unpacked */
	bool		 bomb;
};

/* What an element means, wherever it stands. */
static const struct element {
	const char	*name;
	enum { TEXT_IN, SKIP, MARK, END } does;
	const char	*mark;
} elements[] = {
	{ "t", TEXT_IN, NULL },
	{ "p", END, NULL },
	{ "tab", MARK, "\t" },
	{ "br", MARK, "\n" },
	{ "cr", MARK, "\n" },
	{ "noBreakHyphen", MARK, "-" },
	{ "Fallback", SKIP, NULL },	/* says again what stands beside it */
	{ "pPr", SKIP, NULL },		/* holds places of tabs, also called tab */
	{ "instrText", SKIP, NULL },
};

static const struct element *
element_of(xmlTextReaderPtr r)
{
	const char	*name = (const char *)xmlTextReaderConstLocalName(r);

	for (size_t i = 0; name != NULL && i < sizeof(elements) / sizeof(elements[0]); i++)
		if (strcmp(elements[i].name, name) == 0)
			return &elements[i];
	return NULL;
}

static int
on_read(void *arg, char *p, int n)
{
	struct part	*part = arg;
	zip_int64_t	 got = zip_fread(part->file, p, (zip_uint64_t)n);

	if (got > 0 && (size_t)got > *part->left) {
		part->bomb = true;
		return -1;
	}
	if (got > 0)
		*part->left -= (size_t)got;
	return (int)got;
}

static int
on_close(void *arg)
{
	(void)arg;
	return 0;
}

/* What to call for the next node: most go on to the next, some past all that is in them. */
static int
node(xmlTextReaderPtr r, struct str *out, bool *in_text)
{
	const int		 type = xmlTextReaderNodeType(r);
	const bool		 begins = type == XML_READER_TYPE_ELEMENT;
	const struct element	*e;
	const char		*text;

	switch (type) {
	case XML_READER_TYPE_ELEMENT:
	case XML_READER_TYPE_END_ELEMENT:
		if ((e = element_of(r)) == NULL)
			break;
		if (e->does == TEXT_IN)
			*in_text = begins && !xmlTextReaderIsEmptyElement(r);
		else if (e->does == END)
			text_break(out, 2);
		else if (begins && e->does == MARK)
			str_puts(out, e->mark);
		else if (begins && e->does == SKIP)
			return xmlTextReaderNext(r);
		break;
	case XML_READER_TYPE_TEXT:
	case XML_READER_TYPE_CDATA:
	case XML_READER_TYPE_WHITESPACE:
	case XML_READER_TYPE_SIGNIFICANT_WHITESPACE:
		if (*in_text && (text = (const char *)xmlTextReaderConstValue(r)) != NULL)
			str_puts(out, text);
		break;
	}
	return xmlTextReaderRead(r);
}

/* No entities beyond XML's own: whoever declares some declares a document type. */
static enum text_end
read_xml(xmlTextReaderPtr r, struct str *out)
{
	bool	in_text = false;
	int	more;

	for (more = xmlTextReaderRead(r); more == 1 && !out->full; more = node(r, out, &in_text))
		if (xmlTextReaderNodeType(r) == XML_READER_TYPE_DOCUMENT_TYPE)
			return TEXT_DOCTYPE;
	return more == -1 ? TEXT_NOT_DOCX : TEXT_OK;
}

static enum text_end
read_part(zip_file_t *file, const char *name, size_t *left, struct str *out)
{
	struct part		 part = { .file = file, .left = left };
	enum text_end		 end = TEXT_DIED;
	xmlTextReaderPtr	 r;

	r = xmlReaderForIO(on_read, on_close, &part, name, NULL,
	    XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_COMPACT);
	if (r != NULL)
		end = read_xml(r, out);
	xmlFreeTextReader(r);
	return part.bomb ? TEXT_BOMB : end;
}

static enum text_end
read_parts(zip_t *zip, struct str *out)
{
	size_t		 left = UNPACKED_MAX;
	enum text_end	 end = TEXT_OK;
	zip_file_t	*file;

	for (size_t i = 0; end == TEXT_OK && i < sizeof(parts) / sizeof(parts[0]); i++) {
		if ((file = zip_fopen(zip, parts[i], 0)) != NULL) {
			text_break(out, 2);
			end = read_part(file, parts[i], &left, out);
			zip_fclose(file);
		} else if (i == 0)
			end = TEXT_NOT_DOCX;
	}
	return end;
}

enum text_end
text_docx(struct str *out, const char *p, size_t n)
{
	enum text_end	 end = TEXT_NOT_DOCX;
	zip_source_t	*source;
	zip_t		*zip;

	if ((source = zip_source_buffer_create(p, n, 0, NULL)) == NULL)
		return TEXT_DIED;
	if ((zip = zip_open_from_source(source, ZIP_RDONLY, NULL)) == NULL) {
		zip_source_free(source);
		return TEXT_NOT_DOCX;
	}
	end = read_parts(zip, out);
	zip_discard(zip);
	return end;
}
