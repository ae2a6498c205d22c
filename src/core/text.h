/*
 * text: the text of a document's file, whatever its format: taken out by a program in a sandbox,
 * since strangers made the file. What comes is tidied here and valid, whatever that program says.
 */
#ifndef PARLEY_TEXT_H
#define PARLEY_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/reason.h"
#include "base/str.h"

#define TEXT_MAX	1000000	/* characters of a document */
#define TEXT_FILE_MAX	(64 << 20)	/* bytes of a file: what is longer is cut off */

enum text_end {
	TEXT_OK,
#define TEXT(name) TEXT_##name,
#include "text.def"
#undef TEXT
	TEXT_ENDS
};

/*
 * The text of the file of that type (document.type), tidied. go_on as in sandbox.h. TEXT_STOPPED
 * and TEXT_NONE say nothing of the file.
 */
enum text_end	 text_read(const char *type, int fd, int seconds, bool (*go_on)(void *), void *arg,
		    struct str *out);
enum reason	 text_why(enum text_end);	/* of any but TEXT_OK */
/*
 * Appends the characters without those that control, with ends of lines that are \n, without blanks
 * before these and without more than one empty line; what is no UTF-8 is left out. How many
 * characters that are.
 */
size_t		 text_tidy(struct str *out, const char *, size_t);
/* What runs in the sandbox when this program is started as TEXT_PROGRAM. */
#define TEXT_PROGRAM	"parley-text"
_Noreturn void	 text_main(int argc, char **argv);
/* What `parley check` says: is there what PDF files need? NULL: all of it. */
const char	*text_lacks(void);

#endif
