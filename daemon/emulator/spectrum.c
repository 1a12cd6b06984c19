// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * A measured spectrum as the device: transmission is linear in power between the file's own points
 * and zero outside its span; nothing is extrapolated. An empty field is a power that was not
 * positive: zero.
 *
 * The kinks at the points forbid smooth quadrature, so means over an aperture are integrated piece
 * by piece, exactly: the mean through a one-pole response is mean(D) - tau / A (y(end) - y(start)),
 * y being the response's output.
 */
#include "emulator/spectrum.h"

#include <errno.h>
#include <math.h>

#include "base/util.h"
#include "data/table.h"
#include "emulator/aperture.h"
#include "export/axis_check.h"
#include "export/file_read.h"
#include "export/linear.h"

#define TAIL_TAUS 36.0
#define END_M 1e-18
#define INPUT_W 1e-3 /* a file in units of power tells what 0 dBm became */

struct spectrum {
	struct device device;
	size_t rows;
	double *wavelength_m; /* rising */
	double *power; /* port_count for each row */
	char names[DEVICE_PORTS_MAX][TABLE_NAME_MAX];
	const char *ports[DEVICE_PORTS_MAX + 1];
	size_t chosen; /* port */
};

static const struct spectrum *to_spectrum(const struct device *device)
{
	return (const struct spectrum *)device;
}

const char *const *spectrum_ports(const struct device *device)
{
	return to_spectrum(device)->ports;
}

/* ---- lookup ---- */

/*
 * Index i with wavelength[i] <= wavelength < wavelength[i + 1], within the table. Guessed, then
 * searched.
 */
static size_t segment_of(const struct spectrum *s, double wavelength_m)
{
	const double *axis = s->wavelength_m;
	double place =
		(wavelength_m - axis[0]) / (axis[s->rows - 1] - axis[0]) * (double)(s->rows - 1);
	size_t low = 0, high = s->rows - 1, guess;

	if (!(place > 0))
		return 0;
	guess = place < (double)(s->rows - 2) ? (size_t)place : s->rows - 2;
	if (axis[guess] <= wavelength_m)
		low = guess;
	else
		high = guess;
	if (low == guess && guess + 1 < high && wavelength_m < axis[guess + 1])
		return guess;
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (axis[middle] <= wavelength_m)
			low = middle;
		else
			high = middle;
	}
	return low;
}

static const double *row(const struct spectrum *s, size_t index)
{
	return &s->power[index * s->device.port_count];
}

static void spectrum_prepare(const struct device *device, const struct chip *chip,
			     struct device_phase *ret)
{
	(void)device;
	(void)chip;
	*ret = (struct device_phase){0};
}

static void spectrum_transmission(const struct device *device, const struct device_phase *phase,
				  double wavelength_m, double *ret)
{
	const struct spectrum *s = to_spectrum(device);
	size_t i = segment_of(s, wavelength_m);
	double share =
		(wavelength_m - s->wavelength_m[i]) / (s->wavelength_m[i + 1] - s->wavelength_m[i]);
	/* The ends of a span come here by other roundings than they came from the file */
	bool inside =
		wavelength_m >= device->start_m - END_M && wavelength_m <= device->stop_m + END_M;

	(void)phase;
	for (size_t k = 0; k < device->port_count; k++)
		ret[k] = inside ? row(s, i)[k] + share * (row(s, i + 1)[k] - row(s, i)[k]) : 0;
}

/* ---- exact means ---- */

/* A straight piece of one port: power at its lower end, slope per m. */
struct piece {
	double from_m;
	double to_m;
	double power;
	double slope;
};

struct integral {
	double mean_m; /* moments count from here */
	double end_m; /* exponential: where the response stands now ... */
	double decay_m; /* ... and how far it remembers, signed as the ramp */
	double sum[DEVICE_PORTS_MAX];
	double moment[DEVICE_PORTS_MAX];
};

