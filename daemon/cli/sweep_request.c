// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The command line of a wavelength sweep as a request (daemon/measure/request.h). Limits are
 * the daemon's business; names and units are checked here, where the nearest can be told.
 */
#include "cli/sweep.h"

#include "base/quantity.h"
#include "cli/axis.h"
#include "cli/channels.h"
#include "cli/expect.h"

#define LISTS_MAX 64

const struct option_spec sweep_options[] = {
	{"step", 0, "STEP", "distance of points, for instance 1pm; must divide the span", false},
	{"points", 0, "N", "or their number, both ends included", false},
	{"centre", 0, "WAVELENGTH", "instead of A and B, with --span", false},
	{"center", 0, "WAVELENGTH", NULL, false},
	{"span", 0, "SPAN", "width of the sweep around --centre: 2nm", false},
	{"power", 'p', "POWER", "0dBm, 1mW; without it the site's default, which is printed",
	 false},
	{"speed", 0, "SPEED", "20nm/s: the laser runs; without it the laser's default speed",
	 false},
	{"dwell", 0, "TIME",
	 "120ms: the laser stops at each point instead, and first settles (info says how long)",
	 false},
	{"aperture", 0, "TIME", "how long each point is averaged; default 0.8 of the period",
	 false},
	{"detectors", 'd', "A,B", "channels or the site's names for them", true},
	{"range", 0, "[A=]RANGE", "100uA for all, or through=10uA,drop=100uA", true},
	{"average", 0, "N", "passes", false},
	{"both-ways", 0, NULL, "each pass forward and back", false},
	{"reference", 0, "RUN", "run number, latest or none", false},
	{"expect", 0, "LIMITS",
	 "for a verdict: fwhm=19pm..22pm, q_loaded=70000.., count=9; several", true},
	{"label", 0, "TEXT", "what you will look for tomorrow", false},
	{"device", 0, "TEXT", "which device is measured; kept with the run, as the next three",
	 false},
	{"wafer", 0, "TEXT", "on which wafer", false},
	{"die", 0, "TEXT", "on which die, for instance 3,4", false},
	{"note", 0, "TEXT", "anything else", false},
	{"save", 0, "FILE",
	 "afterwards; .csv .oedf .h5 .svg say the format; may be given several times", true},
	{"plot", 0, "FILE.svg", "the same for a picture", false},
	{"force", 'f', NULL, "overwrite files that exist", false},
	{"no-plot", 0, NULL, "no picture in the terminal", false},
	{"dry-run", 'n', NULL, "check, show every axis and the duration; no light", false},
	{"truth", 0, "FILE",
	 "what an emulated device truly is, shown beside the result (etalon-emulator --truth)",
	 false},
	{"take-over", 0, NULL, "end another holder's lease", false},
	{0},
};

static int put(struct cli *cli, json_t *request, const char *key, json_t *value)
{
	return json_object_set_new(request, key, value) < 0 ? cli_no_memory(cli) : 0;
}

int request_put_quantity(struct cli *cli, const struct options *o, const char *option,
			 enum quantity_kind kind, json_t *request, const char *key)
{
	const char *text = options_text(o, option);
	_cleanup_free_ char *message = NULL;
	int64_t value;

	if (!text)
		return 0;
	if (quantity_parse(text, kind, &value, &message) < 0)
		return cli_fail(cli, EXIT_USAGE, "--%s: %s", option, message);
	return put(cli, request, key, json_integer(value));
}

static int put_power(struct cli *cli, const struct object *board, const struct options *o,
		     json_t *request)
{
	const json_t *source = emitting_source(board, "fW");
	const char *text = options_text(o, "power");
	_cleanup_free_ char *message = NULL;
	int64_t value;

	if (!text)
		return 0;
	if (!source)
		return cli_fail(cli, EXIT_USAGE,
				"--power: this board has no laser with a power to set");
	if (source_parse(source, text, &value, &message) < 0)
		return cli_fail(cli, EXIT_USAGE, "--power: %s", message);
	return put(cli, request, "power_fw", json_integer(value));
}

/* ---- axis ---- */

static int64_t laser_resolution(const struct object *board)
{
	const json_t *laser = emitting_source(board, "fm");

	return member_number(laser, "resolution", 0);
}

