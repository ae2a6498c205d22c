/*
 * text_formats: the formats that are read by this program itself, in the sandbox. Each appends the
 * text of a whole file, paragraphs apart by empty lines, not tidied. Private to text.
 */
#ifndef PARLEY_TEXT_FORMATS_H
#define PARLEY_TEXT_FORMATS_H

#include "text.h"

/* The exit status of the program in the sandbox is 0, or this and a text_end. */
#define TEXT_STATUS	64

enum text_end	 text_plain(struct str *out, const char *, size_t);
enum text_end	 text_html(struct str *out, const char *, size_t);
enum text_end	 text_docx(struct str *out, const char *, size_t);
/* Begins a new line, or after an empty line: not more than what is missing for that. */
void		 text_break(struct str *out, int ends);

#endif
