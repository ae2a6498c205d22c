/* fields_write: json_write, a struct into JSON by its table. */
#include "json.h"

#include <string.h>

#include "clock.h"

/* OMIT leaves out what is zero, NULL or empty. */
static bool
is_zero(const struct field *f, const void *v)
{
	switch (f->type) {
	case T_BOOL:
		return !*(const bool *)v;
	case T_INT:
		return *(const int *)v == 0;
	case T_I64:
	case T_ID:
	case T_TIME:
		return *(const int64_t *)v == 0;
	case T_F64:
		return *(const double *)v == 0;
	case T_STR:
	case T_ANY:
		return *(char *const *)v == NULL;
	case T_OBJ:
		return *(void *const *)v == NULL;
	case T_LIST:
	case T_STRS:
	case T_I64S:
	case T_MAP:
	case T_MAPSTR:
	case T_MAPF64:
	case T_MAPLIST:
		return ((const struct list *)v)->n == 0;
	}
	return false;
}

static void
write_structs(struct jw *w, const char *name, const struct list *l, const struct fields *t,
    const char *zone)
{
	jw_arr(w, name);
	for (size_t i = 0; i < l->n; i++)
		json_write(w, NULL, t, (const char *)l->p + i * t->size, zone);
	jw_end(w);
}

static void
write_list(struct jw *w, const struct field *f, const struct list *l, const char *zone)
{
	if (f->type == T_LIST) {
		write_structs(w, f->name, l, f->sub, zone);
		return;
	}
	jw_arr(w, f->name);
	for (size_t i = 0; i < l->n; i++) {
		if (f->type == T_STRS)
			jw_str(w, NULL, ((char *const *)l->p)[i]);
		else
			jw_i64(w, NULL, ((const int64_t *)l->p)[i]);
	}
	jw_end(w);
}

static void
write_map(struct jw *w, const struct field *f, const struct list *l, const char *zone)
{
	jw_obj(w, f->name);
	for (size_t i = 0; i < l->n; i++) {
		if (f->type == T_MAP) {
			const char	*item = (const char *)l->p + i * f->sub->size;

			json_write(w, *(char *const *)item, f->sub, item, zone);
		} else if (f->type == T_MAPSTR) {
			const struct named_str	*s = (const struct named_str *)l->p + i;

			jw_str(w, s->name, s->value);
		} else if (f->type == T_MAPF64) {
			const struct named_f64	*d = (const struct named_f64 *)l->p + i;

			jw_f64(w, d->name, d->value);
		} else {
			const struct named_list	*n = (const struct named_list *)l->p + i;

			write_structs(w, n->name, &n->values, f->sub, zone);
		}
	}
	jw_end(w);
}

/* An id or a time that is zero is none. */
static void
write_field(struct jw *w, const struct field *f, const void *v, const char *zone)
{
	char	 time[32];

	switch (f->type) {
	case T_STR:
		jw_str(w, f->name, *(char *const *)v);
		break;
	case T_BOOL:
		jw_bool(w, f->name, *(const bool *)v);
		break;
	case T_INT:
		jw_i64(w, f->name, *(const int *)v);
		break;
	case T_I64:
		jw_i64(w, f->name, *(const int64_t *)v);
		break;
	case T_ID:
		if (is_zero(f, v))
			jw_null(w, f->name);
		else
			jw_idstr(w, f->name, *(const int64_t *)v);
		break;
	case T_F64:
		jw_f64(w, f->name, *(const double *)v);
		break;
	case T_TIME:
		if (is_zero(f, v)) {
			jw_null(w, f->name);
			break;
		}
		clock_format(time, sizeof time, *(const int64_t *)v, zone);
		jw_str(w, f->name, time);
		break;
	case T_OBJ:
		if (is_zero(f, v))
			jw_null(w, f->name);
		else
			json_write(w, f->name, f->sub, *(void *const *)v, zone);
		break;
	case T_LIST:
	case T_STRS:
	case T_I64S:
		write_list(w, f, v, zone);
		break;
	case T_MAP:
	case T_MAPSTR:
	case T_MAPF64:
	case T_MAPLIST:
		write_map(w, f, v, zone);
		break;
	case T_ANY:
		if (is_zero(f, v))
			jw_null(w, f->name);
		else
			jw_raw(w, f->name, *(char *const *)v, strlen(*(char *const *)v));
		break;
	}
}

void
json_write(struct jw *w, const char *name, const struct fields *t, const void *src,
    const char *zone)
{
	jw_obj(w, name);
	for (const struct field *f = t->f; f < t->f + t->n; f++) {
		const void	*v = (const char *)src + f->offset;

		if (f->need != OMIT || !is_zero(f, v))
			write_field(w, f, v, zone);
	}
	jw_end(w);
}
