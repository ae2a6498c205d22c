/* Behind the answer: what may be asked next? */
#include <string.h>

#include "base/jw.h"
#include "base/log.h"
#include "base/utf8.h"
#include "core/plan_steps.h"

#define ANSWER_MOST	8192	/* bytes of the answer's end that are shown */
#define QUESTION_MOST	400	/* bytes of one */

/* What lists put before their items: "1. ", "2) ", "3、", "- ", "* ", "• ". */
static const char *
past_mark(const char *p, const char *end)
{
	static const char *const	 marks[] = { "- ", "* ", "• ", "·" };
	static const char *const	 stops[] = { ".", ")", "、", "．", "）", ":" };
	const char			*q = p;

	while (q < end && *q >= '0' && *q <= '9')
		q++;
	for (size_t i = 0; q > p && i < sizeof stops / sizeof stops[0]; i++)
		if (strncmp(q, stops[i], strlen(stops[i])) == 0)
			return q + strlen(stops[i]);
	for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++)
		if (strncmp(p, marks[i], strlen(marks[i])) == 0)
			return p + strlen(marks[i]);
	return p;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* One line's question; *len 0: there is none in it. */
static const char *
question_in(const char *p, const char *end, size_t *len)
{
	while (p < end && is_blank(*p))
		p++;
	p = past_mark(p, end);
	while (p < end && is_blank(*p))
		p++;
	while (end > p && is_blank(end[-1]))
		end--;
	*len = end > p ? (size_t)(end - p) : 0;
	/* "Here are three questions:" */
	if (*len > QUESTION_MOST || (*len > 0 && end[-1] == ':') ||
	    (*len >= 3 && memcmp(end - 3, "：", 3) == 0))
		*len = 0;
	return p;
}

/* JSON, in the arena; NULL: none were said. */
static char *
questions_in(struct arena *a, const char *said)
{
	struct str	 s = STR_INIT(0);
	struct jw	 w;
	const char	*end, *q;
	size_t		 len;
	int		 n = 0;

	jw_open(&w, &s);
	jw_arr(&w, NULL);
	for (; *said != '\0' && n < PLAN_QUESTIONS; said = *end != '\0' ? end + 1 : end) {
		end = said + strcspn(said, "\n");
		q = question_in(said, end, &len);
		if (len == 0)
			continue;
		jw_strn(&w, NULL, q, len);
		n++;
	}
	jw_close(&w);
	if (n > 0)
		return str_keep(&s, a);
	str_free(&s);
	return NULL;
}

static void
on_said(struct plan *p, const char *said)
{
	struct lane	*l = p->lane;

	if (said != NULL)
		l->questions = questions_in(l->turn->a, said);
	if (l->questions != NULL && l->turn->stored)
		lane_note(l, SPOOL_QUESTIONS, l->questions, strlen(l->questions));
	if (l->questions == NULL)
		log_info("no questions were suggested", LOG_S("rid", l->turn->rid),
		    LOG_I("turn", l->turn->id));
	p->step = PLAN_OVER;
	lane_end(l, "stop", F_NONE);
}

/* The end of what was said, whole characters. */
static const char *
end_of(const struct str *text)
{
	size_t	 at = text->len > ANSWER_MOST ? text->len - ANSWER_MOST : 0;

	while (at < text->len && at > 0 && ((unsigned char)text->p[at] & 0xc0) == 0x80)
		at++;
	return text->p + at;
}

void
plan_suggest(struct plan *p)
{
	const struct message	 m[] = {
		{ .role = ROLE_USER, .text = p->question },
		{ .role = ROLE_ASSISTANT, .text = end_of(&p->text) },
		{ .role = ROLE_USER, .text = plan_text(p,
		    "请给出我接下来可能会问的问题, 最多三个, 每行一个, 用中文, 不要任何别的内容。",
		    "Write up to three questions that I may ask next, one per line, in English, "
		    "and nothing else.") },
	};

	plan_aside(p, m, sizeof m / sizeof m[0], on_said);
}
