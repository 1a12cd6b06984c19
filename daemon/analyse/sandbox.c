// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Resource limits, no-new-privileges and a system call filter: a list of what a computation needs.
 * Everything else fails with EPERM and does not end the process: a C library that asks for more than it
 * needs, such as the size of the memory before it sorts, gets on without.
 */
#include "analyse/sandbox.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/util.h"

#define CPU_SECONDS 120
#define MEMORY_BYTES (4ULL << 30)

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define INSTRUMENTED 1 /* the instrumentation needs calls and address space of its own */
#else
#define INSTRUMENTED 0
#endif

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#elif defined(__arm__)
#define ARCHITECTURE AUDIT_ARCH_ARM
#endif

static int limit(int resource, rlim_t value)
{
	struct rlimit now, lower;

	if (getrlimit(resource, &now) < 0)
		return -errno;
	/* What is lower already stays as it is. */
	lower.rlim_max = MIN(now.rlim_max, value);
	lower.rlim_cur = MIN(now.rlim_cur, lower.rlim_max);
	return setrlimit(resource, &lower) < 0 ? -errno : 0;
}

static int limit_all(void)
{
	int r = limit(RLIMIT_CPU, CPU_SECONDS);

	if (r == 0)
		r = limit(RLIMIT_CORE, 0);
	if (r == 0 && !INSTRUMENTED)
		r = limit(RLIMIT_AS, MEMORY_BYTES);
	return r;
}

static int close_others(int keep_fd)
{
	unsigned int keep = keep_fd > 2 ? (unsigned int)keep_fd : 2;

	if (keep > 3 && close_range(3, keep - 1, 0) < 0)
		return -errno;
	return close_range(keep + 1, ~0U, 0) < 0 ? -errno : 0;
}

#if defined(ARCHITECTURE)
#define ALLOW(name)                                             \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_##name, 0, 1), \
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

static int filter_calls(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		ALLOW(read),
		ALLOW(write),
		ALLOW(writev),
		ALLOW(close),
		ALLOW(brk),
#ifdef __NR_mmap
		ALLOW(mmap),
#endif
#ifdef __NR_mmap2
		ALLOW(mmap2),
#endif
		ALLOW(munmap),
		ALLOW(mremap),
		ALLOW(mprotect),
		ALLOW(madvise),
#ifdef __NR_fstat
		ALLOW(fstat),
#endif
#ifdef __NR_newfstatat
		ALLOW(newfstatat), /* what fstat() is on some C libraries */
#endif
#ifdef __NR_fstat64
		ALLOW(fstat64),
#endif
		ALLOW(fcntl), /* seals of the frame */
#ifdef __NR_fcntl64
		ALLOW(fcntl64),
#endif
		ALLOW(lseek),
		ALLOW(futex),
		ALLOW(getrandom),
		ALLOW(clock_gettime),
		ALLOW(rt_sigreturn),
		ALLOW(exit),
		ALLOW(exit_group),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
	};
	struct sock_fprog program = {.len = ARRAY_SIZE(filter), .filter = filter};

	/* All threads: one that may more could be made to do it for the others. */
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) == 0)
		return 0;
	/* A kernel without filters goes without. */
	return errno == EINVAL || errno == ENOSYS ? 0 : -EPERM;
}
#else
static int filter_calls(void)
{
	return 0;
}
#endif

int sandbox_enter(int keep_fd)
{
	int r = limit_all();

	if (r == 0)
		r = close_others(keep_fd);
	if (r < 0)
		return r;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	return INSTRUMENTED ? 0 : filter_calls();
}
