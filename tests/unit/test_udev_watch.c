// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * What udev says reaches the daemon: devices that are there and that come and go. In namespaces
 * of its own, with a /sys made by hand and messages as udev sends them.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/util.h"
#include "daemon_pair.h"
#include "etalond/udev_watch.h"
#include "link/kernel_calls.h"

#include "run_suite.h" /* last: it defines a macro fail() */

#define DEVICE "/sys/devices/pci0000:00/0000:00:05.0/etalon/etalon0"
#define UDEV_GROUP 2U
#define UDEV_MAGIC 0xfeedcafeU

/* ---- a system of our own ---- */

static bool write_text(const char *path, const char *text)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	return fd >= 0 && write_all(fd, text, strlen(text)) == 0;
}

static bool make_folders(const char *path)
{
	_cleanup_free_ char *copy = strdup(path);

	for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(copy, 0755) < 0 && errno != EEXIST)
			return false;
		*slash = '/';
	}
	return mkdir(copy, 0755) == 0 || errno == EEXIST;
}

/* Root in namespaces of our own; false where that is not allowed. */
static bool enter_namespaces(void)
{
	char user[64], group[64];

	snprintf(user, sizeof(user), "0 %u 1", geteuid());
	snprintf(group, sizeof(group), "0 %u 1", getegid());
	return unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET) == 0 &&
	       write_text("/proc/self/setgroups", "deny") &&
	       write_text("/proc/self/uid_map", user) && write_text("/proc/self/gid_map", group) &&
	       mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("tmpfs", "/sys", "tmpfs", 0, NULL) == 0 &&
	       mount("tmpfs", "/run", "tmpfs", 0, NULL) == 0;
}

static void make_system(void)
{
	/* This /sys is no sysfs. */
	setenv("SYSTEMD_DEVICE_VERIFY_SYSFS", "0", 1);
	ck_assert(make_folders("/run/udev/data"));
	ck_assert(write_text("/run/udev/control", "")); /* udev runs */
	ck_assert(write_text("/run/udev/data/c240:0", "I:1\n")); /* and is done with it */
	ck_assert(make_folders(DEVICE) && make_folders("/sys/class/etalon") &&
		  make_folders("/sys/bus"));
	ck_assert(write_text(DEVICE "/uevent", "MAJOR=240\nMINOR=0\nDEVNAME=etalon0\n"));
	ck_assert(write_text(DEVICE "/serial", "EMU-1\n"));
	ck_assert_int_eq(symlink("../../../../../class/etalon", DEVICE "/subsystem"), 0);
	ck_assert_int_eq(symlink("../../devices/pci0000:00/0000:00:05.0/etalon/etalon0",
				 "/sys/class/etalon/etalon0"),
			 0);
}

/* ---- udev's messages ---- */

struct udev_header {
	char prefix[8]; /* "libudev" */
	uint32_t magic, header_size, properties_offset, properties_size;
	uint32_t subsystem_hash, devtype_hash, tags_high, tags_low;
};

/* MurmurHash2, as udev's filter wants it. */
static uint32_t hash_of(const char *text)
{
	const uint32_t m = 0x5bd1e995;
	size_t left = strlen(text);
	uint32_t h = (uint32_t)left, k;

	for (; left >= 4; left -= 4, text += 4) {
		memcpy(&k, text, 4);
		k *= m;
		k ^= k >> 24;
		h = (h * m) ^ (k * m);
	}
	for (size_t i = left; i-- > 0;)
		h ^= (uint32_t)(unsigned char)text[i] << (8 * i);
	if (left > 0)
		h *= m;
	h ^= h >> 13;
	h *= m;
	return h ^ (h >> 15);
}

