/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The operations of the driver whose allocations fail; see failures.c.
 */
#ifndef ETALON_TESTS_VM_OPERATIONS_H
#define ETALON_TESTS_VM_OPERATIONS_H

#include "client.h"

/* What the operations work on; nothing of it is there but what an operation's prepare() made. */
struct rig {
	struct client client;
	int fd; /* of the operation itself */
	void *at;
};

struct operation {
	const char *name;
	bool may_need_no_memory; /* 0 allocations are no mistake of the test */
	bool varies; /* what it asks for, with what others have left over */
	bool is_slow; /* an undisturbed attempt follows some refusals, not each */
	void (*prepare)(struct rig *rig); /* may be NULL, as the next but one and two */
	long (*run)(struct rig *rig); /* 0 or negative errno */
	void (*look)(struct rig *rig, long result); /* at what it left; undoes it */
	void (*clear)(struct rig *rig); /* undoes prepare() */
};

/* Ends the program when there is none of that name. */
const struct operation *operation_find(const char *name);

#endif