static void add_rectangle(struct integral *in, size_t port, const struct piece *p)
{
	double h = p->to_m - p->from_m, x = p->from_m - in->mean_m;
	double last = p->power + p->slope * h, middle = p->power + p->slope * h / 2;

	in->sum[port] += h * middle;
	in->moment[port] += h / 6 * (x * p->power + 4 * (x + h / 2) * middle + (x + h) * last);
}

/* Integral of exp(-x0 - z) (a + b z + c z^2) over z from 0 to width; near = exp(-x0). */
static double decaying(double near, double far, double width, double a, double b, double c)
{
	double start = a + b + 2 * c;

	return near * start - far * (start + (b + 2 * c) * width + c * width * width);
}

static void add_exponential(struct integral *in, size_t port, const struct piece *p)
{
	bool rising = in->decay_m > 0;
	double near_m = rising ? p->to_m : p->from_m, far_m = rising ? p->from_m : p->to_m;
	double near = exp((near_m - in->end_m) / in->decay_m);
	double far = exp((far_m - in->end_m) / in->decay_m);
	double width = (near_m - far_m) / in->decay_m;
	double a = p->power + p->slope * (near_m - p->from_m), b = -p->slope * in->decay_m;
	double x = near_m - in->mean_m;

	in->sum[port] += decaying(near, far, width, a, b, 0);
	in->moment[port] +=
		decaying(near, far, width, a * x, b * x - a * in->decay_m, -b * in->decay_m);
}

/* All pieces between two wavelengths, as far as the file goes. */
static void walk(const struct spectrum *s, double from_m, double to_m,
		 void (*add)(struct integral *in, size_t port, const struct piece *p),
		 struct integral *in)
{
	double low = fmax(fmin(from_m, to_m), s->device.start_m);
	double high = fmin(fmax(from_m, to_m), s->device.stop_m);

	for (size_t i = segment_of(s, low); i + 1 < s->rows && s->wavelength_m[i] < high; i++) {
		double start = s->wavelength_m[i], stop = s->wavelength_m[i + 1];
		struct piece p = {.from_m = fmax(low, start), .to_m = fmin(high, stop)};

		for (size_t k = 0; p.to_m > p.from_m && k < s->device.port_count; k++) {
			p.slope = (row(s, i + 1)[k] - row(s, i)[k]) / (stop - start);
			p.power = row(s, i)[k] + p.slope * (p.from_m - start);
			add(in, k, &p);
		}
	}
}

static void spectrum_mean(const struct device *device, const struct aperture *a,
			  double wavelength_m, double slope, double *ret_mean, double *ret_moment)
{
	const struct spectrum *s = to_spectrum(device);
	double tau_m = slope * a->tau_s, half_m = slope * a->aperture_s / 2;
	double start_m = wavelength_m - half_m, end_m = wavelength_m + half_m;
	struct integral inside = {.mean_m = wavelength_m - tau_m}, before = inside, after;
	double ratio = a->tau_s / a->aperture_s, way_m = fabs(end_m - start_m);

	if (slope == 0) {
		spectrum_transmission(device, NULL, wavelength_m, ret_mean);
		memset(ret_moment, 0, device->port_count * sizeof(double));
		return;
	}
	before.decay_m = tau_m;
	after = before;
	before.end_m = start_m;
	after.end_m = end_m;
	walk(s, start_m, end_m, add_rectangle, &inside);
	if (a->tau_s > 0) {
		walk(s, start_m - TAIL_TAUS * tau_m, start_m, add_exponential, &before);
		walk(s, end_m - TAIL_TAUS * tau_m, end_m, add_exponential, &after);
	}
	for (size_t k = 0; k < device->port_count; k++) {
		ret_mean[k] = inside.sum[k] / way_m - ratio * (after.sum[k] - before.sum[k]);
		ret_moment[k] =
			inside.moment[k] / way_m - ratio * (after.moment[k] - before.moment[k]);
	}
}

/* ---- reading ---- */

