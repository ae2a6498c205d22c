#include "upstream/call_load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/arena.h"

static void
add_line(struct call_load *k, const char *line)
{
	struct curl_slist	*l;

	if ((l = curl_slist_append(k->headers, line)) == NULL)
		out_of_memory();
	k->headers = l;
}

static void
add_header(struct call_load *k, const char *name, const char *value)
{
	char	*line = xprintf("%s: %s", name, value);

	add_line(k, line);
	explicit_bzero(line, strlen(line));	/* it may be the key */
	free(line);
}

/* Does the caller say it himself? */
static bool
has_header(const struct call_spec *spec, const char *name)
{
	const size_t	 n = strlen(name);

	for (size_t i = 0; spec->headers != NULL && spec->headers[i] != NULL; i++)
		if (strncasecmp(spec->headers[i], name, n) == 0 && spec->headers[i][n] == ':')
			return true;
	return false;
}

static void
add_ours(struct call_load *k, const struct call_spec *spec, const char *name, const char *value)
{
	if (value != NULL && !has_header(spec, name))
		add_header(k, name, value);
}

static void
set_headers(struct call_load *k, CURL *easy, const struct call_spec *spec)
{
	char	*bearer;

	/* "Name:" alone takes away what curl would add: waiting for 100-continue costs a second. */
	add_line(k, "Expect:");
	add_ours(k, spec, "Content-Type", spec->body != NULL ? "application/json" : NULL);
	add_ours(k, spec, "Accept", spec->accept);
	add_ours(k, spec, "X-Request-Id", spec->rid);
	if (spec->key != NULL && !has_header(spec, "Authorization")) {
		bearer = xprintf("Bearer %s", spec->key);
		add_header(k, "Authorization", bearer);
		explicit_bzero(bearer, strlen(bearer));
		free(bearer);
	}
	for (size_t i = 0; spec->headers != NULL && spec->headers[i] != NULL; i++)
		add_line(k, spec->headers[i]);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, k->headers);
}

/* The file of a form, from wherever curl is. */

static size_t
read_file(char *dst, size_t size, size_t n, void *arg)
{
	struct call_load	*k = arg;
	const size_t		 left = (size_t)(k->file.size - k->file_at);
	ssize_t			 got;

	n *= size;
	got = pread(k->file.fd, dst, n < left ? n : left, k->file.from + k->file_at);
	if (got == -1 || (got == 0 && left > 0))
		return CURL_READFUNC_ABORT;	/* it has become shorter */
	k->file_at += got;
	return (size_t)got;
}

static int
seek_file(void *arg, curl_off_t to, int origin)
{
	struct call_load	*k = arg;

	if (origin != SEEK_SET || to < 0 || to > k->file.size)
		return CURL_SEEKFUNC_FAIL;
	k->file_at = to;
	return CURL_SEEKFUNC_OK;
}

static curl_mimepart *
add_part(struct call_load *k, const char *name)
{
	curl_mimepart	*part = curl_mime_addpart(k->form);

	if (part == NULL || curl_mime_name(part, name) != CURLE_OK)
		out_of_memory();
	return part;
}

static void
set_form(struct call_load *k, CURL *easy, const struct call_form *f)
{
	curl_mimepart	*part;

	if ((k->form = curl_mime_init(easy)) == NULL)
		out_of_memory();
	for (size_t i = 0; i < f->nfields; i++)
		if (curl_mime_data(add_part(k, f->fields[i].name), f->fields[i].value,
		    CURL_ZERO_TERMINATED) != CURLE_OK)
			out_of_memory();
	if (f->file != NULL) {
		k->file = *f->file;
		part = add_part(k, f->file_field);
		if (curl_mime_data_cb(part, k->file.size, read_file, seek_file, NULL, k) !=
		    CURLE_OK || curl_mime_filename(part, k->file.name) != CURLE_OK ||
		    curl_mime_type(part, k->file.media_type) != CURLE_OK)
			out_of_memory();
	}
	curl_easy_setopt(easy, CURLOPT_MIMEPOST, k->form);
}

/* The method, and what is sent with it. */
static void
set_body(struct call_load *k, CURL *easy, const struct call_spec *spec)
{
	const char	*method = spec->method;
	bool		 bare = method == NULL || strcmp(method, "GET") == 0 ||
	    strcmp(method, "DELETE") == 0;

	if (spec->form != NULL)
		set_form(k, easy, spec->form);
	else if (spec->body != NULL || !bare) {		/* without one too it says its length */
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)spec->body_len);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, spec->body != NULL ? spec->body : "");
		}
	if (method != NULL)
		curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
}

void
call_load_set(struct call_load *k, CURL *easy, const struct call_spec *spec)
{
	set_headers(k, easy, spec);
	set_body(k, easy, spec);
}

void
call_load_free(struct call_load *k, CURL *easy)
{
	curl_slist_free_all(k->headers);
	curl_easy_setopt(easy, CURLOPT_MIMEPOST, NULL);
	curl_mime_free(k->form);
}
