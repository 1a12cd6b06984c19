/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Strict reading of request objects: no key is ignored, no number is guessed. Layer: measure.
 *
 * Getters return 1 when the key is there, 0 when it is not (then *ret is untouched), or -EINVAL with a
 * message that names the key. `where` says what the object is: "request", "axes[0]".
 */
#ifndef ETALON_MEASURE_REQUEST_READ_H
#define ETALON_MEASURE_REQUEST_READ_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A list of names to choose from, for messages. */
struct names {
	const char *const *name;
	size_t count;
};

/* -EINVAL unless `object` is an object with keys of the list only. */
int request_check_keys(const json_t *object, const char *where, struct names allowed,
		       char **ret_message);
/* Whole numbers; a real number counts when it is whole. */
int request_integer(const json_t *object, const char *where, const char *key, int64_t *ret,
		    char **ret_message);
/* One value that is there, of a list say. */
int request_number(const json_t *value, const char *where, const char *key, int64_t *ret,
		   char **ret_message);
/* The same within low..high. */
int request_within(const json_t *object, const char *where, const char *key, int64_t low,
		   int64_t high, int64_t *ret, char **ret_message);
int request_flag(const json_t *object, const char *where, const char *key, bool *ret,
		 char **ret_message);
int request_text(const json_t *object, const char *where, const char *key, const char **ret,
		 char **ret_message);
/* A text of the list: its place. */
int request_choice(const json_t *object, const char *where, const char *key, struct names choices,
		   unsigned int *ret, char **ret_message);

/* "a, b, c"; malloc'ed. */
char *names_list(struct names names);
/* The name that differs least from `asked`, or NULL when none is near. */
const char *names_nearest(struct names names, const char *asked);
/* fail() with: no <what> "<asked>"; <owner> has a, b, c; did you mean "b"? */
int unknown_name(char **ret_message, int error, const char *what, const char *asked,
		 const char *owner, struct names names);

#define NAMES(array) ((struct names){(array), sizeof(array) / sizeof((array)[0])})

#endif
