// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The description window of the reference board ERB-1: header, then the tables.
 */
#include "emulator/erb1.h"

#include <math.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "emulator/erb1_tables.h"

#define CALIBRATED_ON 1735689600 /* 2025-01-01 */

static uint32_t ns(double s)
{
	return (uint32_t)llround(s * 1e9);
}

static void head_numbers(struct etalon_hw_description *h, const struct erb1_parameters *p)
{
	h->capabilities = ETALON_HW_CAP_RAMP | ETALON_HW_CAP_WAIT | ETALON_HW_CAP_LISTS |
			  ETALON_HW_CAP_TRIGGERS | ETALON_HW_CAP_COMPARATORS | ETALON_HW_CAP_GATE |
			  ETALON_HW_CAP_HARDWARE_DEADMAN | ETALON_HW_CAP_EMULATED;
	if (p->reset_input >= 0.5)
		h->capabilities |= ETALON_HW_CAP_RESET_INPUT;
	h->tick_ps = (uint32_t)llround(p->tick_s * 1e12);
	h->fifo_records = (uint32_t)p->fifo_records;
	h->list_points_max = (uint32_t)p->list_points_max;
	h->aux_lines = 8;
	h->period_min_ns = ns(p->period_min_s);
	h->aperture_min_ns = ns(p->aperture_min_s);
	h->watchdog_min_ns = ns(p->watchdog_min_s);
	h->watchdog_max_ns = ns(p->watchdog_max_s);
	h->emission_delay_ns = (uint64_t)llround(p->emission_delay_s * 1e9);
	h->off_gate_ns = 1 * NSEC_PER_MSEC;
	h->off_port_ns = 2 * NSEC_PER_MSEC;
	h->off_current_ns = 10 * NSEC_PER_MSEC;
	h->conversion_ns = ns(p->conversion_s);
	h->calibration_generation = 1;
	h->calibration_time = CALIBRATED_ON;
	h->calibration_temperature_uk = 298150000;
	h->trigger_inputs = (uint32_t)p->trigger_inputs;
	h->trigger_outputs = (uint32_t)p->trigger_outputs;
	h->comparators = ETALON_HW_COMPARATORS_MAX;
}

static uint32_t append(uint8_t *blob, uint32_t *used, const void *table, size_t size)
{
	const uint32_t offset = *used;

	memcpy(blob + offset, table, size);
	*used += (uint32_t)size;
	return offset;
}

static void serialise(uint8_t *blob, struct etalon_hw_description *h, const struct erb1_tables *t)
{
	uint32_t used = sizeof(*h);

	h->source_count = t->source_count;
	h->source_offset = append(blob, &used, t->source, t->source_count * sizeof(t->source[0]));
	h->detector_count = t->detector_count;
	h->detector_offset =
		append(blob, &used, t->detector, t->detector_count * sizeof(t->detector[0]));
	h->range_count = t->range_count;
	h->range_offset = append(blob, &used, t->range, t->range_count * sizeof(t->range[0]));
	h->calibration_count = t->calibration_count;
	h->calibration_offset = append(blob, &used, t->calibration,
				       t->calibration_count * sizeof(t->calibration[0]));
	h->size = used;
	memcpy(blob, h, sizeof(*h));
	h->crc = crc32c(0, blob, used);
	memcpy(blob, h, sizeof(*h));
}

_Static_assert(sizeof(struct etalon_hw_description) + sizeof(struct erb1_tables) <
		       ETALON_REG_SPACE - ETALON_REG_DESCRIPTION,
	       "the description fits its window");

int erb1_describe(const struct erb1_parameters *parameters, const struct erb1_identity *identity,
		  void **ret, size_t *ret_size)
{
	_cleanup_free_ struct erb1_tables *t = calloc(1, sizeof(*t));
	struct etalon_hw_description h = {
		.magic = ETALON_HW_MAGIC,
		.version = ETALON_HW_VERSION,
		.model = "ERB-1",
		.firmware = "emulator " ETALON_VERSION,
		.laser_class = "1M",
	};
	uint8_t *blob = calloc(1, sizeof(h) + sizeof(*t));

	if (!t || !blob) {
		free(blob);
		return -ENOMEM;
	}
	snprintf(h.serial, sizeof(h.serial), "%s", identity->serial);
	t->seed = identity->seed;
	erb1_sources(t, parameters);
	erb1_detectors(t, parameters);
	head_numbers(&h, parameters);
	serialise(blob, &h, t);
	*ret = blob;
	*ret_size = h.size;
	return 0;
}
