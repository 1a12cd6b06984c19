/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A good argument for each call of /dev/etalonN that takes one, for tests of what the driver makes of arguments that are not.
 * None of them makes light or starts anything by itself.
 */
#ifndef ETALON_TESTS_VM_ARGUMENTS_H
#define ETALON_TESTS_VM_ARGUMENTS_H

#include "client.h"

#define ARGUMENT_BYTES_MAX 256
#define ARGUMENTS_LIVE_MAX 64

struct arguments {
	struct client client;
	struct etalon_hw_program program; /* dark */
	struct etalon_hw_live live[ARGUMENTS_LIVE_MAX];
	void *description;
};

struct argument {
	const char *name;
	unsigned long command;
	void (*fill)(const struct arguments *a,
		     void *argument); /* all that goes in, but size and flags */
	uint32_t refusal; /* where it has one, else 0 */
	bool of_capture;
	bool succeeds; /* as often as it is asked for */
};

extern const struct argument arguments[];
extern const unsigned int argument_count;

/* Opens the board; it has a program then, and limits of all sources that emit. */
void arguments_begin(struct arguments *a);
void arguments_end(struct arguments *a);

/* Number of a call in arguments[]. */
unsigned int argument_of(unsigned long command);
/* `filler` in each byte that does not go in. */
void argument_make(const struct arguments *a, unsigned int n, uint8_t filler, void *ret);
int argument_call(const struct arguments *a, unsigned int n, void *argument);
/* The same call as another version of it, with an argument of that size. */
int argument_call_sized(const struct arguments *a, unsigned int n, uint32_t bytes, void *argument);

/* Ends the test with a line, unless they are equal. */
void expect(const char *call, const char *what, long long got, long long expected);

#endif
