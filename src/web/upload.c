#include "upload.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/conf.h"
#include "base/log.h"
#include "base/scratch.h"
#include "fcgi.h"

#define CHUNK		16384
#define RETRY_AFTER_S	10	/* a full disk does not empty itself at once */

struct upload {
	int	 fd;
	int64_t	 size;
};

static int
no_room(struct req *r)
{
	log_error("an upload cannot be kept: check state_dir", LOG_S("rid", r->cx.rid),
	    LOG_S("error", strerror(errno)));
	fail(&r->cx, F_UNAVAILABLE, "state_dir");
	r->cx.fail.retry_after = RETRY_AFTER_S;
	return -1;
}

static int
upload_open(struct req *r)
{
	int	 fd;

	if ((fd = scratch_open(r->cx.conf->state_dir)) == -1)
		return no_room(r);
	r->upload = arena_get(r->cx.a, sizeof(*r->upload));
	r->upload->fd = fd;
	return 0;
}

static int
upload_write(struct req *r, const char *p, size_t n)
{
	if (scratch_put(r->upload->fd, p, n) == -1)
		return no_room(r);
	r->upload->size += (int64_t)n;
	return 0;
}

int
upload_take(struct req *r, int64_t expected, size_t limit, bool *over)
{
	char	buf[CHUNK];
	ssize_t	n = 0;
	bool	kept;

	*over = expected > 0 && (size_t)expected > limit;
	if (*over)
		return req_drain(r);
	kept = upload_open(r) == 0;
	while (kept && (n = fcgi_read(r->io, buf, sizeof(buf))) > 0) {
		*over = (size_t)r->upload->size + (size_t)n > limit;
		kept = !*over && upload_write(r, buf, (size_t)n) == 0;
	}
	r->body = "";
	if (kept && n == 0)
		return 0;
	upload_drop(r);
	return req_drain(r) == 0 && *over ? 0 : -1;
}

int64_t
upload_size(const struct req *r)
{
	return r->upload->size;
}

void
upload_drop(struct req *r)
{
	if (r->upload == NULL)
		return;
	close(r->upload->fd);
	r->upload = NULL;
}

int
upload_parts(struct req *r, struct multipart_part **list, size_t *n)
{
	return multipart_parse(&r->cx, r->upload->fd, req_header(r, "Content-Type"), list, n);
}

int
upload_file(const struct req *r)
{
	return r->upload->fd;
}

int
upload_read(struct req *r, const struct multipart_part *part, int64_t at, void *buf, size_t n)
{
	const long	got = scratch_get(r->upload->fd, buf, n, part->from + at);

	if (got == (long)n)
		return 0;
	log_error("an upload cannot be read", LOG_S("rid", r->cx.rid),
	    LOG_S("error", got == -1 ? strerror(errno) : "it is too short"));
	return fail(&r->cx, F_INTERNAL, "%s", r->cx.rid);
}
