/* model: the upstream models that are registered, and where and how they are asked. */
#ifndef PARLEY_STORE_MODEL_H
#define PARLEY_STORE_MODEL_H

#include "store/db.h"

struct model {
	int64_t	 id;
	char	*code;			/* unique; what clients call it */
	char	*name;
	char	*kind;			/* chat, image, audio, embedding */
	char	*url;			/* with its /v1 */
	char	*upstream_name;		/* what the upstream calls it */
	char	*key_env, *key_file;	/* where its key is; never the key itself. NULL: none */
	double	 price_in, price_out;	/* per million tokens */
	bool	 arena, enabled;
	char	*logo;			/* NULL: none */
	int	 context_tokens;	/* window; 0: unknown, nothing is trimmed */
	int	 max_tokens;		/* of an answer; 0: not asked for */
	int	 connect_s, first_token_s, idle_s, total_s;	/* 0: the setting's */
	int	 concurrency;		/* calls at once; 0: no limit */
	int64_t	 created_ms;
	int64_t	 fallbacks;		/* how many it has; read only */
};

struct model	*model_get(struct ctx *, const char *code);		/* F_NOT_FOUND */
struct model	*model_by_id(struct ctx *, int64_t id);			/* F_NOT_FOUND */
/* All of them by code; arena_only: enabled chat models of the arena. */
int		 model_list(struct ctx *, bool arena_only, struct model **, size_t *n);
/* The enabled chat models, by code. */
int		 model_list_chat(struct ctx *, struct model **, size_t *n);
/*
 * Adds it, or with an existing code F_CONFLICT. Sets id and created_ms. fallbacks:
 * codes, in order of preference.
 */
int		 model_add(struct ctx *, struct model *, const char *const *fallbacks, size_t n);
int		 model_fallbacks(struct ctx *, int64_t model, char ***codes, size_t *n);
/* Of these, the enabled chat models, in order. */
int		 model_stand_ins(struct ctx *, int64_t model, struct model **, size_t *n);
int		 model_enable(struct ctx *, const char *code, bool on);	/* F_NOT_FOUND */
/* Removes it; F_CONFLICT where answers were given by it (disable it then). */
int		 model_remove(struct ctx *, const char *code);

#endif
