/* contact: visitors of websites, as the user whose keys their conversations go by knows them. */
#ifndef PARLEY_STORE_CONTACT_H
#define PARLEY_STORE_CONTACT_H

#include "store/db.h"

#define CONTACT_TEXT	255	/* characters of a name, an address, a company, a userid */
#define CONTACT_MOBILE	64	/* of a number */
#define CONTACT_AVATAR	2048	/* of the address of a picture */

struct contact {
	int64_t	 id, owner;
	char	*userid;		/* what the website calls the visitor */
	char	*name, *mobile, *email, *avatar, *company;	/* "": not known */
	int64_t	 created_ms, updated_ms;
};

/*
 * The owner's contact of that userid is there: what is given of it (NULL and "": nothing) stands in
 * it from now on. 0 or -1.
 */
int	 contact_meet(struct ctx *, const struct contact *);
struct contact	*contact_get(struct ctx *, int64_t owner, int64_t id);	/* F_NOT_FOUND */
/*
 * Those of the owner's that fit every condition, newest first: at most `most` after the first
 * `skip`. A condition is about one of id, userid, name, mobile, email, avatar, company.
 */
enum contact_is { CONTACT_EQUALS = 1, CONTACT_DIFFERS, CONTACT_HOLDS /* in whatever case */ };
struct contact_condition {
	const char	*column;	/* one of these names */
	enum contact_is	 is;
	const char	*value;
};
int	 contact_find(struct ctx *, int64_t owner, const struct contact_condition *, size_t n,
	    int64_t skip, int64_t most, struct contact **, size_t *nfound);
/* Writes what is not NULL of it, but for owner and userid. -1: F_NOT_FOUND too. */
int	 contact_change(struct ctx *, const struct contact *);
int	 contact_remove(struct ctx *, int64_t owner, int64_t id);	/* F_NOT_FOUND */

#endif
