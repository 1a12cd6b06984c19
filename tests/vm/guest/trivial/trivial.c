// SPDX-License-Identifier: GPL-2.0-or-later
/* The least module there is: shows that a kernel's headers, its compiler and its loader fit. */
#include <linux/module.h>

static int __init trivial_init(void)
{
	pr_info("trivial: loaded\n");
	return 0;
}

static void __exit trivial_exit(void)
{
	pr_info("trivial: gone\n");
}

module_init(trivial_init);
module_exit(trivial_exit);
MODULE_DESCRIPTION("Etalon: a module that does nothing");
MODULE_LICENSE("GPL");
