/* POST /copywriting/message/audio-to-text - what is said in a file. */
#include "copywriting.h"

#include <string.h>
#include <strings.h>

#include "api/handlers.h"
#include "store/model.h"
#include "web/upload.h"

/* Servers go by the name's end; the type is what belongs to it. */
static const char *
media_type(const char *name)
{
	static const struct {
		const char	*end, *type;
	} known[] = {
		{ ".flac", "audio/flac" }, { ".m4a", "audio/mp4" }, { ".mp3", "audio/mpeg" },
		{ ".mp4", "audio/mp4" }, { ".mpeg", "audio/mpeg" }, { ".mpga", "audio/mpeg" },
		{ ".oga", "audio/ogg" }, { ".ogg", "audio/ogg" }, { ".wav", "audio/wav" },
		{ ".webm", "audio/webm" },
	};
	const char	*dot = strrchr(name, '.');

	for (size_t i = 0; dot != NULL && i < sizeof(known) / sizeof(known[0]); i++)
		if (strcasecmp(dot, known[i].end) == 0)
			return known[i].type;
	return "application/octet-stream";
}

static const struct model *
model_of(struct ctx *cx)
{
	struct model	*all;
	size_t		 n;

	if (model_list(cx, false, &all, &n) == -1)
		return NULL;
	for (size_t i = 0; i < n; i++)
		if (all[i].enabled && strcmp(all[i].kind, "audio") == 0)
			return &all[i];
	return fail_null(cx, F_UNAVAILABLE, "models");
}

static int
read_file(struct req *r, struct call_file *file)
{
	struct multipart_part	*parts;
	size_t			 n;

	if (upload_parts(r, &parts, &n) == -1)
		return -1;
	while (n > 0 && (strcmp(parts->name, "file") != 0 || parts->file_name == NULL)) {
		parts++;
		n--;
	}
	if (n == 0 || parts->len == 0)
		return fail(&r->cx, F_MISSING, "file");
	*file = (struct call_file){
		.fd = upload_file(r), .from = parts->from, .size = parts->len,
		.name = *parts->file_name != '\0' ? parts->file_name : "audio",
		.media_type = media_type(parts->file_name),
	};
	return 0;
}

/* The voice has written the reply. */
static int
reply_heard(struct req *r, void *arg)
{
	if (r->why_not == F_NONE && r->heard.len > 0)
		return reply(r, 200, REPLY_JSON, r->heard.p, r->heard.len);
	fail(&r->cx, r->why_not != F_NONE ? r->why_not : F_UNAVAILABLE, "%s", (const char *)arg);
	r->cx.fail.retry_after = r->retry_after;
	return -1;
}

int
copywriting_audio(struct req *r)
{
	struct ctx		*cx = &r->cx;
	struct turn_seat	 seat = { 0 };
	struct turn_spec	 spec = {
		.voice = &copywriting_text_voice, .seats = &seat, .nseats = 1,
		.ask = { .kind = ASK_TRANSCRIPT },
	};
	struct turn		*t;

	if (read_file(r, &spec.ask.file) == -1 || (seat.model = model_of(cx)) == NULL ||
	    (t = turn_open(cx, r->engine, &spec)) == NULL)
		return -1;
	turn_run(t, req_wait_last(r, reply_heard, seat.model->name));
	return 0;
}
