/*
 * head: looks over the first records of a FastCGI request before libfcgi is let at them. libfcgi
 * takes lengths at their word: a parameter of 2 GiB ends the process by its assert, a GET_VALUES
 * with many names overruns its stack.
 */
#ifndef PARLEY_HEAD_H
#define PARLEY_HEAD_H

#include <stddef.h>
#include <stdint.h>

/*
 * Most bytes of BEGIN_REQUEST and PARAMS together. nginx sends at most 64 KiB; a unix socket holds
 * this much unread.
 */
#define HEAD_MAX	131072

enum head { HEAD_BAD = -1, HEAD_MORE, HEAD_OK, HEAD_ALL };

/*
 * The first n bytes of a request: OK when BEGIN_REQUEST (of a responder) and all of PARAMS are
 * there and sound, ALL when there is nothing more to come, the body being empty; MORE when they are
 * sound as far as they go, else BAD. Management records, which no web server sends, are BAD.
 */
enum head	 head_check(const uint8_t *, size_t n);

#endif
