// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Temperatures and supply rails of the board, for `sensors` and its kin: detectors of temperature,
 * and slow detectors of voltage that belong to no source. Read at most once a second, whoever
 * asks.
 */
#include <linux/hwmon.h>
#include <linux/math64.h>
#include <linux/overflow.h>
#include <linux/slab.h>

#include "etalon.h"

#define ZERO_CELSIUS_UK 273150000LL
#define UK_PER_MILLIDEGREE 1000
#define NV_PER_MILLIVOLT 1000000
#define MEAN_Q8_STEP_Q16 (256 * 65536) /* mean_q8 x step_q16 for one unit */

/* Channels of one type of sensor. */
struct sensors {
	u32 count;
	u16 detector[ETALON_HW_DETECTORS_MAX];
	u32 config[ETALON_HW_DETECTORS_MAX + 1];
	struct hwmon_channel_info info;
};

struct etalon_hwmon {
	struct etalon_board *board;
	struct device *device;
	struct sensors temperatures;
	struct sensors rails;
	const struct hwmon_channel_info *info[3];
	struct hwmon_chip_info chip;
};

static int refresh(struct etalon_board *board)
{
	const u32 count = board->description.head->detector_count;
	int ret = etalon_board_present(board);

	if (ret || (board->live_valid && time_before(jiffies, board->live_read + HZ)))
		return ret;
	ret = etalon_board_result(board, board->ops->live(board, 0, count, board->live));
	board->live_valid = !ret;
	board->live_read = jiffies;
	return ret;
}

/* In the unit of the detector's kind. */
static int value_of(const struct etalon_board *board, u16 detector, s64 *ret)
{
	const struct etalon_hw_live *live = &board->live[detector];
	const struct etalon_hw_range *range;
	s64 product;

	if (live->range >= board->description.detector[detector].range_count ||
	    live->flags & ETALON_HW_SAMPLE_INVALID)
		return -ENODATA;
	range = etalon_description_range(&board->description, detector, live->range);
	if (check_mul_overflow((s64)live->mean_q8, (s64)range->step_q16, &product))
		return -ENODATA;
	*ret = div_s64(product, MEAN_Q8_STEP_Q16) + range->offset;
	return 0;
}

static int read_detector(struct etalon_board *board, u16 detector, s64 *ret)
{
	int r;

	mutex_lock(&board->lock);
	r = refresh(board);
	if (!r)
		r = value_of(board, detector, ret);
	mutex_unlock(&board->lock);
	return r;
}

static int hwmon_read(struct device *dev, enum hwmon_sensor_types type, u32 attr, int channel,
		      long *ret)
{
	struct etalon_hwmon *h = dev_get_drvdata(dev);
	const bool temperature = type == hwmon_temp;
	const struct sensors *s = temperature ? &h->temperatures : &h->rails;
	s64 value;
	int r = read_detector(h->board, s->detector[channel], &value);

	if (r)
		return r;
	*ret = temperature ? (long)div_s64(value - ZERO_CELSIUS_UK, UK_PER_MILLIDEGREE)
			   : (long)div_s64(value, NV_PER_MILLIVOLT);
	return 0;
}

static int hwmon_read_string(struct device *dev, enum hwmon_sensor_types type, u32 attr,
			     int channel, const char **ret)
{
	struct etalon_hwmon *h = dev_get_drvdata(dev);
	const struct sensors *s = type == hwmon_temp ? &h->temperatures : &h->rails;

	*ret = h->board->description.detector[s->detector[channel]].name;
	return 0;
}

static umode_t hwmon_is_visible(const void *data, enum hwmon_sensor_types type, u32 attr,
				int channel)
{
	return 0444;
}

static const struct hwmon_ops hwmon_ops = {
	.is_visible = hwmon_is_visible,
	.read = hwmon_read,
	.read_string = hwmon_read_string,
};

static void add(struct sensors *s, u32 detector, u32 config)
{
	s->detector[s->count] = (u16)detector;
	s->config[s->count++] = config;
}

static void find_sensors(struct etalon_hwmon *h)
{
	const struct etalon_description_view *d = &h->board->description;
	u32 n;

	for (n = 0; n < d->head->detector_count; n++) {
		const struct etalon_hw_detector *t = &d->detector[n];

		if (t->kind == ETALON_HW_DETECTOR_TEMPERATURE)
			add(&h->temperatures, n, HWMON_T_INPUT | HWMON_T_LABEL);
		if (t->kind == ETALON_HW_DETECTOR_VOLTAGE && t->source == ETALON_HW_NO_CHANNEL &&
		    t->flags & ETALON_HW_DETECTOR_SLOW)
			add(&h->rails, n, HWMON_I_INPUT | HWMON_I_LABEL);
	}
}

static void describe(struct etalon_hwmon *h, struct sensors *s, enum hwmon_sensor_types type,
		     unsigned int *at)
{
	if (!s->count)
		return;
	s->info.type = type;
	s->info.config = s->config;
	h->info[(*at)++] = &s->info;
}

/* A board without it is as good: says so and goes on. */
void etalon_hwmon_register(struct etalon_board *board)
{
	struct etalon_hwmon *h = kzalloc(sizeof(*h), GFP_KERNEL);
	unsigned int types = 0;

	if (!h)
		return;
	h->board = board;
	find_sensors(h);
	describe(h, &h->temperatures, hwmon_temp, &types);
	describe(h, &h->rails, hwmon_in, &types);
	h->chip.ops = &hwmon_ops;
	h->chip.info = h->info;
	if (types)
		h->device =
			hwmon_device_register_with_info(&board->dev, "etalon", h, &h->chip, NULL);
	if (!types || IS_ERR(h->device)) {
		if (types)
			dev_warn(&board->dev, "no temperatures in hwmon: %pe\n", h->device);
		kfree(h);
		return;
	}
	board->hwmon = h;
}

void etalon_hwmon_unregister(struct etalon_board *board)
{
	struct etalon_hwmon *h = board->hwmon;

	if (!h)
		return;
	board->hwmon = NULL;
	hwmon_device_unregister(h->device); /* waits for those who read */
	kfree(h);
}
