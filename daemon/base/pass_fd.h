/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One descriptor and a line of text over a stream socket, and then the end. Layer: base.
 */
#ifndef ETALON_BASE_PASS_FD_H
#define ETALON_BASE_PASS_FD_H

#include <stddef.h>

/* fd stays the caller's; the text needs at least one character. -EPIPE: nobody is there to hear it. */
int pass_fd_send(int socket, int fd, const char *text);

/*
 * Waits until the sender has closed its end. *ret_fd is the caller's, -1 when the other end hung up
 * without a word. -EBADMSG: text without a descriptor, -EMSGSIZE: more than text[size] holds.
 */
int pass_fd_receive(int socket, int *ret_fd, char *text, size_t size);

#endif
