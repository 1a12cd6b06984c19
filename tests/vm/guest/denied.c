// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Opens nodes as somebody else.
 *
 * usage: denied UID GID NODE...    EACCES for each, however it is opened, as this user with this group
 *        granted UID GID NODE...   the same program by another name: each can be opened
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <string.h>
#include <unistd.h>

#include "client.h"

static void become(uid_t user, gid_t group)
{
	if (setgroups(1, &group) < 0 || setresgid(group, group, group) < 0 ||
	    setresuid(user, user, user) < 0)
		die("cannot become %u:%u: %s", user, group, strerror(errno));
}

static void try(const char *node, int flags, int expected)
{
	const int fd = open(node, flags | O_CLOEXEC);
	const int error = fd < 0 ? errno : 0;

	if (fd >= 0)
		close(fd);
	if (error != expected)
		die("%s: %s, not %s", node, strerror(error), strerror(expected));
}

int main(int argc, char **argv)
{
	const bool granted = strstr(argv[0], "granted");

	if (argc < 4)
		return 2;
	become((uid_t)strtoul(argv[1], NULL, 0), (gid_t)strtoul(argv[2], NULL, 0));
	for (int i = 3; i < argc; i++) {
		try(argv[i], O_RDWR, granted ? 0 : EACCES);
		if (granted)
			continue;
		try(argv[i], O_RDONLY, EACCES);
		try(argv[i], O_WRONLY, EACCES);
	}
	printf("%d nodes\n", argc - 3);
	return 0;
}
