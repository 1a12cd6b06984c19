/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * a{sv} to JSON and back: requests, metadata, analyses. Layer: bus.
 *
 * In: numbers of every width (an unsigned one above 2^63 is refused), doubles (NaN and infinities
 * are refused), booleans, strings, arrays and dictionaries with string keys, nested to a limit and no more
 * values than a limit. Out: integers are x, reals d, objects a{sv}, arrays the narrowest of as, ax, ad, ab,
 * aa{sv}, av; null has no place on the bus and is left out.
 */
#ifndef ETALON_BUS_VARIANT_H
#define ETALON_BUS_VARIANT_H

#include <jansson.h>
#include <systemd/sd-bus.h>

#define VARIANT_DEPTH_MAX 16
#define VARIANT_VALUES_MAX 65536

/* Reads one dictionary argument. -EINVAL with a message when it is malformed. */
int variant_read_dict(sd_bus_message *m, json_t **ret, char **ret_message);
/* Appends an object as one a{sv} argument; NULL is empty. */
int variant_append_dict(sd_bus_message *m, const json_t *object);
/* Appends an array of objects as one aa{sv} argument; NULL is empty. */
int variant_append_dicts(sd_bus_message *m, const json_t *array);
/* Appends one dictionary entry {sv} inside an open a{sv}. */
int variant_append_entry(sd_bus_message *m, const char *key, const json_t *value);

#endif