static int spectrum_truth(const struct device *device, double start_m, double stop_m,
			  double temperature_k, json_t *truth)
{
	const struct spectrum *s = to_spectrum(device);
	json_t *channels = json_array();

	(void)start_m;
	(void)stop_m;
	(void)temperature_k;
	for (size_t k = 0; s->ports[k]; k++)
		json_array_append_new(channels, json_string(s->ports[k]));
	json_object_set_new(truth, "channel", json_string(s->ports[s->chosen]));
	json_object_set_new(truth, "channels", channels);
	json_object_set_new(truth, "start_nm", json_real(device->start_m * 1e9));
	json_object_set_new(truth, "stop_nm", json_real(device->stop_m * 1e9));
	return json_object_set_new(truth, "points", json_integer((json_int_t)s->rows)) < 0 ? -ENOMEM
											   : 0;
}

static void spectrum_free(struct device *device)
{
	struct spectrum *s = (struct spectrum *)device;

	free(s->wavelength_m);
	free(s->power);
	free(s);
}

static const struct device_ops spectrum_ops = {
	.prepare = spectrum_prepare,
	.transmission = spectrum_transmission,
	.mean = spectrum_mean,
	.truth = spectrum_truth,
	.free = spectrum_free,
};

/* SI value of a wavelength column's unit, 0 when it is none. */
static double wavelength_unit(const struct table_column *column)
{
	static const struct {
		const char *unit;
		double scale;
	} units[] = {{"nm", 1e-9}, {"um", 1e-6}, {"pm", 1e-12}, {"m", 1}};

	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		if (streq(column->unit, units[i].unit))
			return units[i].scale;
	return 0;
}

static bool is_transmission(const struct table_column *column)
{
	static const char *const units[] = {"dB", "dBm", "W", "mW", "uW", "nW", "pW"};

	for (size_t i = 0; column->type == COLUMN_F64 && i < ARRAY_SIZE(units); i++)
		if (streq(column->unit, units[i]))
			return true;
	return false;
}

/* The columns that become ports, at most DEVICE_PORTS_MAX; more are left out. */
static size_t find_ports(const struct table *table, size_t *ret_columns)
{
	size_t count = 0;

	for (size_t i = 0; i < table->column_count && count < DEVICE_PORTS_MAX; i++)
		if (is_transmission(&table->columns[i]))
			ret_columns[count++] = i;
	return count;
}

static int find_channel(const struct spectrum *s, const char *path, const char *channel,
			size_t *ret, char **ret_message)
{
	char names[DEVICE_PORTS_MAX * (TABLE_NAME_MAX + 2)] = "";
	size_t used = 0;

	for (size_t i = 0; s->ports[i]; i++) {
		if (!channel || streq(s->ports[i], channel)) {
			*ret = i;
			return 0;
		}
		used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s", i ? ", " : "",
					 s->ports[i]);
	}
	return fail(ret_message, -EINVAL, "%s has no channel '%s' in dB, dBm or W; it has: %s",
		    path, channel, names);
}

struct sortable {
	double wavelength_m;
	size_t row; /* of the file */
	size_t place; /* in the spectrum */
};

static int by_wavelength(const void *a, const void *b)
{
	const struct sortable *x = a, *y = b;

	if (x->wavelength_m != y->wavelength_m)
		return x->wavelength_m < y->wavelength_m ? -1 : 1;
	return x->row < y->row ? -1 : x->row > y->row;
}

/* Rows in rising wavelength; rows of one wavelength share a place. */
static void merge_rows(struct spectrum *s, struct sortable *order, size_t count)
{
	qsort(order, count, sizeof(*order), by_wavelength);
	for (size_t i = 0; i < count; i++) {
		if (s->rows == 0 || order[i].wavelength_m > s->wavelength_m[s->rows - 1])
			s->wavelength_m[s->rows++] = order[i].wavelength_m;
		order[i].place = s->rows - 1;
	}
}

