// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Asking the daemon for runs and jobs. See runs.h.
 */
#include "runs.h"

#include <check.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/util.h"
#include "bus/variant.h"
#include "data/frame.h"

#define SERVICE "org.etalon1"

static char *run_path(int64_t run)
{
	return asprintf_or_null("/org/etalon1/run/%lld", (long long)run);
}

/* Steps a dictionary a{sv} to `key`: > 0 with the message inside the variant, of type `contents`. */
static int enter_value(sd_bus_message *m, const char *key, const char *contents)
{
	const char *is = NULL;
	int r = sd_bus_message_enter_container(m, 'a', "{sv}");

	while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
		r = sd_bus_message_read(m, "s", &is);
		if (r > 0 && streq(is, key))
			return sd_bus_message_enter_container(m, 'v', contents);
		if (r >= 0)
			r = sd_bus_message_skip(m, "v");
		if (r >= 0)
			r = sd_bus_message_exit_container(m);
	}
	return r;
}

int64_t runs_newest(sd_bus *bus)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	sd_bus_message *reply = NULL;
	int64_t run = 0;
	int r = sd_bus_call_method(bus, SERVICE, "/org/etalon1", "org.etalon1.Manager", "ListRuns",
				   &error, &reply, "a{sv}", 1, "limit", "u", 1);

	ck_assert_msg(r >= 0, "ListRuns: %s", error.message);
	ck_assert_int_ge(sd_bus_message_enter_container(reply, 'a', "a{sv}"), 0);
	if (enter_value(reply, "run", "x") > 0)
		ck_assert_int_gt(sd_bus_message_read(reply, "x", &run), 0);
	sd_bus_message_unref(reply);
	sd_bus_error_free(&error);
	return run;
}

static char *run_text(sd_bus *bus, int64_t run, const char *property)
{
	_cleanup_free_ char *path = run_path(run);
	sd_bus_error error = SD_BUS_ERROR_NULL;
	char *text = NULL;

	ck_assert_msg(sd_bus_get_property_string(bus, SERVICE, path, "org.etalon1.Run", property,
						 &error, &text) >= 0,
		      "%s of run %lld: %s", property, (long long)run, error.message);
	sd_bus_error_free(&error);
	return text;
}

char *run_status(sd_bus *bus, int64_t run)
{
	return run_text(bus, run, "Status");
}

char *run_verdict(sd_bus *bus, int64_t run)
{
	return run_text(bus, run, "Verdict");
}

static json_t *run_dict(sd_bus *bus, int64_t run, const char *property)
{
	_cleanup_free_ char *path = run_path(run), *message = NULL;
	sd_bus_error error = SD_BUS_ERROR_NULL;
	sd_bus_message *reply = NULL;
	json_t *dict = NULL;

	ck_assert_msg(sd_bus_get_property(bus, SERVICE, path, "org.etalon1.Run", property, &error,
					  &reply, "a{sv}") >= 0,
		      "%s of %lld: %s", property, (long long)run, error.message);
	ck_assert_msg(variant_read_dict(reply, &dict, &message) >= 0, "%s of %lld: %s", property,
		      (long long)run, message ? message : "cannot be read");
	sd_bus_message_unref(reply);
	sd_bus_error_free(&error);
	return dict;
}

json_t *run_whole_ledger(sd_bus *bus, int64_t run)
{
	return run_dict(bus, run, "Ledger");
}

json_t *run_metadata(sd_bus *bus, int64_t run)
{
	return run_dict(bus, run, "Metadata");
}

uint64_t run_ledger(sd_bus *bus, int64_t run, const char *key)
{
	json_t *ledger = run_whole_ledger(bus, run);
	const json_t *number = json_object_get(ledger, key);
	int64_t value = json_integer_value(number);

	ck_assert_msg(json_is_integer(number) && value >= 0, "run %lld: the ledger has no %s",
		      (long long)run, key);
	json_decref(ledger);
	return (uint64_t)value;
}

