/* fcgi-client: the web server's side of FastCGI, small: what the tests of web send and receive. */
#ifndef FCGI_CLIENT_H
#define FCGI_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

enum { FC_BEGIN = 1, FC_ABORT, FC_END, FC_PARAMS, FC_STDIN, FC_STDOUT, FC_GET_VALUES = 9 };

struct fc_reply {
	int		 status;	/* 200 where no line says it; 0: nothing came */
	struct str	 head, body;	/* head: all header lines, each ended by \r\n */
	bool		 ended;		/* END_REQUEST came; else the connection closed first */
};

/* Append records. */
void	 fc_record(struct str *, int type, int id, const void *, size_t);
void	 fc_begin(struct str *, bool keep);
/* One pair of the content of a PARAMS record. */
void	 fc_param(struct str *, const char *name, const char *value);
/* A whole request: params are name, value, …, NULL. */
void	 fc_request(struct str *, bool keep, const char *const *params, const char *body,
	    size_t len);

void	 fc_send(int fd, const struct str *);	/* all of it; dies when it cannot */
/* Reads until the end of the request, or of the connection. */
void	 fc_receive(int fd, struct fc_reply *);
/* Reads what comes until the body holds `until`, or the end. */
void	 fc_receive_until(int fd, struct fc_reply *, const char *until);
/* The value of a header, up to its line's end, compared. */
bool	 fc_header_is(const struct fc_reply *, const char *name, const char *value);
void	 fc_free(struct fc_reply *);

#endif
