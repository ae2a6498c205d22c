/* call_load: what a call sends: method, headers and body. Private to call. */
#ifndef PARLEY_CALL_LOAD_H
#define PARLEY_CALL_LOAD_H

#include <curl/curl.h>

#include "upstream/call.h"

struct call_load {			/* begins as zeros; stays where it is while curl has it */
	struct curl_slist	*headers;
	curl_mime		*form;
	struct call_file	 file;		/* of the form, */
	int64_t			 file_at;	/* read up to here */
};

void	 call_load_set(struct call_load *, CURL *, const struct call_spec *);
/* The handle is in no multi any more. */
void	 call_load_free(struct call_load *, CURL *);

#endif
