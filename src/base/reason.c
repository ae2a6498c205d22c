#include "reason.h"

#include <string.h>

static const struct {
	const char	*name;
	const char	*text[2];
} reasons[REASONS] = {
#define REASON(name, en, zh) { #name, { [LANG_EN] = en, [LANG_ZH] = zh } },
#include "reason.def"
#undef REASON
};

const char *
reason_name(enum reason reason)
{
	return reasons[reason].name;
}

const char *
reason_text(struct arena *a, const char *kept, enum lang lang)
{
	const size_t	 n = strcspn(kept, " ");
	const char	*text, *hole;
	int		 i = 0;

	while (i < REASONS &&
	    (strlen(reasons[i].name) != n || memcmp(reasons[i].name, kept, n) != 0))
		i++;
	if (i == REASONS)
		return kept;
	text = reasons[i].text[lang];
	if ((hole = strstr(text, "%s")) == NULL)
		return text;
	return arena_printf(a, "%.*s%s%s", (int)(hole - text), text,
	    kept[n] != '\0' ? kept + n + 1 : "", hole + 2);
}