int run_get_data(sd_bus *bus, int64_t run, uint64_t first, uint64_t count, uint64_t *ret_next,
		 char **ret_error)
{
	_cleanup_free_ char *path = run_path(run);
	sd_bus_error error = SD_BUS_ERROR_NULL;
	sd_bus_message *reply = NULL;
	int fd = -1, r;

	r = sd_bus_call_method(bus, SERVICE, path, "org.etalon1.Run", "GetData", &error, &reply,
			       "ttta{sv}", first, count, (uint64_t)1, 0);
	if (r < 0) {
		if (ret_error)
			*ret_error = asprintf_or_null("%s: %s", error.name, error.message);
		sd_bus_error_free(&error);
		return r;
	}
	ck_assert_int_gt(sd_bus_message_read(reply, "h", &fd), 0);
	fd = dup(fd);
	if (ret_next) {
		*ret_next = UINT64_MAX;
		if (enter_value(reply, "next", "t") > 0)
			sd_bus_message_read(reply, "t", ret_next);
	}
	sd_bus_message_unref(reply);
	return fd;
}

uint64_t run_data(sd_bus *bus, int64_t run, uint32_t *ret_crc)
{
	uint64_t next = 0, rows = 0;
	uint32_t crc = 0;

	do {
		_cleanup_free_ char *error = NULL;
		_cleanup_close_ int fd = run_get_data(bus, run, next, 0, &next, &error);
		_cleanup_table_ struct table *table = NULL;

		if (fd < 0 && error && strstr(error, "NoData"))
			break;
		ck_assert_msg(fd >= 0, "GetData of %lld: %s", (long long)run, error);
		ck_assert_int_eq(frame_to_table(fd, &table, &error), 0);
		rows += table->rows;
		for (size_t c = 0; c < table->column_count; c++)
			crc = crc32c(crc, table->columns[c].f64,
				     table->rows *
					     (table->columns[c].type == COLUMN_F64 ? 8u : 4u));
	} while (next != UINT64_MAX);
	if (ret_crc)
		*ret_crc = crc;
	return rows;
}

static struct table *table_of(int fd)
{
	_cleanup_free_ char *error = NULL;
	struct table *table = NULL;

	ck_assert_msg(frame_to_table(fd, &table, &error) == 0, "frame: %s", error);
	return table;
}

struct table *run_table(sd_bus *bus, int64_t run)
{
	_cleanup_free_ char *error = NULL;
	uint64_t next = 0;
	_cleanup_close_ int fd = run_get_data(bus, run, 0, 0, &next, &error);

	ck_assert_msg(fd >= 0, "GetData of %lld: %s", (long long)run, error);
	ck_assert_uint_eq(next, UINT64_MAX);
	return table_of(fd);
}

static int append_strings(sd_bus_message *m, const char *key, const char *const *strings)
{
	int r = sd_bus_message_open_container(m, 'e', "sv");

	if (r >= 0)
		r = sd_bus_message_append(m, "s", key);
	if (r >= 0)
		r = sd_bus_message_open_container(m, 'v', "as");
	if (r >= 0)
		r = sd_bus_message_append_strv(m, (char **)(uintptr_t)strings);
	if (r >= 0)
		r = sd_bus_message_close_container(m);
	return r < 0 ? r : sd_bus_message_close_container(m);
}

static sd_bus_message *new_call(sd_bus *bus, const char *board, const char *method)
{
	sd_bus_message *call = NULL;

	ck_assert_int_ge(sd_bus_message_new_method_call(bus, &call, SERVICE, board,
							"org.etalon1.Board", method),
			 0);
	return call;
}

static sd_bus_message *new_measure(sd_bus *bus, const char *board)
{
	sd_bus_message *call = new_call(bus, board, "Measure");

	ck_assert_int_ge(sd_bus_message_open_container(call, 'a', "{sv}"), 0);
	return call;
}

static char *call_measure(sd_bus *bus, sd_bus_message *call)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	sd_bus_message *reply = NULL;
	const char *path = NULL;
	char *job = NULL;

	if (sd_bus_call(bus, call, 0, &error, &reply) >= 0 &&
	    sd_bus_message_read(reply, "o", &path) > 0)
		job = strdup(path);
	else
		fprintf(stderr, "Measure: %s\n", error.message);
	sd_bus_message_unref(call);
	sd_bus_message_unref(reply);
	sd_bus_error_free(&error);
	return job;
}