/* The mean of the rows that share a place. A power that was not positive, or not written, is none. */
static void fill_port(struct spectrum *s, size_t port, const double *values, double unit,
		      const struct sortable *order, size_t count)
{
	size_t same = 0;

	for (size_t i = 0; i < count; i++) {
		double *mean = &s->power[order[i].place * s->device.port_count + port];
		double value = values[order[i].row];

		same = i > 0 && order[i].place == order[i - 1].place ? same + 1 : 1;
		*mean += ((value > 0 ? value / unit : 0) - *mean) / (double)same;
	}
}

static int load_port(struct spectrum *s, size_t port, const struct table *table,
		     const struct table_column *column, const struct sortable *order,
		     char **ret_message)
{
	_cleanup_free_ double *values = NULL;
	const char *unit;
	int r = table_column_linear_w(table, column, &values, &unit, ret_message);

	if (r < 0)
		return r;
	fill_port(s, port, values, *unit ? INPUT_W : 1, order, table->rows);
	memcpy(s->names[port], column->name, TABLE_NAME_MAX);
	s->ports[port] = s->names[port];
	return 0;
}

static int load_axis(struct spectrum *s, const struct table *table, const char *path,
		     struct sortable *order, char **ret_message)
{
	const struct table_column *axis = table_find(table, "wavelength");

	if (!axis || axis->type != COLUMN_F64 || !(wavelength_unit(axis) > 0))
		return fail(ret_message, -EINVAL, "%s has no column \"wavelength, nm\"", path);
	for (size_t i = 0; i < table->rows; i++) {
		order[i] = (struct sortable){axis->f64[i] * wavelength_unit(axis), i, 0};
		if (!(order[i].wavelength_m > 0) || !isfinite(order[i].wavelength_m))
			return fail(ret_message, -EINVAL,
				    "%s: the wavelength of data row %zu is not a positive number",
				    path, i + 1);
	}
	merge_rows(s, order, table->rows);
	if (s->rows < 2)
		return fail(ret_message, -EINVAL,
			    "%s holds %zu distinct wavelengths; a spectrum needs at least 2", path,
			    s->rows);
	return 0;
}

static int load(struct spectrum *s, const struct table *table, const char *path, char **ret_message)
{
	_cleanup_free_ struct sortable *order = calloc(table->rows + 1, sizeof(*order));
	size_t columns[DEVICE_PORTS_MAX];
	int r;

	s->wavelength_m = calloc(table->rows + 1, sizeof(double));
	if (!order || !s->wavelength_m)
		return -ENOMEM;
	r = load_axis(s, table, path, order, ret_message);
	if (r < 0)
		return r;
	s->device.port_count = find_ports(table, columns);
	if (!s->device.port_count)
		return fail(
			ret_message, -EINVAL,
			"%s has no column in dB, dBm or W; one is needed like \"channel_1, dBm\"",
			path);
	s->power = calloc(s->rows * s->device.port_count, sizeof(double));
	if (!s->power)
		return -ENOMEM;
	for (size_t k = 0; k < s->device.port_count && r == 0; k++)
		r = load_port(s, k, table, &table->columns[columns[k]], order, ret_message);
	return r;
}

int spectrum_new(const char *path, const char *channel, struct device **ret, size_t *ret_port,
		 char **ret_message)
{
	_cleanup_table_ struct table *table = NULL;
	_cleanup_(device_freep) struct device *device = NULL;
	struct spectrum *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	device = &s->device;
	device->ops = &spectrum_ops;
	r = table_read_file(path, &table, ret_message);
	if (r < 0)
		return r;
	/* What is sorted here is the random term of an axis in order: disorder must not come so far. */
	r = axis_check(table, path, NAN, ret_message);
	if (r < 0)
		return r;
	r = load(s, table, path, ret_message);
	if (r < 0)
		return r;
	r = find_channel(s, path, channel, ret_port, ret_message);
	if (r < 0)
		return r;
	s->chosen = *ret_port;
	device->feature_m = INFINITY;
	device->start_m = s->wavelength_m[0];
	device->stop_m = s->wavelength_m[s->rows - 1];
	*ret = take_ptr(device);
	return 0;
}
