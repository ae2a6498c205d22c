/* chat_file: addresses of files in the dialect "session": which of them are of this service. */
#ifndef PARLEY_CHAT_FILE_H
#define PARLEY_CHAT_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"

/* The address of what was uploaded, as ChatDocumentItem.url has it. */
char	*chat_file_url(struct arena *, int64_t document);
/*
 * Is it such an address, also below /api, or with the name of this server before it? host: by which
 * its client calls us, with the port unless that is the scheme's own; NULL: not known. An address
 * that is ours and names no document is of document 0.
 */
bool	 chat_file_parse(const char *url, const char *host, int64_t *document);

#endif