char *measure_wavelength(sd_bus *bus, const char *board, int64_t start_fm, int64_t stop_fm,
			 uint64_t points, int64_t speed_fm_per_s, const char *const *detectors)
{
	sd_bus_message *call = new_measure(bus, board);

	ck_assert_int_ge(append_strings(call, "detectors", detectors), 0);
	ck_assert_int_ge(sd_bus_message_append(call, "{sv}{sv}{sv}{sv}{sv}{sv}", "kind", "s",
					       "wavelength-sweep", "start_fm", "x", start_fm,
					       "stop_fm", "x", stop_fm, "points", "t", points,
					       "speed_fm_per_s", "x", speed_fm_per_s, "power_fw",
					       "x", (int64_t)1000000000000),
			 0);
	ck_assert_int_ge(sd_bus_message_close_container(call), 0);
	return call_measure(bus, call);
}

char *measure_dark(sd_bus *bus, const char *board, uint64_t points, uint64_t period_ns,
		   uint64_t aperture_ns, const char *const *detectors)
{
	sd_bus_message *call = new_measure(bus, board);

	ck_assert_int_ge(append_strings(call, "detectors", detectors), 0);
	ck_assert_int_ge(sd_bus_message_append(call, "{sv}{sv}{sv}{sv}", "kind", "s", "dark",
					       "points", "t", points, "period_ns", "t", period_ns,
					       "aperture_ns", "t", aperture_ns),
			 0);
	ck_assert_int_ge(sd_bus_message_close_container(call), 0);
	return call_measure(bus, call);
}

static void append_request(sd_bus_message *call, const char *text)
{
	_cleanup_free_ char *copy = strdup(text);
	json_error_t error;
	json_t *request;

	ck_assert_ptr_nonnull(copy);
	for (char *p = copy; *p; p++)
		if (*p == '\'')
			*p = '"';
	request = json_loads(copy, 0, &error);
	ck_assert_msg(request, "%s in %s", error.text, text);
	ck_assert_int_ge(variant_append_dict(call, request), 0);
	json_decref(request);
}

char *measure_request(sd_bus *bus, const char *board, const char *request)
{
	sd_bus_message *call = new_call(bus, board, "Measure");

	append_request(call, request);
	return call_measure(bus, call);
}

struct table *plan_setpoints(sd_bus *bus, const char *board, const char *request)
{
	sd_bus_message *call = new_call(bus, board, "PlanSetpoints"), *reply = NULL;
	sd_bus_error error = SD_BUS_ERROR_NULL;
	struct table *table;
	int fd = -1;

	append_request(call, request);
	ck_assert_msg(sd_bus_call(bus, call, 0, &error, &reply) >= 0, "PlanSetpoints: %s",
		      error.message);
	ck_assert_int_gt(sd_bus_message_read(reply, "h", &fd), 0);
	table = table_of(fd);
	sd_bus_message_unref(call);
	sd_bus_message_unref(reply);
	return table;
}

char *job_wait(sd_bus *bus, const char *job, int64_t *ret_run, int timeout_ms)
{
	uint64_t until = now_ns() + (uint64_t)timeout_ms * NSEC_PER_MSEC;

	while (now_ns() < until) {
		_cleanup_free_ char *state = NULL;
		char *result = NULL;

		if (sd_bus_get_property_string(bus, SERVICE, job, "org.etalon1.Job", "State", NULL,
					       &state) < 0)
			return NULL;
		if (streq(state, "done")) {
			if (ret_run)
				sd_bus_get_property_trivial(bus, SERVICE, job, "org.etalon1.Job",
							    "RunId", NULL, 'x', ret_run);
			sd_bus_get_property_string(bus, SERVICE, job, "org.etalon1.Job", "Result",
						   NULL, &result);
			return result;
		}
		poll(NULL, 0, 5);
	}
	return NULL;
}
