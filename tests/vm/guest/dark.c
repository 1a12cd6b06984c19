// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Ends light and a sweep in one of the ways that there are, at random moments, again and again. Leaves marks around each
 * end: whether it was dark in time is read from the emulator's log, and how fast the driver was from the kernel's trace.
 * Checks here what the holder of the light is told.
 *
 * usage: dark KIND TRIALS SEED     KIND: see marks.h
 *        dark shutdown FILE        makes FILE when there is light, which then stays until the guest goes
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "client.h"
#include "holder.h"
#include "marks.h"

#define ADDRESS "0000:01:00.0"
#define DRIVER "/sys/bus/pci/drivers/etalon_pci/"
#define DEVICE "/sys/bus/pci/devices/" ADDRESS "/"

/* A shared machine that stands still for a moment must not look like a holder that does. */
#define WATCHDOG_NS UINT64_C(500000000)
#define PATIENT_NS UINT64_C(1000000000) /* where it is not what is tried */
#define MOMENT_MAX_US 100000
#define PATIENCE_MS 20000

static void write_file(const char *path, const char *text)
{
	const int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		die("%s: %s", path, strerror(errno));
	close(fd);
}

/* In the shell of the test, which knows the host. */
static void run(const char *command)
{
	char line[256];

	snprintf(line, sizeof(line), ". ./check.sh; . ./modules.sh; %s", command);
	if (system(line))
		die("%s: failed", command);
}

/* How long until control is free again; a holder that has lost it may still be there. */
static void await_free_control(void)
{
	for (int ms = 0; ms < PATIENCE_MS; ms++) {
		const int fd = open(CLIENT_NODE, O_RDWR | O_CLOEXEC);

		if (fd >= 0) {
			close(fd);
			return;
		}
		if (errno != EBUSY)
			die("open for control: %s", strerror(errno));
		usleep(1000);
	}
	die("control is not free within %d ms", PATIENCE_MS);
}

/* No waiting: whoever comes next may have it. */
static void expect_free_control(void)
{
	const int fd = open(CLIENT_NODE, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		die("open for control: %s", strerror(errno));
	close(fd);
}

/* ---- the ends ---- */

static void kill_holder(struct holder *h)
{
	kill(h->pid, SIGKILL);
	holder_wait(h, SIGKILL);
}

static void stop_holder(struct holder *h)
{
	kill(h->pid, SIGSTOP);
	await_free_control();
}

static void unbind(struct holder *h)
{
	(void)h;
	write_file(DRIVER "unbind", ADDRESS);
}

static void bind(void)
{
	write_file(DRIVER "bind", ADDRESS);
}

static void remove_module(struct holder *h)
{
	(void)h;
	if (syscall(SYS_delete_module, "etalon_pci", O_NONBLOCK))
		die("rmmod: %s", strerror(errno));
}

static void insert_module(void)
{
	run("insmod etalon_pci.ko && within 5 has_node");
}

static void suspend(struct holder *h)
{
	(void)h;
	write_file("/sys/power/state", "mem"); /* as deep as /sys/power/pm_test says */
}

static void reset(struct holder *h)
{
	(void)h;
	write_file(DEVICE "reset", "1");
}

static void freeze(struct holder *h)
{
	(void)h;
	run("host freeze");
	await_free_control();
}

static void open_interlock(struct holder *h)
{
	run("host fault interlock-open");
	holder_expect_trip(h, ETALON_HW_CAUSE_INTERLOCK);
}

static void close_interlock(void)
{
	run("host fault interlock-close");
}

static void turn_key_off(struct holder *h)
{
	run("host fault key-off");
	holder_expect_trip(h, ETALON_HW_CAUSE_KEY);
}

static void turn_key_on(void)
{
	run("host fault key-on");
}

static void pull_cable(struct holder *h)
{
	(void)h;
	run("host pull_cable");
}

static void kill_board(struct holder *h)
{
	(void)h;
	run("host kill_board");
}

static void replug(void)
{
	run("host unplug && within 10 lacks_node && host plug && within 10 has_node");
}

static void restart_board(void)
{
	run("host unplug && within 10 lacks_node && host start_board && host plug && within 10 has_node");
}

static const struct end {
	void (*happens)(struct holder *h); /* NULL: the holder does it itself */
	int error; /* of each call of the holder from then on */
	bool frees; /* control is free at once, while its last holder is still there */
	bool unreachable; /* there is no register to leave a mark in */
	void (*mend)(void);
} ends[MARK_KINDS] = {
	[MARK_KILL] = {.happens = kill_holder},
	[MARK_STOP] = {.happens = stop_holder, .error = -ESTALE, .frees = true},
	[MARK_UNBIND] = {.happens = unbind, .error = -ENODEV, .mend = bind},
	[MARK_RMMOD] = {.happens = remove_module, .error = -ENODEV, .mend = insert_module},
	[MARK_SUSPEND] = {.happens = suspend, .error = -ESTALE, .frees = true},
	[MARK_RESET] = {.happens = reset, .error = -ESTALE, .frees = true},
	[MARK_FREEZE] = {.happens = freeze, .error = -ESTALE, .frees = true},
	[MARK_INTERLOCK] = {.happens = open_interlock, .mend = close_interlock},
	[MARK_KEY] = {.happens = turn_key_off, .mend = turn_key_on},
	[MARK_CABLE] = {.happens = pull_cable,
			.error = -ENODEV,
			.unreachable = true,
			.mend = replug},
	[MARK_LOST] = {.happens = kill_board,
		       .error = -ENODEV,
		       .unreachable = true,
		       .mend = restart_board},
};

static void end_from_outside(struct holder *h, enum mark_kind kind, unsigned int trial)
{
	const struct end *e = &ends[kind];

	mark(kind, MARK_CAUSE, trial);
	e->happens(h);
	if (!e->unreachable)
		mark(kind, MARK_AFTER, trial);
	if (kind == MARK_STOP)
		kill(h->pid, SIGCONT);
	if (e->frees)
		expect_free_control();
	if (e->error)
		holder_expect(h, e->error);
	if (kind != MARK_KILL)
		holder_wait(h, 0);
}

static void one_trial(enum mark_kind kind, unsigned int trial)
{
	const bool waits = kind == MARK_STOP || kind == MARK_FREEZE || kind == MARK_CABLE;
	struct holder h;

	marks_open();
	holder_start(&h, waits ? WATCHDOG_NS : PATIENT_NS);
	usleep((useconds_t)(random() % MOMENT_MAX_US));
	if (ends[kind].happens) {
		end_from_outside(&h, kind, trial);
	} else {
		holder_end_light(&h, kind, trial);
		holder_wait(&h, 0);
	}
	marks_close();
	if (ends[kind].mend)
		ends[kind].mend();
}

/* Only once: nobody comes back from there. */
static void await_shutdown(const char *lit)
{
	struct holder h;
	int fd;

	marks_open();
	holder_start(&h, PATIENT_NS);
	mark(MARK_SHUTDOWN, MARK_CAUSE, 0);
	fd = open(lit, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		die("%s: %s", lit, strerror(errno));
	close(fd);
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
	const int kind = argc == 4 ? mark_kind_of(argv[1]) : -1;

	if (argc == 3 && mark_kind_of(argv[1]) == MARK_SHUTDOWN)
		await_shutdown(argv[2]);
	if (kind < 0)
		return 2;
	srandom((unsigned int)strtoul(argv[3], NULL, 0));
	for (unsigned int i = 0; i < strtoul(argv[2], NULL, 0); i++)
		one_trial(kind, i);
	return 0;
}
