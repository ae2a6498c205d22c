/*
 * handoff: connections from one process to another, through a pair of SOCK_SEQPACKET sockets that
 * the workers of all generations share: each message goes to one of those that wait.
 */
#ifndef PARLEY_HANDOFF_H
#define PARLEY_HANDOFF_H

/*
 * Both ends, for the master to make: pair[0] receives, pair[1] sends (and gives up after a second).
 * -1: errno.
 */
int	 handoff_pair(int pair[2]);
/*
 * Sends fd, which stays open here, unread bytes and all. Blocks while nobody takes it. -1: errno.
 */
int	 handoff_send(int sock, int fd);
/*
 * Blocks. The connection; -1 with errno (EINTR: a signal; EPIPE: no sender is left; EMFILE: it was
 * lost).
 */
int	 handoff_receive(int sock);

#endif
