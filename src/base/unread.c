#include "unread.h"

static const char *const	texts[][2] = {
	[UNREAD_NOT] = { [LANG_EN] = "", [LANG_ZH] = "" },
#define UNREAD(reason, en, zh) [UNREAD_##reason] = { [LANG_EN] = en, [LANG_ZH] = zh },
#include "unread.def"
#undef UNREAD
};

const char *
unread_text(enum unread why, enum lang lang)
{
	return texts[why][lang];
}

int
fail_unread(struct ctx *cx, enum unread why)
{
	return fail(cx, F_BODY, "%s", unread_text(why, cx->lang));
}

int
fail_unread_at(struct ctx *cx, enum unread why, size_t at)
{
	const char	*text = unread_text(why, cx->lang);

	if (cx->lang == LANG_EN)
		return fail(cx, F_BODY, "byte %zu: %s", at, text);
	return fail(cx, F_BODY, "第 %zu 字节: %s", at, text);
}
