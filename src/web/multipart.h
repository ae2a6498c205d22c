/*
 * multipart: a body of multipart/form-data (RFC 7578) that lies in a file, taken apart. The only
 * user of GMime, which reads the heads of the parts. Where parts begin and end is found here: GMime
 * would hold in memory what stands before, between and after them, however long.
 */
#ifndef PARLEY_MULTIPART_H
#define PARLEY_MULTIPART_H

#include <stddef.h>
#include <stdint.h>

#include "base/ctx.h"

#define MULTIPART_MOST	100	/* parts */

struct multipart_part {
	const char	*name;		/* of the form's field; "": none */
	/*
	 * The last part of the path that the client gave, without control characters and blanks at
	 * its ends; NULL: it gave none, so it is no file.
	 */
	const char	*file_name;
	int64_t		 from, len;	/* where the content lies in the file */
};

/*
 * The parts of the whole file in their order, in the arena; type is the body's Content-Type. 0, or
 * -1 with F_BODY and why: it does not begin with a part or was cut short, a part's head is
 * malformed, longer than 8 KiB or announces parts of its own, there are more than MULTIPART_MOST.
 */
int	 multipart_parse(struct ctx *, int fd, const char *type, struct multipart_part **,
	    size_t *n);

#endif