static int put_axis(struct cli *cli, const struct object *board, const struct axis_wish *wish,
		    json_t *request)
{
	_cleanup_free_ char *message = NULL;
	struct axis axis;
	int r;

	if (axis_read(wish, laser_resolution(board), &axis, &message) < 0)
		return cli_fail(cli, EXIT_USAGE, "%s", message);
	if (axis.from_frequency)
		fprintf(cli_people(cli),
			"axis    %s to %s in vacuum; points are equidistant in wavelength, "
			"not in frequency\n",
			quantity_format(QUANTITY_WAVELENGTH, axis.start_fm).text,
			quantity_format(QUANTITY_WAVELENGTH, axis.stop_fm).text);
	r = put(cli, request, "start_fm", json_integer(axis.start_fm));
	if (r == 0)
		r = put(cli, request, "stop_fm", json_integer(axis.stop_fm));
	if (r == 0)
		r = put(cli, request, "points", json_integer((json_int_t)axis.points));
	return r;
}

static int read_wish(struct cli *cli, const struct options *o, const char *const *words,
		     size_t count, struct axis_wish *w)
{
	const char *centre = options_text(o, "centre");

	if (count > 2) {
		cli_fail(cli, EXIT_USAGE,
			 "'%s' is one word too many: a sweep has a start and a stop", words[2]);
		cli_try(cli, PROGRAM " help sweep");
		return EXIT_USAGE;
	}
	*w = (struct axis_wish){
		.from = count > 0 ? words[0] : NULL,
		.to = count > 1 ? words[1] : NULL,
		.centre = centre ? centre : options_text(o, "center"),
		.span = options_text(o, "span"),
		.step = options_text(o, "step"),
		.points = options_text(o, "points"),
	};
	return 0;
}

/* What `again` is not told it takes from the run that it repeats. */
static int override_axis(struct cli *cli, const struct object *board, struct axis_wish *w,
			 json_t *request)
{
	struct quantity_text from, to, points;

	if (!w->from && !w->centre && !w->span && !w->step && !w->points)
		return 0;
	from = quantity_typed(QUANTITY_WAVELENGTH, member_number(request, "start_fm", 0));
	to = quantity_typed(QUANTITY_WAVELENGTH, member_number(request, "stop_fm", 0));
	points = quantity_typed(QUANTITY_COUNT, member_number(request, "points", 0));
	if (!w->from && !w->centre && !w->span) {
		w->from = from.text;
		w->to = to.text;
	}
	if (!w->step && !w->points)
		w->points = points.text;
	return put_axis(cli, board, w, request);
}

/* ---- detectors and ranges ---- */

static int put_detectors(struct cli *cli, const struct object *board, const struct options *o,
			 json_t *request)
{
	const char *lists[LISTS_MAX], *list;
	json_t *names = NULL;
	size_t n = 0;
	int r;

	while (n < LISTS_MAX && (list = options_nth(o, "detectors", n)))
		lists[n++] = list;
	if (n == 0)
		return 0;
	r = read_detectors(cli, board, lists, n, &names);
	return r != 0 ? r : put(cli, request, "detectors", names);
}

static int put_range(struct cli *cli, const struct object *board, const char *detector_name,
		     const char *name, json_t *ranges)
{
	const json_t *detector = find_detector(board, detector_name), *range;

	if (!detector)
		return refuse_detector(cli, board, detector_name);
	range = find_range(detector, name);
	if (!range)
		return refuse_range(cli, detector, name);
	return put(cli, ranges, detector_name, json_string(member_text(range, "name")));
}

/* "100uA" for every detector of the request. */
static int put_range_of_all(struct cli *cli, const struct object *board, const char *name,
			    const json_t *request, json_t *ranges)
{
	const json_t *names = json_object_get(request, "detectors"), *detector;
	size_t i;
	int r = 0;

	if (!names) {
		cli_fail(cli, EXIT_USAGE, "--range %s: of which detectors?", name);
		cli_try(cli, "-d A,B --range %s, or --range A=%s", name, name);
		return EXIT_USAGE;
	}
	json_array_foreach(names, i, detector) {
		if (r == 0)
			r = put_range(cli, board, json_string_value(detector), name, ranges);
	}
	return r;
}

static int put_ranges(struct cli *cli, const struct object *board, const struct options *o,
		      json_t *request)
{
	_cleanup_(json_decrefp) json_t *ranges = json_object();
	const char *text;
	int r = 0;

	for (size_t i = 0; r == 0 && (text = options_nth(o, "range", i)); i++) {
		_cleanup_free_ char *copy = strdup(text);
		char *rest = copy, *item;

		if (!copy || !ranges)
			return cli_no_memory(cli);
		while (r == 0 && (item = strsep(&rest, ","))) {
			char *equals = strchr(item, '=');

			if (equals)
				*equals = '\0';
			r = equals ? put_range(cli, board, item, equals + 1, ranges)
				   : put_range_of_all(cli, board, item, request, ranges);
		}
	}
	if (r != 0 || json_object_size(ranges) == 0)
		return r;
	return put(cli, request, "ranges", take_ptr(ranges));
}

