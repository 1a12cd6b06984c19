/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * D-Bus values as JSON and back. Layer: cli.
 *
 * Dictionaries become objects, structs and arrays become arrays, variants what they hold, and a
 * file descriptor null. JSON's integers have 64 bits with sign: 2^64-1 reads as -1.
 */
#ifndef ETALON_CLI_WIRE_H
#define ETALON_CLI_WIRE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>

#include "base/cleanup.h"

#define _cleanup_json_ _cleanup_(json_decrefp)

/* Reads the next complete value of m. Negative errno. */
int wire_read(sd_bus_message *m, json_t **ret);

/*
 * Appends an object as a{sv}: numbers as x or d, booleans b, strings s, arrays of strings as, of
 * objects aa{sv}, other arrays av, objects a{sv}, null is left out.
 */
int wire_append(sd_bus_message *m, const json_t *object);
/* Appends an object of integers as a{sx}, of strings as a{ss}. */
int wire_append_integers(sd_bus_message *m, const json_t *object);
int wire_append_strings(sd_bus_message *m, const json_t *object);

/* Members by dotted path, with a default for what is absent or of another type. */
const json_t *member_at(const json_t *object, const char *path);
const char *member_text(const json_t *object, const char *path); /* "" */
int64_t member_number(const json_t *object, const char *path, int64_t otherwise);
double member_value(const json_t *object, const char *path); /* NaN; integers too */
bool member_flag(const json_t *object, const char *path); /* false */

#endif
