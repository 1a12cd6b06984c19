// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Gives one line to an emulator's fault socket, and its answer to us. Ends with 1 when it is refused.
 *
 * usage: tell SOCKET LINE
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/cleanup.h"
#include "base/util.h"

int main(int argc, char **argv)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char reply[512] = "";

	if (argc != 3 || strlen(argv[1]) >= sizeof(address.sun_path))
		return 2;
	strcpy(address.sun_path, argv[1]);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    write_all(fd, argv[2], strlen(argv[2])) < 0 || write_all(fd, "\n", 1) < 0 ||
	    read(fd, reply, sizeof(reply) - 1) <= 0) {
		fprintf(stderr, "tell: %s: %s\n", argv[1], strerror(errno));
		return 1;
	}
	fputs(reply, stdout);
	return strstr(reply, "error") ? 1 : 0;
}
