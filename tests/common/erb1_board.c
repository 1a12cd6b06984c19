// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The reference board's description, parsed as a link would. See erb1_board.h.
 */
#include "erb1_board.h"

#include <jansson.h>

#include "emulator/erb1.h"
#include "emulator/erb1_parameters.h"

struct description *erb1_board(void)
{
	struct erb1_identity identity = {.serial = "ERB1-0001", .seed = 1};
	struct erb1_parameters parameters;
	struct description *d = NULL;
	json_t *none = json_object();
	char *message = NULL;
	void *raw = NULL;
	size_t size;

	if (erb1_parameters_take(none, false, &parameters, &message) < 0 ||
	    erb1_describe(&parameters, &identity, &raw, &size) < 0 ||
	    description_parse(raw, size, &d, &message) < 0) {
		fprintf(stderr, "reference board: %s\n", message ? message : "no description");
		abort();
	}
	free(raw);
	json_decref(none);
	return d;
}
