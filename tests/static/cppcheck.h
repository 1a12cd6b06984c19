/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * jansson's loops as cppcheck can read them; it is not given the system's headers.
 */
#define ETALON_VERSION "0" /* what the Makefile says */

#define json_array_foreach(array, index, value)                                                    \
	for (index = 0; (value = json_array_get(array, index)); index++)
#define json_object_foreach(object, key, value)                                                    \
	for (key = first_key(object); (value = next_value(object, key));)
#define json_object_foreach_safe(object, n, key, value) json_object_foreach(object, key, value)
