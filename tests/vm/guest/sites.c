// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Orders to the module etalon_sites; see sites.h.
 */
#include "sites.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "client.h"

#define FOLDER "/sys/kernel/debug/etalon-sites/"

static int attempt(void)
{
	static int fd = -1;

	if (fd < 0)
		fd = open(FOLDER "attempt", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		die(FOLDER "attempt: %s", strerror(errno));
	return fd;
}

static void order(const char *word)
{
	if (write(attempt(), word, strlen(word)) < 0)
		die(FOLDER "attempt: %s: %s", word, strerror(errno));
}

void sites_begin(enum sites_order what)
{
	static const char *const words[] = {
		[SITES_FORGET] = "forget",
		[SITES_COUNT] = "count",
		[SITES_FAIL] = "fail",
	};

	order(words[what]);
}

struct sites sites_end(void)
{
	char text[64] = "";
	struct sites s;

	order("stop");
	if (pread(attempt(), text, sizeof(text) - 1, 0) < 0 ||
	    sscanf(text, "%u %u %u", &s.allocations, &s.may_fail, &s.failed) != 3)
		die(FOLDER "attempt: says \"%s\"", text);
	return s;
}

void sites_print_left(void)
{
	char line[1024];
	FILE *left = fopen(FOLDER "left", "re");

	if (!left)
		die(FOLDER "left: %s", strerror(errno));
	while (fgets(line, sizeof(line), left))
		printf("did not fail: %s", line);
	fclose(left);
}
