/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Proves that another process of the host can write into the memory of this guest, which is
 * what a board behind a socket does for DMA. Without share=on such writes vanish silently.
 * The host is told the page of a buffer and must change what is in it.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define PAGE_BYTES 4096
#define PAGEMAP_FRAME_MASK ((UINT64_C(1) << 55) - 1)
#define TIME_OUT_MS 5000

static uint64_t page_frame(const void *address)
{
	uint64_t entry = 0;
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return 0;
	if (pread(fd, &entry, sizeof(entry), (uintptr_t)address / PAGE_BYTES * sizeof(entry)) !=
	    sizeof(entry))
		entry = 0;
	close(fd);
	return entry & PAGEMAP_FRAME_MASK;
}

static int wait_for_change(const char *page, const char *expected)
{
	const struct timespec pause = {.tv_nsec = 1000000};

	for (int ms = 0; ms < TIME_OUT_MS; ms++) {
		if (memcmp(page, expected, strlen(expected)) == 0)
			return 0;
		nanosleep(&pause, NULL);
	}
	return -1;
}

int main(void)
{
	char expected[32];
	uint64_t frame;
	char *page = mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED | MAP_POPULATE, -1, 0);

	if (page == MAP_FAILED) {
		perror("canary: no locked page");
		return 1;
	}
	/* Written by the guest first: only then does unshared memory part from the host's. */
	memset(page, 'x', PAGE_BYTES);
	frame = page_frame(page);
	if (frame == 0) {
		fputs("canary: the kernel does not tell where a page lies\n", stderr);
		return 1;
	}
	snprintf(expected, sizeof(expected), "canary %" PRIx64, frame * 2654435761u);
	printf("host: canary %" PRIu64 " %s\n", frame, expected);
	fflush(stdout);
	if (wait_for_change(page, expected) < 0) {
		fputs("canary: DMA does not reach the guest; its memory needs share=on\n", stderr);
		return 1;
	}
	return 0;
}
