// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sites: the distinct call stacks that ask for memory in an attempt, and which of them fails next.
 * What may fail, and failing it, stay with the kernel's fault injection. It decides about each
 * allocation in one function: before that the answer is put into the task (fail-nth). For
 * debug.config, which has frame pointers, kprobes and fault injection.
 *
 * etalon-sites/attempt in debugfs is told what to do with the allocations of the task that writes,
 * or, while the parameter "threads" is Y, of the kernel's threads, workers excepted, which do
 * everybody's work:
 *
 *   forget  no site is known
 *   count   note where they come from
 *   fail    the first from a site of which none has failed yet fails, alone
 *   stop
 *
 * Says, when read, three numbers: of allocations that could have failed since the last "count", of
 * sites that could, and of those that did. etalon-sites/left tells the sites that did not.
 *
 * Allocations count that have the function at the parameter "within" among their callers, and not
 * that at "reject": first address and the one behind the last.
 */
#include <linux/atomic.h>
#include <linux/debugfs.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/sched/task_stack.h>
#include <linux/seq_file.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#define SITES_MAX 4096
#define CALLERS_SHOWN 8
#define CALLERS_MAX 64
#define ASKED_AT_ONCE 64
#define HASH_START 0xcbf29ce484222325ULL /* FNV-1a */
#define HASH_PRIME 0x100000001b3ULL
/* Of fail-nth; the kernel takes one away from what may fail, and fails it at 0. */
#define FAILS 1
#define IS_COUNTED 2

enum order { STOP, FORGET, COUNT, FAIL };

static const char *const orders[] = {
	[STOP] = "stop",
	[FORGET] = "forget",
	[COUNT] = "count",
	[FAIL] = "fail",
};

struct site {
	u64 stack; /* hash of all return addresses; 0: nobody's */
	unsigned long caller[CALLERS_SHOWN];
	bool may_fail;
	bool failed;
};

/* By hash, in the first free place from there. Never locked: asked in any context. */
static struct site sites[SITES_MAX];
static atomic_t allocations;
static atomic_t to_fail; /* in this attempt: 1, and 0 from then on */
static struct task_struct *concerned;
static enum order order;

static bool threads;
module_param(threads, bool, 0600);
MODULE_PARM_DESC(threads, "Of the kernel's threads, not of the task that asks");

static unsigned long within[2] = {0, ULONG_MAX};
module_param_array(within, ulong, NULL, 0600);
MODULE_PARM_DESC(within, "Of what is called by this function alone");

static unsigned long reject[2];
module_param_array(reject, ulong, NULL, 0600);
MODULE_PARM_DESC(reject, "Of nothing that is called by this function");

/* ---- sites ---- */

static bool is_on_stack(const unsigned long *frame)
{
	const unsigned long at = (unsigned long)frame;
	const unsigned long stack = (unsigned long)task_stack_page(current);

	return IS_ALIGNED(at, sizeof(*frame)) && at >= stack &&
	       at <= stack + THREAD_SIZE - 2 * sizeof(*frame);
}

/* At the first instruction of a function: its frame does not exist yet. */
static unsigned int find_callers(const struct pt_regs *regs, unsigned long *ret)
{
	const unsigned long *frame = (const unsigned long *)regs->bp, *next;
	unsigned int count = 0;

	ret[count++] = READ_ONCE_NOCHECK(*(const unsigned long *)regs->sp);
	while (is_on_stack(frame) && count < CALLERS_MAX) {
		ret[count++] = READ_ONCE_NOCHECK(frame[1]);
		next = (const unsigned long *)READ_ONCE_NOCHECK(frame[0]);
		if (next <= frame)
			break;
		frame = next;
	}
	return count;
}

static u64 hash(const unsigned long *caller, unsigned int count)
{
	u64 h = HASH_START;

	while (count--)
		h = (h ^ caller[count]) * HASH_PRIME;
	return h ?: 1;
}

static bool is_among(const unsigned long *caller, unsigned int count, const unsigned long *function)
{
	while (count--)
		if (caller[count] >= function[0] && caller[count] < function[1])
			return true;
	return false;
}

/* NULL: it does not count. */
static struct site *site_of(const struct pt_regs *regs)
{
	unsigned long caller[CALLERS_MAX];
	const unsigned int count = find_callers(regs, caller);
	const u64 stack = hash(caller, count);
	unsigned int i;

	if (!is_among(caller, count, within) || is_among(caller, count, reject))
		return NULL;
	for (i = 0; i < SITES_MAX; i++) {
		struct site *site = &sites[(stack + i) % SITES_MAX];
		const u64 there = cmpxchg64(&site->stack, 0, stack);

		if (!there)
			memcpy(site->caller, caller, min(count, CALLERS_SHOWN) * sizeof(*caller));
		if (!there || there == stack)
			return site;
	}
	WARN_ONCE(1, "more than %u sites\n", SITES_MAX);
	return NULL;
}

