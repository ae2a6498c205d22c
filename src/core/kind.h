/*
 * kind: what sort of file a document is: how it is read, what it is handed out as. Told by its
 * name and the beginning of its content.
 */
#ifndef PARLEY_KIND_H
#define PARLEY_KIND_H

#include <stdbool.h>
#include <stddef.h>

#define KIND_HEAD	1024	/* bytes of a content that are looked at */

struct kind {
	const char	*type;		/* as in document: txt, md, html, pdf, docx, image */
	const char	*media_type;	/* "text/plain" */
};

/* By the extension alone: "a.HTM" is html. NULL: it is none that is taken. */
const struct kind	*kind_by_name(const char *file_name);
/*
 * Does the name say a type, one that is taken or not? "a.exe" does; "a", "1.2" and "a.b c" do not.
 */
bool			 kind_named(const char *file_name);
/*
 * By extension and content, of which n bytes from the beginning on are there: a name must not say
 * what the content is not. An image is what its content says. NULL: it is none that is taken.
 */
const struct kind	*kind_of(const char *file_name, const char *head, size_t n);
/*
 * The same for what came from an address, which need not have an extension: where its name does not
 * say it, its media type (in lower case, "": none was told) and its content do.
 */
const struct kind	*kind_fetched(const char *file_name, const char *media_type,
			    const char *head, size_t n);

#endif
