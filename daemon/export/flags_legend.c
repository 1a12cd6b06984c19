// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Names of the bits of flag words, as exported files explain them. Layer: export.
 */
#include <errno.h>

#include "base/util.h"
#include "data/frame.h"
#include "export/yaml_meta.h"

static const struct {
	const char *name;
	uint32_t mask;
} flags[] = {
	{"unsettled", FRAME_POINT_UNSETTLED},
	{"run_in", FRAME_POINT_RUN_IN},
	{"wavelength_invalid", FRAME_POINT_WAVELENGTH_INVALID},
	{"mode_hop", FRAME_POINT_MODE_HOP},
	{"gate_closed", FRAME_POINT_GATE_CLOSED},
	{"emission_off", FRAME_POINT_EMISSION_OFF},
	{"compliance", FRAME_POINT_COMPLIANCE},
	{"clamp", FRAME_POINT_CLAMP},
	{"trigger_missed", FRAME_POINT_TRIGGER_MISSED},
	{"comparator", FRAME_POINT_COMPARATOR},
	{"interlock", FRAME_POINT_INTERLOCK},
	{"reverse", FRAME_POINT_REVERSE},
	{"saturated", FRAME_CHANNEL_SATURATED},
	{"range_switched", FRAME_CHANNEL_RANGE_SWITCHED},
	{"settling", FRAME_CHANNEL_SETTLING},
	{"overload_recovery", FRAME_CHANNEL_OVERLOAD_RECOVERY},
	{"stale", FRAME_CHANNEL_STALE},
	{"invalid", FRAME_CHANNEL_INVALID},
	{"below_floor", FRAME_CHANNEL_BELOW_FLOOR},
};

static json_t *make_legend(void)
{
	json_t *legend = json_object();

	for (size_t i = 0; legend && i < ARRAY_SIZE(flags); i++)
		if (json_object_set_new(legend, flags[i].name, json_integer(flags[i].mask)) < 0) {
			json_decref(legend);
			return NULL;
		}
	return legend;
}

int yaml_meta_add_legend(json_t *description, const struct table *table)
{
	bool any = false;

	for (size_t i = 0; i < table->column_count; i++)
		any = any || table->columns[i].type == COLUMN_U32;
	if (!any || json_object_get(description, YAML_LEGEND_KEY))
		return 0;
	return json_object_set_new(description, YAML_LEGEND_KEY, make_legend()) < 0 ? -ENOMEM : 0;
}

void yaml_meta_drop_legend(json_t *meta)
{
	_cleanup_json_ json_t *legend = make_legend();

	if (legend && json_equal(legend, json_object_get(meta, YAML_LEGEND_KEY)))
		json_object_del(meta, YAML_LEGEND_KEY);
}