/* ---- each allocation ---- */

struct question {
	struct site *site;
	bool fails; /* if it may */
};

static bool is_concerned(const struct pt_regs *regs)
{
	const unsigned int kind = current->flags & (PF_KTHREAD | PF_WQ_WORKER);

	if (READ_ONCE(threads) ? kind != PF_KTHREAD : current != READ_ONCE(concerned))
		return false;
	return is_on_stack((const unsigned long *)regs->sp); /* no interrupt */
}

static int on_question(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	struct question *question = (struct question *)instance->data;
	const enum order now = READ_ONCE(order);

	if (now == STOP || !is_concerned(regs))
		return 1;
	question->site = site_of(regs);
	question->fails = now == FAIL;
	if (!question->site)
		return 1;
	if (now == FAIL && (question->site->failed || !atomic_xchg(&to_fail, 0)))
		return 1;
	current->fail_nth = question->fails ? FAILS : IS_COUNTED;
	return 0;
}

static int on_answer(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	const struct question *question = (const struct question *)instance->data;
	struct site *site = question->site;
	const bool may_fail = current->fail_nth < (question->fails ? FAILS : IS_COUNTED);

	current->fail_nth = 0;
	if (may_fail) {
		site->may_fail = true;
		if (question->fails)
			site->failed = true;
		else
			atomic_inc(&allocations);
	} else if (question->fails) {
		atomic_set(&to_fail, 1);
	}
	return 0;
}

static struct kretprobe probe = {
	.kp.symbol_name = "should_fail_ex",
	.entry_handler = on_question,
	.handler = on_answer,
	.data_size = sizeof(struct question),
	.maxactive = ASKED_AT_ONCE,
};

/* ---- orders and answers ---- */

static void obey(enum order what)
{
	WRITE_ONCE(order, STOP);
	if (what == FORGET)
		memset(sites, 0, sizeof(sites));
	if (what == STOP || what == FORGET)
		return;
	if (what == COUNT)
		atomic_set(&allocations, 0);
	atomic_set(&to_fail, what == FAIL);
	WRITE_ONCE(concerned, current);
	WRITE_ONCE(order, what);
}

static ssize_t attempt_write(struct file *file, const char __user *text, size_t bytes, loff_t *at)
{
	char word[16] = "";
	int what;

	if (bytes >= sizeof(word) || copy_from_user(word, text, bytes))
		return -EINVAL;
	what = sysfs_match_string(orders, word);
	if (what < 0)
		return what;
	obey(what);
	return bytes;
}

static int attempt_show(struct seq_file *out, void *unused)
{
	unsigned int may_fail = 0, failed = 0, i;

	for (i = 0; i < SITES_MAX; i++) {
		may_fail += sites[i].may_fail;
		failed += sites[i].failed;
	}
	seq_printf(out, "%d %u %u\n", atomic_read(&allocations), may_fail, failed);
	return 0;
}

static int attempt_open(struct inode *inode, struct file *file)
{
	return single_open(file, attempt_show, NULL);
}

static const struct file_operations attempt_operations = {
	.owner = THIS_MODULE,
	.open = attempt_open,
	.read = seq_read,
	.write = attempt_write,
	.llseek = seq_lseek,
	.release = single_release,
};

static int left_show(struct seq_file *out, void *unused)
{
	unsigned int i, caller;

	for (i = 0; i < SITES_MAX; i++) {
		if (!sites[i].may_fail || sites[i].failed)
			continue;
		for (caller = 0; caller < CALLERS_SHOWN && sites[i].caller[caller]; caller++)
			seq_printf(out, "%pS ", (void *)sites[i].caller[caller]);
		seq_puts(out, "\n");
	}
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(left);

/* ---- coming and going ---- */

static struct dentry *folder;

static int __init sites_init(void)
{
	int ret = register_kretprobe(&probe);

	if (ret)
		return ret;
	folder = debugfs_create_dir("etalon-sites", NULL);
	debugfs_create_file("attempt", 0600, folder, NULL, &attempt_operations);
	debugfs_create_file("left", 0400, folder, NULL, &left_fops);
	return 0;
}

static void __exit sites_exit(void)
{
	debugfs_remove(folder);
	unregister_kretprobe(&probe);
}

module_init(sites_init);
module_exit(sites_exit);
MODULE_DESCRIPTION("Fails allocations, one of each call stack");
MODULE_LICENSE("GPL");
