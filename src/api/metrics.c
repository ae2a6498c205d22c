#include "api/handlers.h"
#include "base/figures.h"
#include "web/req.h"

/* GET /metrics: https://prometheus.io/docs/instrumenting/exposition_formats/ */
int
native_metrics(struct req *r)
{
	struct str	 s = STR_INIT(0);

	figures_write(&s);
	reply_header(r, "Cache-Control", "no-store");
	reply(r, 200, "text/plain; version=0.0.4; charset=utf-8", s.p, s.len);
	str_free(&s);
	return 0;
}