static void udev_says(const char *action, const char *name)
{
	struct sockaddr_nl group = {.nl_family = AF_NETLINK, .nl_groups = UDEV_GROUP};
	_cleanup_close_ int fd =
		socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);
	char properties[512];
	int size = snprintf(
		properties, sizeof(properties),
		"ACTION=%s%cDEVPATH=%s%cSUBSYSTEM=etalon%cDEVNAME=/dev/%s%cMAJOR=240%cMINOR=0%c"
		"SEQNUM=1%cUSEC_INITIALIZED=1%c",
		action, 0, DEVICE + strlen("/sys"), 0, 0, name, 0, 0, 0, 0, 0);
	struct udev_header header = {
		.prefix = "libudev",
		.magic = htonl(UDEV_MAGIC),
		.header_size = sizeof(header),
		.properties_offset = sizeof(header),
		.properties_size = (uint32_t)size,
		.subsystem_hash = htonl(hash_of("etalon")),
	};
	struct iovec parts[] = {{&header, sizeof(header)}, {properties, (size_t)size}};
	struct msghdr message = {.msg_name = &group,
				 .msg_namelen = sizeof(group),
				 .msg_iov = parts,
				 .msg_iovlen = 2};

	ck_assert_int_ge(fd, 0);
	ck_assert_msg(sendmsg(fd, &message, 0) > 0, "%s", strerror(errno));
}

/* ---- nodes that are tried, and never there ---- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char last_path[64];
static unsigned int attempts;

static int note_open(void *userdata, const char *path, int flags)
{
	(void)userdata;
	(void)flags;
	pthread_mutex_lock(&lock);
	snprintf(last_path, sizeof(last_path), "%s", path);
	attempts++;
	pthread_mutex_unlock(&lock);
	return -ENOENT;
}

static unsigned int tried(void)
{
	unsigned int count;

	pthread_mutex_lock(&lock);
	count = attempts;
	pthread_mutex_unlock(&lock);
	return count;
}

static bool tries(const char *path, unsigned int more_than)
{
	uint64_t until = now_ns() + 10 * NSEC_PER_SEC;
	bool found = false;

	while (!found && now_ns() < until) {
		poll(NULL, 0, 5);
		pthread_mutex_lock(&lock);
		found = attempts > more_than && streq(last_path, path);
		pthread_mutex_unlock(&lock);
	}
	return found;
}

static const struct kernel_calls noting = {.open = note_open};
static struct kernel_boards *boards;
static struct udev_watch *watch;

static void add_boards(struct daemon_pair *p, void *userdata)
{
	char *message = NULL;

	(void)userdata;
	ck_assert_int_eq(kernel_boards_new(p->context, &noting, &boards), 0);
	ck_assert_msg(udev_watch_new(p->event, boards, &watch, &message) == 0, "%s", message);
	p->board = p->context->boards;
	ck_assert_ptr_nonnull(p->board);
	ck_assert_ptr_null(p->board->next);
}

START_TEST(what_is_there_and_what_comes_and_goes_is_heard_of)
{
	struct daemon_pair pair;
	unsigned int count;

	if (!enter_namespaces()) {
		printf("SKIP udev watch: no namespaces for this user here (%s)\n", strerror(errno));
		return;
	}
	make_system();
	daemon_pair_start_with(&pair, NULL, add_boards, NULL);
	ck_assert(tries("/dev/etalon0", 0));
	ck_assert_str_eq(pair.board->address, "/dev/etalon/by-serial/EMU-1");
	udev_says("remove", "etalon0");
	poll(NULL, 0, 200);
	count = tried();
	poll(NULL, 0, 2500); /* without it: every second, then every two */
	ck_assert_uint_eq(tried(), count);
	udev_says("bind", "etalon4"); /* not ours to act on */
	udev_says("add", "etalon3");
	ck_assert(tries("/dev/etalon3", count));
	daemon_pair_stop(&pair);
	udev_watch_free(watch);
	kernel_boards_free(boards);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("udev watch");
	TCase *tc = tcase_create("udev");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, what_is_there_and_what_comes_and_goes_is_heard_of);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
