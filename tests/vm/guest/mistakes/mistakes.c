// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Mistakes of the kinds that the debug kernel is there to find. Loading makes all of them, so
 * that a test sees each reported; for virtual machines alone.
 */
#include <linux/delay.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

static DEFINE_MUTEX(first);
static DEFINE_MUTEX(second);
static DEFINE_SPINLOCK(spin);

static void use_after_free(void)
{
	int *number = kmalloc(sizeof(*number), GFP_KERNEL);

	if (!number)
		return;
	kfree(number);
	WRITE_ONCE(*number, 1);
}

static void lock_in_both_orders(void)
{
	mutex_lock(&first);
	mutex_lock(&second);
	mutex_unlock(&second);
	mutex_unlock(&first);

	mutex_lock(&second);
	mutex_lock(&first);
	mutex_unlock(&first);
	mutex_unlock(&second);
}

static void sleep_while_atomic(void)
{
	spin_lock(&spin);
	might_sleep();
	spin_unlock(&spin);
}

static void leak(void)
{
	/* Several: one may survive in a register or on the stack of a later call. */
	for (int i = 0; i < 16; i++) {
		void *lost = kmalloc(256, GFP_KERNEL);

		OPTIMIZER_HIDE_VAR(lost);
	}
}

static int __init mistakes_init(void)
{
	leak();
	sleep_while_atomic();
	lock_in_both_orders();
	use_after_free();
	return 0;
}

static void __exit mistakes_exit(void)
{
}

module_init(mistakes_init);
module_exit(mistakes_exit);
MODULE_DESCRIPTION("Etalon: mistakes that a debug kernel must report");
MODULE_LICENSE("GPL");
