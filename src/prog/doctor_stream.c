/* Between the program and its clients: pieces held back, bodies refused, clients that leave. */
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "base/clock.h"
#include "doctor.h"
#include "store/report.h"

#define STREAM_MS	120000		/* patience with an answer */
#define BODY_MS		60000
#define SETTLE_MS	5000		/* within which the program hears of a client that left */
#define AT_ONCE_US	50000		/* a whole answer within this time is no stream */
#define SILENCE_US	300000		/* after which it was held back, rather than quick */
#define EVENTS_LEAST	8		/* of an answer, to tell anything from it */
#define BLOCK_BYTES	3500		/* what buffers hold is larger; */
#define BLOCK_EVENTS	8		/* events are far smaller */
#define CLOCK_SLACK_MS	100

#define QUESTION \
	"{\"taskId\":\"doctor\",\"messages\":[{\"role\":\"user\",\"content\":" \
	"\"Write the numbers from one to forty in words, one on each line.\"}]}"

static void
ask(struct doctor *d, bool gzip, int leave_after, struct heard *h)
{
	probe(d->run->cx.a, &(struct probe){
	    .url = arena_printf(d->run->cx.a, "%s/combine/chat", d->base),
	    .body = QUESTION, .body_len = strlen(QUESTION), .gzip = gzip,
	    .leave_after = leave_after, .patience_ms = STREAM_MS }, h);
}

static bool
is_stream(const struct heard *h)
{
	static const char	type[] = "text/event-stream";

	return h->status == 200 && h->type != NULL &&
	    strncmp(h->type, type, sizeof(type) - 1) == 0;
}

static double
seconds(int64_t us)
{
	return (double)us / 1e6;
}

