/* The directories of workers: who lives, what the dead left, and when it goes. */
#include "core/spool_file.h"

#include <sys/file.h>
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

#define LOCK		"lock"		/* flocked by its worker, or by who recovers it */
#define RECOVERED	"recovered"	/* made when nothing was left to do for its turns */
#define POST		"post"		/* the worker's socket (post.h) */

#define FILE_MAX	(PATH_MAX + 16)	/* a directory's path and one of these names */

static int
is_segment(const struct dirent *e)
{
	return strspn(e->d_name, "0123456789abcdef") == 8 && strcmp(e->d_name + 8, ".seg") == 0;
}

int
spool_list(const char *path, uint32_t **numbers)
{
	struct dirent	**names;
	int		  n;

	if ((n = scandir(path, &names, is_segment, alphasort)) == -1)
		return -1;
	*numbers = xcalloc((size_t)n + 1, sizeof(**numbers));
	for (int i = 0; i < n; i++) {
		(*numbers)[i] = (uint32_t)strtoul(names[i]->d_name, NULL, 16);
		free(names[i]);
	}
	free(names);
	return n;
}

int
spool_scan(const char *path, int (*fn)(void *, uint64_t, const struct spool_record *), void *arg)
{
	char		 file[FILE_MAX];
	uint32_t	*numbers;
	int		 n, rv = 1;

	if ((n = spool_list(path, &numbers)) == -1)
		return -1;
	for (int i = 0; i < n && rv == 1; i++) {
		snprintf(file, sizeof(file), SPOOL_SEG, path, numbers[i]);
		rv = spool_scan_segment(file, numbers[i], fn, arg, NULL);
	}
	free(numbers);
	return rv == -1 ? -1 : 0;
}

int
spool_lock(const char *path)
{
	char		file[FILE_MAX];
	struct stat	st;
	int		fd;

	snprintf(file, sizeof(file), "%s/" LOCK, path);
	if ((fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600)) == -1)
		return -1;
	/* Without a name: who had the lock before us removed the directory. */
	if (flock(fd, LOCK_EX | LOCK_NB) == -1 || fstat(fd, &st) == -1 || st.st_nlink == 0) {
		close(fd);
		return -1;
	}
	return fd;
}

int
spool_mark_recovered(const char *path)
{
	char	file[FILE_MAX];
	int	fd;

	snprintf(file, sizeof(file), "%s/" RECOVERED, path);
	if ((fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)) == -1)
		return -1;
	close(fd);
	return 0;
}

/* How long ago it was recovered, in ms; -1: it was not. */
static int64_t
recovered_since(const char *path)
{
	char		file[FILE_MAX];
	struct stat	st;
	int64_t		ms;

	snprintf(file, sizeof(file), "%s/" RECOVERED, path);
	if (stat(file, &st) == -1)
		return -1;
	ms = clock_ms() - ((int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000);
	return ms > 0 ? ms : 0;
}

void
spool_remove(const char *path)
{
	/* The lock is last: until then the directory is somebody's. */
	static const char *const	 others[] = { POST, RECOVERED, LOCK };
	char				 file[FILE_MAX];
	uint32_t			*numbers;
	int				 n;

	if ((n = spool_list(path, &numbers)) == -1)
		return;
	for (int i = 0; i < n; i++) {
		snprintf(file, sizeof(file), SPOOL_SEG, path, numbers[i]);
		unlink(file);
	}
	free(numbers);
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		snprintf(file, sizeof(file), "%s/%s", path, others[i]);
		unlink(file);
	}
	rmdir(path);
}

struct visit {
	int64_t	 keep_ms;
	int	(*fn)(void *, const char *, int64_t);
	void	(*gone)(void *, int64_t);
	void	*arg;
	int	 n;		/* fn was called for */
};

/* One whose lock we have. */
static void
visit(struct visit *v, const char *path, int64_t id)
{
	int64_t	ms;

	if ((ms = recovered_since(path)) == -1) {
		v->n++;
		if (v->fn(v->arg, path, id) != 0)
			return;
		spool_mark_recovered(path);
		ms = 0;
	}
	if (ms < v->keep_ms)
		return;
	spool_remove(path);
	if (v->gone != NULL)
		v->gone(v->arg, id);
}

int
spool_orphans(const char *dir, int64_t keep_ms, int (*fn)(void *, const char *, int64_t),
    void (*gone)(void *, int64_t), void *arg)
{
	struct visit		 v = { .keep_ms = keep_ms, .fn = fn, .gone = gone, .arg = arg };
	struct dirent		*e;
	char			 path[PATH_MAX], *end;
	unsigned long long	 id;
	DIR			*d;
	int			 fd;

	if ((d = opendir(dir)) == NULL)
		return 0;		/* nothing has ever been spooled here */
	while ((e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		id = strtoull(e->d_name, &end, 16);
		if (*end != '\0' || id == 0 || id > INT64_MAX)
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		if ((fd = spool_lock(path)) == -1)
			continue;	/* its worker lives, or another process recovers it */
		visit(&v, path, (int64_t)id);
		close(fd);
	}
	closedir(d);
	return v.n;
}

int
spool_each(const char *dir, int (*fn)(void *, const char *, int64_t), void *arg)
{
	struct dirent	*e;
	char		 path[PATH_MAX], *end;
	int64_t		 id;
	DIR		*d;
	int		 rv = 0;

	if ((d = opendir(dir)) == NULL)
		return errno == ENOENT ? 0 : -1;	/* nothing has ever been spooled here */
	while (rv == 0 && (e = readdir(d)) != NULL) {
		id = strtoll(e->d_name, &end, 16);
		if (e->d_name[0] == '.' || *end != '\0' || id <= 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		rv = fn(arg, path, id);
	}
	closedir(d);
	return rv;
}

int
spool_blank(const char *path, const int64_t *turns, size_t n)
{
	char		 file[FILE_MAX];
	uint32_t	*numbers;
	int		 segments, rv = 0;

	if ((segments = spool_list(path, &numbers)) == -1)
		return errno == ENOENT ? 0 : -1;
	for (int i = 0; i < segments && rv == 0; i++) {
		snprintf(file, sizeof(file), SPOOL_SEG, path, numbers[i]);
		rv = spool_blank_segment(file, turns, n);
	}
	free(numbers);
	return rv;
}
