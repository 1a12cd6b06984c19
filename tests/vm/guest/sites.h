/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Orders to the module etalon_sites, which knows the call stacks that ask for memory; see
 * ../sites/sites.c.
 */
#ifndef ETALON_TESTS_VM_SITES_H
#define ETALON_TESTS_VM_SITES_H

struct sites {
	unsigned int allocations; /* that could fail, of the last attempt that was counted */
	unsigned int may_fail; /* sites, of all attempts */
	unsigned int failed; /* of these */
};

enum sites_order { SITES_FORGET, SITES_COUNT, SITES_FAIL };

/* From here on, in this task or the kernel's threads. */
void sites_begin(enum sites_order order);
/* Up to here. */
struct sites sites_end(void);
/* A line for each that did not fail: its nearest callers. */
void sites_print_left(void);

#endif
