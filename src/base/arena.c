#include "arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "sanitizer.h"

#define FIRST	1024
#define LARGEST	65536		/* growing ends here; a larger request gets a block of its own */
#define ALIGN	alignof(max_align_t)

/* Under AddressSanitizer every piece is followed by a zone that nobody may touch. */
#ifdef SANITIZED_ADDRESSES
#include <sanitizer/asan_interface.h>
#define ZONE	ALIGN
#define HIDE(p, n)	ASAN_POISON_MEMORY_REGION(p, n)
#define SHOW(p, n)	ASAN_UNPOISON_MEMORY_REGION(p, n)
#else
#define ZONE	0
#define HIDE(p, n)	((void)(p), (void)(n))
#define SHOW(p, n)	((void)(p), (void)(n))
#endif

struct block {
	struct block	*next;		/* older */
	size_t		 size, used;	/* of mem */
	alignas(max_align_t) char mem[];
};

struct arena {
	struct block	*top;		/* pieces are taken from it */
	size_t		 next_size;	/* of the next block */
	size_t		 held;
};

/*
 * Nothing is worth saving when memory is gone, and exit() would run handlers beside other threads.
 */
static _Noreturn void
die(const char *why)
{
	ssize_t	 ignored;

	ignored = write(STDERR_FILENO, why, strlen(why));
	(void)ignored;
	_exit(EX_OSERR);
}

_Noreturn void
out_of_memory(void)
{
	die("parley: out of memory\n");
}

void *
xmalloc(size_t n)
{
	void	*p = malloc(n != 0 ? n : 1);

	if (p == NULL)
		out_of_memory();
	return p;
}

void *
xcalloc(size_t n, size_t size)
{
	void	*p = n != 0 && size != 0 ? calloc(n, size) : calloc(1, 1);

	if (p == NULL)
		out_of_memory();
	return p;
}

void *
xrealloc(void *old, size_t n)
{
	void	*p = realloc(old, n != 0 ? n : 1);

	if (p == NULL)
		out_of_memory();
	return p;
}

char *
xstrdup(const char *s)
{
	size_t	 n = strlen(s) + 1;

	return memcpy(xmalloc(n), s, n);
}

char *
xprintf(const char *fmt, ...)
{
	va_list	 ap;
	char	*p;

	va_start(ap, fmt);
	if (vasprintf(&p, fmt, ap) == -1)
		out_of_memory();
	va_end(ap);
	return p;
}

static struct block *
block_new(struct arena *a, size_t size)
{
	struct block	*b;

	if (size > SIZE_MAX - sizeof *b)
		out_of_memory();
	b = xmalloc(sizeof *b + size);
	b->next = NULL;
	b->size = size;
	b->used = 0;
	HIDE(b->mem, size);
	a->held += sizeof *b + size;
	return b;
}

/* The arena itself is the first piece of its first block. */
struct arena *
arena_new(size_t first)
{
	struct arena	 a = { .next_size = first != 0 ? first : FIRST };
	struct arena	*p;

	if (a.next_size < 2 * sizeof a)
		a.next_size = 2 * sizeof a;
	a.top = block_new(&a, a.next_size);
	p = (struct arena *)a.top->mem;
	SHOW(p, sizeof *p);
	a.top->used = (sizeof *p + ZONE + ALIGN - 1) / ALIGN * ALIGN;
	*p = a;
	return p;
}

void
arena_free(struct arena *a)
{
	struct block	*b, *next;

	if (a == NULL)
		return;
	for (b = a->top; b != NULL; b = next) {
		next = b->next;
		SHOW(b->mem, b->size);
		free(b);
	}
}

/*
 * A piece from a new block. What is too large for the next one stands behind the top, which is
 * still used up.
 */
static void *
take_new(struct arena *a, size_t whole)
{
	struct block	*b;

	if (whole > a->next_size / 2) {
		b = block_new(a, whole);
		b->used = whole;
		b->next = a->top->next;
		a->top->next = b;
		return b->mem;
	}
	if (a->next_size < LARGEST)
		a->next_size *= 2;
	b = block_new(a, a->next_size);
	b->used = whole;
	b->next = a->top;
	a->top = b;
	return b->mem;
}

/* n bytes, not zeroed. */
static void *
take(struct arena *a, size_t n)
{
	struct block	*b = a->top;
	size_t		 whole;
	char		*p;

	if (n > SIZE_MAX - 2 * ALIGN - ZONE)
		out_of_memory();
	whole = (n + ZONE + ALIGN - 1) / ALIGN * ALIGN;
	if (whole == 0)
		whole = ALIGN;
	if (whole <= b->size - b->used) {
		p = b->mem + b->used;
		b->used += whole;
	} else
		p = take_new(a, whole);
	SHOW(p, n);
	return p;
}

void *
arena_get(struct arena *a, size_t n)
{
	return memset(take(a, n), 0, n);
}

void *
arena_array(struct arena *a, size_t n, size_t size)
{
	if (size != 0 && n > SIZE_MAX / size)
		die("parley: an array is larger than memory can be\n");
	return arena_get(a, n * size);
}

char *
arena_strdup(struct arena *a, const char *s)
{
	return s != NULL ? arena_strndup(a, s, strlen(s)) : NULL;
}

char *
arena_strndup(struct arena *a, const char *s, size_t n)
{
	char	*p = take(a, n + 1);

	if (n != 0)
		memcpy(p, s, n);
	p[n] = '\0';
	return p;
}

char *
arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list	 ap;
	char	*p;

	va_start(ap, fmt);
	p = arena_vprintf(a, fmt, ap);
	va_end(ap);
	return p;
}

char *
arena_vprintf(struct arena *a, const char *fmt, va_list ap)
{
	char	 most[256];		/* most texts are short and formatted once */
	va_list	 again;
	char	*p;
	int	 n;

	va_copy(again, ap);
	if ((n = vsnprintf(most, sizeof most, fmt, ap)) < 0)
		die("parley: a text cannot be formatted\n");
	if ((size_t)n < sizeof most)
		p = arena_strndup(a, most, (size_t)n);
	else {
		p = take(a, (size_t)n + 1);
		vsnprintf(p, (size_t)n + 1, fmt, again);
	}
	va_end(again);
	return p;
}

size_t
arena_held(const struct arena *a)
{
	return a->held;
}