static int
by_size(const void *a, const void *b)
{
	const int64_t	x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* Between the blocks, in microseconds. */
static int64_t
median_gap(struct arena *a, const struct heard *h)
{
	const size_t	n = (size_t)h->nblocks - 1;
	int64_t		*gap = arena_array(a, n, sizeof(*gap));

	for (size_t i = 0; i < n; i++)
		gap[i] = h->blocks[i + 1].at_us - h->blocks[i].at_us;
	qsort(gap, n, sizeof(*gap), by_size);
	return gap[n / 2];
}

/* How did the events of a whole answer arrive? */
static void
judge(struct doctor *d, const struct heard *h)
{
	struct findings	*f = &d->f;
	int64_t		 first, spread, bytes = 0;

	if (h->events < EVENTS_LEAST) {
		found_note(f, "streaming", "%d events are too few to tell", h->events);
		return;
	}
	first = h->blocks[0].at_us;
	spread = h->blocks[h->nblocks - 1].at_us - first;
	for (int i = 0; i < h->nblocks; i++)
		bytes += (int64_t)h->blocks[i].bytes;
	if (spread < AT_ONCE_US && first < SILENCE_US) {
		found_note(f, "streaming", "the whole answer took %.3f s: too quick to tell",
		    seconds(first + spread));
	} else if (spread < AT_ONCE_US) {
		found_bad(f, EX_SICK, "streaming", "all %d events came at once, after %.1f s: "
		    "they are held back", h->events, seconds(first));
		site_advise(f, &d->site, TROUBLE_BUFFERED);
	} else if (h->events >= BLOCK_EVENTS * h->nblocks && bytes >= BLOCK_BYTES * h->nblocks) {
		found_bad(f, EX_SICK, "streaming", "%d events came in %d blocks of %lld bytes: "
		    "a buffer is filled first", h->events, h->nblocks,
		    (long long)(bytes / h->nblocks));
		site_advise(f, &d->site, TROUBLE_BUFFERED);
	} else
		found_good(f, "streaming", "%d events in %d pieces over %.1f s, the first after "
		    "%.3f s, then one every %.3f s (median)", h->events, h->nblocks,
		    seconds(spread), seconds(first), seconds(median_gap(d->run->cx.a, h)));
}

bool
doctor_stream(struct doctor *d)
{
	struct findings	*f = &d->f;
	struct heard	 h;
	bool		 answered;

	ask(d, true, 0, &h);
	if (h.encoding != NULL) {
		found_bad(f, EX_SICK, "compression", "an event stream comes as %s: pieces wait for "
		    "more", h.encoding);
		site_advise(f, &d->site, TROUBLE_COMPRESSED);
		str_free(&h.body);
		ask(d, false, 0, &h);
	} else if (is_stream(&h))
		found_good(f, "compression", "none of event streams, though it was offered");
	answered = is_stream(&h) && h.result == CALL_OK;
	if (answered)
		judge(d, &h);
	else if (h.status == 503)
		found_note(f, "streaming", "not examined: no model takes part in the arena, see "
		    "parley model add --arena");
	else if (h.result != CALL_OK)
		found_bad(f, EX_SICK, "streaming", "the answer broke off: %s", h.why);
	else {
		found_bad(f, EX_SICK, "streaming", "a question to /combine/chat gives status %d as "
		    "%s", h.status, h.type != NULL ? h.type : "nothing");
		site_advise(f, &d->site, h.status == 404 ? TROUBLE_PATHS : TROUBLE_ERRORS);
	}
	str_free(&h.body);
	return answered;
}

/* ---- bodies ---------------------------------------------------------------------------------- */

/* A JSON object of about that size, which lacks what the path requires. */
static void
send_large(struct doctor *d, size_t size, struct heard *h)
{
	struct str	 body = STR_INIT(0);
	char		*room;

	str_puts(&body, "{\"taskId\":\"doctor\",\"padding\":\"");
	room = str_room(&body, size);
	memset(room, 'x', size);
	body.len += size;
	str_puts(&body, "\"}");
	probe(d->run->cx.a, &(struct probe){ .patience_ms = BODY_MS,
	    .url = arena_printf(d->run->cx.a, "%s/combine/chat", d->base),
	    .body = body.p, .body_len = body.len }, h);
	str_free(&body);
}

static void
half_a_mib(struct doctor *d)
{
	const struct conf	*c = d->run->cx.conf;
	struct heard		 h;

	if (c != NULL && c->file != NULL && c->body_limit < 600 * 1024)
		return;
	send_large(d, 512 * 1024, &h);
	if (h.status == 400 && doctor_envelope(&h, 400) && strstr(h.body.p, "messages") != NULL)
		found_good(&d->f, "bodies", "512 KiB reach the program");
	else if (h.status != 0) {
		found_bad(&d->f, EX_SICK, "bodies", "512 KiB do not reach the program: status %d",
		    h.status);
		site_advise(&d->f, &d->site, h.status == 404 ? TROUBLE_PATHS : TROUBLE_BODY);
	} else
		found_bad(&d->f, EX_SICK, "bodies", "512 KiB do not reach the program: %s", h.why);
	str_free(&h.body);
}

static void
too_large(struct doctor *d)
{
	struct heard	 h;

	send_large(d, 33 << 20, &h);
	if (h.status == 413 && doctor_envelope(&h, 413))
		found_good(&d->f, "large bodies", "33 MiB are refused with 413, in JSON");
	else {
		if (h.status == 0)
			found_bad(&d->f, EX_SICK, "large bodies", "33 MiB: no answer, %s", h.why);
		else
			found_bad(&d->f, EX_SICK, "large bodies", "33 MiB: status %d as %s, not "
			    "413 in JSON", h.status, h.type != NULL ? h.type : "nothing");
		site_advise(&d->f, &d->site, TROUBLE_BODY);
		if (h.status == 413)
			site_advise(&d->f, &d->site, TROUBLE_ERRORS);
	}
	str_free(&h.body);
}

void
doctor_bodies(struct doctor *d)
{
	half_a_mib(d);
	too_large(d);
}

/* ---- a client that leaves -------------------------------------------------------------------- */

static void
pause_ms(long ms)
{
	nanosleep(&(struct timespec){ .tv_nsec = ms * 1000000 }, NULL);
}

struct outcome {
	size_t	begun, running, stopped;
};

/* What became of the answers begun in that time. -1: the database failed. */
static int
look(struct doctor *d, int64_t from, int64_t to, struct outcome *o)
{
	struct begun	*v;
	size_t		 n;

	*o = (struct outcome){ 0 };
	if (report_begun(&d->run->cx, from, to, &v, &n) == -1)
		return -1;
	o->begun = n;
	for (size_t i = 0; i < n; i++) {
		o->running += strcmp(v[i].status, "running") == 0;
		o->stopped += strcmp(v[i].status, "stopped") == 0;
	}
	return 0;
}

void
doctor_abort(struct doctor *d)
{
	struct findings	*f = &d->f;
	struct heard	 h;
	struct outcome	 o;
	int64_t		 from, left;

	if (!d->db) {
		found_note(f, "leaving", "not examined: only the database knows");
		return;
	}
	from = clock_ms() - CLOCK_SLACK_MS;
	ask(d, false, 1, &h);
	str_free(&h.body);
	left = clock_ms();
	if (!h.left) {
		found_note(f, "leaving", "not examined: the answer was over before");
		return;
	}
	while (look(d, from, left + CLOCK_SLACK_MS, &o) == 0 && o.running > 0 &&
	    clock_ms() < left + SETTLE_MS)
		pause_ms(50);
	if (d->run->cx.fail.kind != F_NONE)
		found_bad(f, EX_UNAVAILABLE, "leaving", "%s", cmd_why(d->run));
	else if (o.begun == 0)
		found_note(f, "leaving", "not examined: the settings here name another database "
		    "than that of %s", d->base);
	else if (o.stopped > 0)
		found_good(f, "leaving", "it is noticed: %zu of %zu answers were ended within "
		    "%.1f s", o.stopped, o.begun, (double)(clock_ms() - left) / 1000);
	else if (o.running == 0)
		found_note(f, "leaving", "the answers were over too soon to tell");
	else {
		found_bad(f, EX_SICK, "leaving", "%d s after the client left models still answer",
		    SETTLE_MS / 1000);
		site_advise(f, &d->site, TROUBLE_ABORT);
	}
}