/* ---- the rest ---- */

static int put_timing(struct cli *cli, const struct options *o, json_t *request)
{
	int r;

	if (options_has(o, "speed") && options_has(o, "dwell"))
		return cli_fail(cli, EXIT_USAGE,
				"--speed lets the laser run, --dwell stops it at each point: "
				"give one of them");
	if (options_has(o, "speed"))
		json_object_del(request, "dwell_ns");
	if (options_has(o, "dwell"))
		json_object_del(request, "speed_fm_per_s");
	r = request_put_quantity(cli, o, "speed", QUANTITY_WAVELENGTH_SPEED, request,
				 "speed_fm_per_s");
	if (r == 0)
		r = request_put_quantity(cli, o, "dwell", QUANTITY_TIME, request, "dwell_ns");
	if (r == 0)
		r = request_put_quantity(cli, o, "aperture", QUANTITY_TIME, request, "aperture_ns");
	return r;
}

static int put_reference(struct cli *cli, const struct options *o, json_t *request)
{
	const char *text = options_text(o, "reference");
	_cleanup_free_ char *message = NULL;
	int64_t run;

	if (!text)
		return 0;
	if (streq(text, "none") || streq(text, "latest"))
		return put(cli, request, "reference", json_string(text));
	if (quantity_parse(text, QUANTITY_COUNT, &run, &message) < 0 || run <= 0) {
		cli_fail(cli, EXIT_USAGE, "--reference %s: a run number, latest or none", text);
		cli_try(cli, PROGRAM " reference list");
		return EXIT_USAGE;
	}
	return put(cli, request, "reference", json_integer(run));
}

static int put_texts(struct cli *cli, const struct options *o, json_t *request)
{
	static const char *const keys[] = {"label", "device", "wafer", "die", "note"};
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(keys); i++) {
		const char *text = options_text(o, keys[i]);
		json_t *value = text ? json_string(text) : NULL;

		if (text && !value)
			return cli_fail(cli, EXIT_USAGE, "--%s: not valid UTF-8", keys[i]);
		if (text)
			r = put(cli, request, keys[i], value);
	}
	return r;
}

static int put_expectations(struct cli *cli, const struct options *o, json_t *request)
{
	_cleanup_(json_decrefp) json_t *list = json_array();
	const char *text;

	for (size_t i = 0; (text = options_nth(o, "expect", i)); i++) {
		_cleanup_free_ char *message = NULL;
		json_t *item = NULL;

		if (expect_parse(text, &item, &message) < 0)
			return message ? cli_fail(cli, EXIT_USAGE, "--expect %s", message)
				       : cli_no_memory(cli);
		json_array_append_new(list, item);
	}
	if (json_array_size(list) == 0)
		return 0;
	return put(cli, request, "expectations", take_ptr(list));
}

static int put_common(struct cli *cli, const struct object *board, const struct options *o,
		      json_t *request)
{
	int r;

	r = put_detectors(cli, board, o, request);
	if (r == 0)
		r = put_ranges(cli, board, o, request);
	if (r == 0)
		r = put_power(cli, board, o, request);
	if (r == 0)
		r = put_timing(cli, o, request);
	if (r == 0)
		r = request_put_quantity(cli, o, "average", QUANTITY_COUNT, request, "average");
	if (r == 0 && options_has(o, "both-ways"))
		r = put(cli, request, "both_ways", json_true());
	if (r == 0)
		r = put_reference(cli, o, request);
	if (r == 0)
		r = put_expectations(cli, o, request);
	if (r == 0)
		r = put_texts(cli, o, request);
	return r;
}

int sweep_request(struct cli *cli, const struct object *board, const struct options *o,
		  const char *const *words, size_t word_count, json_t **ret)
{
	_cleanup_(json_decrefp) json_t *request = json_pack("{s:s}", "kind", "wavelength-sweep");
	struct axis_wish wish;
	int r;

	if (!request)
		return cli_no_memory(cli);
	r = read_wish(cli, o, words, word_count, &wish);
	if (r == 0)
		r = put_axis(cli, board, &wish, request);
	if (r == 0)
		r = put_common(cli, board, o, request);
	if (r == 0)
		*ret = take_ptr(request);
	return r;
}

int sweep_override(struct cli *cli, const struct object *board, const struct options *o,
		   const char *const *words, size_t word_count, json_t *request)
{
	struct axis_wish wish;
	int r;

	r = read_wish(cli, o, words, word_count, &wish);
	if (r == 0)
		r = override_axis(cli, board, &wish, request);
	return r != 0 ? r : put_common(cli, board, o, request);
}
