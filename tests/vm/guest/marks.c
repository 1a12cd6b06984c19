// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Leaves marks: in the board's scratch register through BAR 0 itself, so that it works without a driver, and in the
 * kernel's trace. The kernel has to allow that ("iomem=relaxed").
 */
#include "marks.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "client.h"

#define BAR0 "/sys/bus/pci/devices/0000:01:00.0/resource0"
#define TRACE_MARKER "/sys/kernel/tracing/trace_marker"
#define PAGE_BYTES 4096

static volatile uint32_t *page = MAP_FAILED;

void marks_open(void)
{
	int fd = open(BAR0, O_RDWR | O_SYNC | O_CLOEXEC);

	if (fd < 0)
		die("%s: %s", BAR0, strerror(errno));
	page = mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (page == MAP_FAILED)
		die("mapping %s: %s", BAR0, strerror(errno));
	if (page[ETALON_REG_MAGIC / sizeof(*page)] != ETALON_HW_MAGIC)
		die("BAR 0 is not that of a board");
}

void marks_close(void)
{
	munmap((void *)(uintptr_t)page, PAGE_BYTES);
	page = MAP_FAILED;
}

/* Without tracing there is nothing to be found there later. */
static void trace(enum mark_kind kind)
{
	int fd = open(TRACE_MARKER, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	/* EBADF: there is a trace, but it is off. */
	if (write(fd, mark_names[kind], strlen(mark_names[kind])) < 0 && errno != EBADF)
		die("%s: %s", TRACE_MARKER, strerror(errno));
	close(fd);
}

void mark(enum mark_kind kind, enum mark_phase phase, unsigned int trial)
{
	if (phase == MARK_CAUSE)
		trace(kind);
	page[ETALON_REG_SCRATCH / sizeof(*page)] = mark_word(kind, phase, trial);
}
