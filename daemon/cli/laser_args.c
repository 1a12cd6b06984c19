// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Wavelength and power of a laser as setpoints. See laser_args.h.
 */
#include "cli/laser_args.h"

#include "cli/channels.h"

static int add(struct cli *cli, const struct object *board, const char *unit,
	       enum quantity_kind kind, const char *text, json_t *setpoints)
{
	const json_t *source = emitting_source(board, unit);
	_cleanup_free_ char *message = NULL;
	int64_t value;

	if (!text)
		return 0;
	if (!source)
		return cli_fail(cli, EXIT_USAGE,
				"this board has no laser with %s to set; %s info lists its sources",
				quantity_kind_name(kind), PROGRAM);
	if (source_parse(source, text, &value, &message) < 0)
		return cli_fail(cli, EXIT_USAGE, "%s", message);
	if (json_object_set_new(setpoints, member_text(source, "name"), json_integer(value)) < 0)
		return cli_no_memory(cli);
	return 0;
}

int laser_setpoints(struct cli *cli, const struct object *board, const char *wavelength,
		    const char *power, json_t **ret)
{
	_cleanup_(json_decrefp) json_t *setpoints = json_object();
	int r;

	if (!setpoints)
		return cli_no_memory(cli);
	r = add(cli, board, "fm", QUANTITY_WAVELENGTH, wavelength, setpoints);
	if (r == 0)
		r = add(cli, board, "fW", QUANTITY_POWER, power, setpoints);
	if (r == 0)
		*ret = take_ptr(setpoints);
	return r;
}
