// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Method Read of org.etalon1.Board: live readings of detectors.
 */
#include "bus/board.h"

#include <math.h>

#include "base/util.h"
#include "bus/variant.h"

#define READ_DETECTORS_MAX ETALON_HW_DETECTORS_MAX

struct choice {
	unsigned int detectors[READ_DETECTORS_MAX];
	size_t count;
	struct range_choice ranges[READ_DETECTORS_MAX];
	size_t range_count;
	uint64_t aperture_ns;
};

static const char *si_unit(const struct facts *facts, unsigned int detector)
{
	switch (facts->description->detector[detector].kind) {
	case ETALON_HW_DETECTOR_VOLTAGE:
		return "V";
	case ETALON_HW_DETECTOR_TEMPERATURE:
		return "K";
	case ETALON_HW_DETECTOR_WAVELENGTH:
		return "m";
	default:
		return "A";
	}
}

static int append_reading(sd_bus_message *m, const struct facts *facts, const struct reading *r)
{
	const struct description *d = facts->description;
	const struct etalon_hw_range *range = description_range_of(d, r->detector, r->range);
	const char *alias = facts_alias(facts, r->detector);
	int e = sd_bus_message_open_container(m, 'a', "{sv}");

	if (e >= 0)
		e = sd_bus_message_append(
			m, "{sv}{sv}{sv}{sv}{sv}{sv}{sv}{sv}{sv}", "name", "s",
			d->detector[r->detector].name, "alias", "s", alias, "value", "d", r->value,
			"si_unit", "s", si_unit(facts, r->detector), "sigma", "d", r->sigma,
			"range", "s", range ? range->name : "", "saturated", "b", (int)r->saturated,
			"settling", "b", (int)r->settling, "raw", "x", (int64_t)r->raw_q8);
	if (e >= 0 && isfinite(r->power_w))
		e = sd_bus_message_append(m, "{sv}", "power_w", "d", r->power_w);
	if (e >= 0 && r->zero.run > 0)
		e = sd_bus_message_append(m, "{sv}{sv}{sv}{sv}", "dark_a", "d", r->zero.dark_a,
					  "dark_sigma_a", "d", r->zero.dark_sigma_a, "dark_run", "x",
					  r->zero.run, "dark_time_ns", "t", r->zero.taken_ns);
	return e < 0 ? e : sd_bus_message_close_container(m);
}

static void answer(int error, const char *message, const struct facts *facts,
		   const struct reading *readings, size_t count, void *userdata)
{
	sd_bus_message *reply;
	int r;

	if (error < 0) {
		pending_error(userdata, error, message, NULL);
		return;
	}
	reply = pending_reply(userdata);
	r = reply ? sd_bus_message_open_container(reply, 'a', "a{sv}") : -ENOMEM;
	for (size_t i = 0; i < count && r >= 0; i++)
		r = append_reading(reply, facts, &readings[i]);
	if (r >= 0)
		r = sd_bus_message_close_container(reply);
	pending_send(userdata, reply, r);
}

static int no_such_detector(const char *name, char **ret_message)
{
	return fail(ret_message, -ECHRNG,
		    "this board has no detector \"%s\"; its property Detectors names them", name);
}

static int read_names(sd_bus_message *m, const struct board *board, struct choice *c,
		      char **ret_message)
{
	int r = sd_bus_message_enter_container(m, 'a', "s");
	const char *name;

	while (r >= 0 && (r = sd_bus_message_read(m, "s", &name)) > 0) {
		int number = facts_detector(board->facts, name);

		if (number < 0)
			return no_such_detector(name, ret_message);
		if (c->count == READ_DETECTORS_MAX)
			return fail(ret_message, -EINVAL, "more than %u detectors",
				    READ_DETECTORS_MAX);
		c->detectors[c->count++] = (unsigned int)number;
	}
	if (r >= 0 && c->count == 0)
		for (; c->count < board->facts->description->head.detector_count; c->count++)
			c->detectors[c->count] = (unsigned int)c->count;
	return r < 0 ? r : sd_bus_message_exit_container(m);
}

static int read_ranges(const json_t *ranges, const struct board *board, struct choice *c,
		       char **ret_message)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)ranges, name, value) {
		int number = facts_detector(board->facts, name), range;

		if (number < 0)
			return no_such_detector(name, ret_message);
		if (!json_is_string(value) || c->range_count == READ_DETECTORS_MAX)
			return fail(ret_message, -EINVAL, "ranges must be a{ss}");
		range = description_range(board->facts->description, (unsigned int)number,
					  json_string_value(value));
		if (range < 0)
			return fail(ret_message, -ECHRNG,
				    "%s has no range \"%s\"; its entry in Detectors names them",
				    name, json_string_value(value));
		c->ranges[c->range_count++] =
			(struct range_choice){(unsigned int)number, (unsigned int)range};
	}
	return 0;
}

static int read_options(const json_t *options, const struct board *board, struct choice *c,
			char **ret_message)
{
	const char *key;
	json_t *value;
	int r = 0;

	json_object_foreach((json_t *)(uintptr_t)options, key, value) {
		if (streq(key, "aperture_ns") && json_is_integer(value) &&
		    json_integer_value(value) > 0)
			c->aperture_ns = (uint64_t)json_integer_value(value);
		else if (streq(key, "ranges") && json_is_object(value))
			r = read_ranges(value, board, c, ret_message);
		else
			r = fail(ret_message, -EINVAL,
				 "Read knows the options aperture_ns (t, at least 1000) and ranges "
				 "(a{ss}), not \"%s\" like this",
				 key);
		if (r < 0)
			return r;
	}
	return 0;
}

int board_method_read(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct board *board = userdata;
	struct choice c = {.count = 0};
	_cleanup_free_ char *message = NULL;
	json_t *options = NULL;
	struct pending *p = NULL;
	int r;

	r = read_names(m, board, &c, &message);
	if (r >= 0)
		r = variant_read_dict(m, &options, &message);
	if (r >= 0)
		r = read_options(options, board, &c, &message);
	json_decref(options);
	if (r >= 0)
		r = PENDING(bus_of(board->context), m, &p);
	if (r >= 0)
		r = board_take_readings(board, c.detectors, c.count, c.aperture_ns, c.ranges,
					c.range_count, answer, p, &message);
	if (r >= 0)
		return 1;
	if (p)
		pending_free(p);
	return bus_error_set(error, r, message, NULL);
}
