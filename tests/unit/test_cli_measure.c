// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Measuring with etalonctl, against a stand-in for the daemon: the request that goes out, the
 * account that comes back, the exit code of every kind of end, files that are checked before any
 * light.
 */
#include "cli_bench.h"

#include <check.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/util.h"
#include "cli/bus.h"
#include "data/frame.h"
#include "run_suite.h"

#define SWEEP "sweep wavelength 1540nm 1560nm --step 5nm -d through,drop"

struct script {
	int lease;
	const char *end; /* "complete", "ctrl-c", "refused" */
	json_t *request; /* as it came */
	unsigned int data_calls;
};

static int give_lease(struct fake_service *f, sd_bus_message *call, sd_bus_message *reply,
		      sd_bus_error *error, void *userdata)
{
	struct script *s = userdata;

	(void)f;
	(void)call;
	(void)error;
	return cli_bench_give_lease(reply, &s->lease);
}

static int on_plan(struct fake_service *f, sd_bus_message *call, sd_bus_message *reply,
		   sd_bus_error *error, void *userdata)
{
	json_t *plan = json_pack("{s:[s, s], s:[s]}", "lines", "plan    5 points",
				 "power   0 dBm (default of this site)", "warnings",
				 "the reference is old");
	struct script *s = userdata;
	int r;

	(void)f;
	(void)error;
	json_decref(s->request);
	s->request = NULL;
	ck_assert_int_ge(wire_read(call, &s->request), 0);
	r = wire_append(reply, plan);
	json_decref(plan);
	return r;
}

static json_t *job(const char *state)
{
	return json_pack("{s:s, s:I, s:I, s:I, s:s, s:s, s:s, s:s, s:I}", "State", state, "RunId",
			 (json_int_t)17, "PointsDone", (json_int_t)0, "PointsTotal", (json_int_t)5,
			 "Result", "", "Verdict", "", "Message", "", "Error", "", "EtaNs",
			 (json_int_t)1000000000);
}

static json_t *job_end(const char *result, const char *verdict, const char *message,
		       const char *error)
{
	return json_pack("{s:s, s:I, s:s, s:s, s:s, s:s}", "State", "done", "PointsDone",
			 (json_int_t)5, "Result", result, "Verdict", verdict, "Message", message,
			 "Error", error);
}

static int on_measure(struct fake_service *f, sd_bus_message *call, sd_bus_message *reply,
		      sd_bus_error *error, void *userdata)
{
	struct script *s = userdata;
	json_t *request = NULL;

	ck_assert_int_ge(wire_read(call, &request), 0);
	ck_assert(json_equal(request, s->request)); /* what was planned is what is measured */
	json_decref(request);
	if (streq(s->end, "refused"))
		return sd_bus_error_set(error, "org.etalon1.Error.Interlock",
					"the interlock is open");
	if (streq(s->end, "complete"))
		fake_emit(f, BENCH_JOB, "org.etalon1.Job", job_end("complete", "measured", "", ""));
	if (streq(s->end, "failed"))
		fake_emit(f, BENCH_JOB, "org.etalon1.Job",
			  job_end("failed", "", "the disk is full", "org.etalon1.Error.NoSpace"));
	if (streq(s->end, "ctrl-c"))
		kill(getpid(), SIGINT);
	return sd_bus_message_append(reply, "o", BENCH_JOB);
}

static int on_cancel(struct fake_service *f, sd_bus_message *call, sd_bus_message *reply,
		     sd_bus_error *error, void *userdata)
{
	(void)call;
	(void)reply;
	(void)error;
	(void)userdata;
	fake_emit(f, BENCH_JOB, "org.etalon1.Job",
		  job_end("partial", "untrustworthy", "cancelled by :1.5",
			  "org.etalon1.Error.Cancelled"));
	fake_emit(f, BENCH_RUN, "org.etalon1.Run",
		  json_pack("{s:s, s:s, s:[s]}", "Status", "partial", "Verdict", "untrustworthy",
			    "Reasons", "the run is partial: cancelled"));
	return 0;
}

static int on_get_run(struct fake_service *f, sd_bus_message *call, sd_bus_message *reply,
		      sd_bus_error *error, void *userdata)
{
	int64_t run;

	(void)f;
	(void)userdata;
	ck_assert_int_ge(sd_bus_message_read(call, "x", &run), 0);
	if (run != 17)
		return sd_bus_error_setf(error, "org.etalon1.Error.NoSuchRun",
					 "there is no run %lld", (long long)run);
	return sd_bus_message_append(reply, "o", BENCH_RUN);
}

/* Two frames: three points, then two. */
static int on_get_data(struct fake_service *f, sd_bus_message *call, sd_bus_message *reply,
		       sd_bus_error *error, void *userdata)
{
	struct script *s = userdata;
	uint64_t first, count, stride;
	_cleanup_table_ struct table *t = NULL;
	json_t *info;
	int fd, r;

	(void)f;
	ck_assert_int_ge(sd_bus_message_read(call, "ttt", &first, &count, &stride), 0);
	if (s->data_calls++ == 0)
		return sd_bus_error_set(error, "org.etalon1.Error.Busy", "too many at once");
	t = table_new(first == 0 ? 3 : 2, 3);
	table_set_column(t, 0, "wavelength", "nm", COLUMN_F64);
	table_set_column(t, 1, "through", "W", COLUMN_F64);
	table_set_column(t, 2, "flags", "", COLUMN_U32);
	for (size_t i = 0; i < t->rows; i++) {
		t->columns[0].f64[i] = 1540 + 5.0 * (double)(first + i);
		t->columns[1].f64[i] = 1e-4;
		t->columns[2].u32[i] = (uint32_t)(first + i);
	}
	json_object_set_new(t->meta, "run", json_integer(17));
	json_object_set_new(t->meta, "channels",
			    json_pack("[{s:s, s:s}]", "column", "through", "role", "signal"));
	fd = table_to_frame(t);
	ck_assert_int_ge(fd, 0);
	info = json_pack("{s:I, s:I, s:I}", "rows", (json_int_t)t->rows, "total_rows",
			 (json_int_t)5, "next", (json_int_t)(first == 0 ? 3 : -1));
	r = sd_bus_message_append(reply, "h", fd);
	if (r >= 0)
		r = wire_append(reply, info);
	json_decref(info);
	close(fd);
	return r;
}

static json_t *resonance(double nm, const char *flag)
{
	return json_pack("{s:f, s:f, s:f, s:f, s:f, s:f, s:b, s:f, s:f, s:s, s:s, s:o}",
			 "wavelength_nm", nm, "wavelength_random_pm", 0.0123, "fwhm_pm", 20.7712,
			 "fwhm_random_pm", 0.01, "q_loaded", 74212.0, "q_loaded_random", 36.0,
			 "q_is_bound", flag != NULL, "extinction_db", 10.44, "extinction_random_db",
			 0.03, "kind", "dip", "model", "lorentzian", "flags",
			 flag ? json_pack("[s]", flag) : json_array());
}

static json_t *analysis(const char *flag)
{
	json_t *values =
		json_pack("{s:s, s:[o, o], s:[{s:i, s:f, s:f, s:f, s:[i, i]}], s:{s:f}, s:[]}",
			  "channel", "through", "resonances", resonance(1545.1234567, flag),
			  resonance(1550.7654321, NULL), "families", "family", 0, "fsr_nm",
			  5.6419754, "fsr_random_nm", 0.00002, "at_nm", 1547.9, "members", 0, 1,
			  "axis", "systematic_pm", 1.7, "warnings");

	return json_pack("{s:s, s:s, s:s, s:o}", "method", "resonances", "version", "1", "created",
			 "2025-03-01T14:30:00Z", "values", values);
}

static json_t *channel(const char *name, double before, double after)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:f, s:f}", "column", name, "detector", "pd1",
			 "role", "signal", "range", "100 uA", "dark_before_a", before,
			 "dark_after_a", after);
}

static json_t *run_17(void)
{
	json_t *metadata = json_pack(
		"{s:s, s:s, s:s, s:[o, o], s:{s:f, s:f}, s:{s:s, s:s}}", "kind", "wavelength-sweep",
		"label", "ring40", "created", "2025-03-01T14:30:00Z", "channels",
		channel("through", 0.512e-9, 0.523e-9), channel("drop", 0.48e-9, 0.48e-9),
		"environment", "chip_temperature_c", 25.0001, "chip_temperature_sigma_c", 0.0021,
		"board", "model", "ERB-1", "serial", "B-1");

	return json_pack(
		"{s:I, s:s, s:s, s:[], s:o, s:{s:b, s:i, s:i, s:i, s:s, s:i, s:i}, s:[o], s:{s:s, s:i, s:i, s:i}}",
		"Id", (json_int_t)17, "Status", "complete", "Verdict", "measured", "Reasons",
		"Metadata", metadata, "Ledger", "complete", true, "produced", 5, "received", 5,
		"dropped", 0, "crc", "ok", "saturated", 0, "below_floor", 0, "Analyses",
		analysis(NULL), "Request", "kind", "wavelength-sweep", "start_fm", 1540000000,
		"stop_fm", 1560000000, "points", 5);
}

static void open_bench(struct cli_bench *b, struct script *s)
{
	cli_bench_open_with_board(b);
	s->lease = -1;
	fake_method(b->service, "Lease", give_lease, s);
	fake_method(b->service, "Plan", on_plan, s);
	fake_method(b->service, "Measure", on_measure, s);
	fake_method(b->service, "Cancel", on_cancel, s);
	fake_method(b->service, "GetRun", on_get_run, s);
	fake_method(b->service, "GetData", on_get_data, s);
	fake_object(b->service, BENCH_JOB, "org.etalon1.Job", job("running"));
	fake_object(b->service, BENCH_RUN, "org.etalon1.Run", run_17());
}

static void close_bench(struct cli_bench *b, struct script *s)
{
	cli_bench_close(b);
	closep(&s->lease);
	json_decref(s->request);
}

static const char account[] =
	"plan    5 points\n"
	"power   0 dBm (default of this site)\n"
	"note    the reference is old\n"
	"run 17  ring40  complete  measured (no limits)\n"
	"ledger  produced 5  received 5  dropped 0  crc ok   saturated 0  below floor 0\n"
	"dark    through 0.51 -> 0.52 nA   drop 0.48 -> 0.48 nA   chip 25.000 C +-2 mK\n"
	" #  wavelength nm  random pm   FWHM pm   Q loaded     ER dB\n"
	" 1     1545.12346      0.012  20.77(1)  74.21(4)k  10.44(3)\n"
	" 2     1550.76543      0.012  20.77(1)  74.21(4)k  10.44(3)\n"
	"FSR 5.64198(2) nm at 1547.9 nm\n"
	"axis: 1.7 pm common to all wavelengths, cancels in FSR.\n"
	"next: etalonctl export 17 ring40.csv\n";

START_TEST(the_account_of_a_sweep_reads_as_promised)
{
	struct script s = {.end = "complete"};
	_cleanup_free_ char *calls = NULL;
	struct cli_bench b;

	open_bench(&b, &s);
	ck_assert_int_eq(cli_bench_run(&b, SWEEP " --no-plot"), 0);
	ck_assert_str_eq(b.out, account);
	ck_assert_ptr_nonnull(strstr(b.err, "100 %  5/5  light off"));
	calls = fake_calls(b.service);
	ck_assert_str_eq(calls, "Plan Lease Measure GetRun");
	close_bench(&b, &s);
}
END_TEST

static const struct {
	const char *options;
	const char *request; /* besides kind, start, stop, points */
} requests[] = {
	{"", "{}"},
	{"--power 1.5mW", "{\"power_fw\": 1500000000000}"},
	{"--power 3dBm", "{\"power_fw\": 1995262000000}"},
	{"--speed 20nm/s --aperture 40us",
	 "{\"speed_fm_per_s\": 20000000, \"aperture_ns\": 40000}"},
	{"--dwell 100ms", "{\"dwell_ns\": 100000000}"},
	{"-d through -d pd2", "{\"detectors\": [\"through\", \"pd2\"]}"},
	{"-d through,drop --range 10uA",
	 "{\"detectors\": [\"through\", \"drop\"], \"ranges\": {\"through\": \"10 uA\", \"drop\": \"10 uA\"}}"},
	{"--range through=100uA,drop=10uA",
	 "{\"ranges\": {\"through\": \"100 uA\", \"drop\": \"10 uA\"}}"},
	{"--average 4 --both-ways", "{\"average\": 4, \"both_ways\": true}"},
	{"--reference none", "{\"reference\": \"none\"}"},
	{"--reference 12", "{\"reference\": 12}"},
	{"--label a --device b --wafer c --die 3,4 --note 'two words'",
	 "{\"label\": \"a\", \"device\": \"b\", \"wafer\": \"c\", \"die\": \"3,4\", \"note\": \"two words\"}"},
	{"--expect count=9",
	 "{\"expectations\": [{\"quantity\": \"count\", \"low\": 9.0, \"high\": 9.0}]}"},
};

START_TEST(options_become_the_request)
{
	_cleanup_(json_decrefp) json_t *should = json_loads(requests[_i].request, 0, NULL);
	struct script s = {.end = "complete"};
	struct cli_bench b;
	char command[256];

	ck_assert_ptr_nonnull(should);
	json_object_set_new(should, "kind", json_string("wavelength-sweep"));
	json_object_set_new(should, "start_fm", json_integer(1540000000));
	json_object_set_new(should, "stop_fm", json_integer(1560000000));
	json_object_set_new(should, "points", json_integer(5));
	open_bench(&b, &s);
	snprintf(command, sizeof(command), "sweep wavelength 1540nm 1560nm --step 5nm --no-plot %s",
		 requests[_i].options);
	ck_assert_msg(cli_bench_run(&b, command) == 0, "%s", b.err);
	{
		_cleanup_free_ char *is = json_dumps(s.request, JSON_SORT_KEYS);

		ck_assert_msg(json_equal(s.request, should), "%s", is);
	}
	close_bench(&b, &s);
}
END_TEST

static const struct {
	const char *command;
	int code;
	const char *says;
} refusals[] = {
	{"sweep wavelength 1540nm 1560nm --step 3pm", EXIT_USAGE, "--step 3.2pm or --points 6668"},
	{"sweep wavelength 1540 1560 --step 1pm", EXIT_USAGE, "write 1540nm"},
	{"sweep wavelength 1540nm 1560nm --step 5nm -d throuh", EXIT_USAGE, "nearest: through"},
	{"sweep wavelength 1540nm 1560nm --step 5nm -d through,pd1", EXIT_USAGE,
	 "detector pd1 is named twice"},
	{"sweep wavelength 1540nm 1560nm --step 5nm -d through --range 5uA", EXIT_USAGE,
	 "through has no range '5uA'; the nearest that would do: 10 uA\n  there are: 100 uA, 10 uA"},
	{"sweep wavelength 1540nm 1560nm --step 5nm -d through --range 11uA", EXIT_USAGE,
	 "would do: 100 uA\n"},
	{"sweep wavelength 1540nm 1560nm --step 5nm --range drop=5mA", EXIT_USAGE,
	 "would do: 100 uA\n"},
	{"sweep wavelength 1540nm 1560nm --step 5nm -d through --range most", EXIT_USAGE,
	 "has no range 'most'\n"},
	{"read through --range through=5uA", EXIT_USAGE, "would do: 10 uA\n"},
	{"sweep wavelength 1540nm 1560nm --step 5nm --range 10uA", EXIT_USAGE,
	 "of which detectors?"},
	{"sweep wavelength 1540nm 1560nm --step 5nm --power 1", EXIT_USAGE,
	 "--power: '1' has no unit; write 1dBm"},
	{"sweep wavelength 1540nm 1560nm --step 5nm --speed 20nm", EXIT_USAGE,
	 "--speed: '20nm' is a wavelength"},
	{"sweep wavelength 1540nm 1560nm --step 5nm --speed 2nm/s --dwell 1s", EXIT_USAGE,
	 "give one of them"},
	{"sweep wavelength 1540nm 1560nm --step 5nm --reference old", EXIT_USAGE,
	 "a run number, latest or none"},
	{"sweep wavelength 1540nm 1560nm --step 5nm --save ring.doc", EXIT_USAGE, "ring.doc"},
	{"sweep wavelength 1540nm 1560nm --step 5nm --truth /none", EXIT_USAGE, "--truth /none"},
	{"sweep wavelength 1540nm 1560nm 1570nm --step 5nm", EXIT_USAGE, "one word too many"},
	{"sweep wavelength 1540nm 1560nm --step 5nm --board B-2", EXIT_NO_BOARD,
	 "there is no board B-2; there are: B-1"},
	{"show 18", EXIT_USAGE, "there is no run 18"},
	{"show ring", EXIT_USAGE, "'ring' is not the number of a run"},
	{"set h1 2", EXIT_USAGE, "write 2V"},
	{"set h2 2V", EXIT_USAGE, "nearest: h1"},
	{"set h1 1V h1=2V", EXIT_USAGE, "h1 is given twice"},
	{"set h1", EXIT_USAGE, "h1 to what?"},
	{"read thruogh", EXIT_USAGE, "nearest: through"},
	{"meter through --interval 1ms", EXIT_USAGE, "at least 10ms"},
	{"wait state onn", EXIT_USAGE, "there is no state 'onn'"},
	{"wait job", EXIT_USAGE, "no job runs"},
	{"wait job 9", EXIT_USAGE, "there is no job 9"},
	{"wait state emitting --timeout 1ms", EXIT_TROUBLE, "time is up"},
	{"wait board B-7 --timeout 1ms", EXIT_TROUBLE, "no B-7"},
};

START_TEST(what_is_refused_asks_for_no_light)
{
	struct script s = {.end = "complete"};
	_cleanup_free_ char *calls = NULL;
	struct cli_bench b;
	int code;

	open_bench(&b, &s);
	code = cli_bench_run(&b, refusals[_i].command);
	ck_assert_msg(code == refusals[_i].code, "%s gave %d: %s", refusals[_i].command, code,
		      b.err);
	ck_assert_msg(strstr(b.err, refusals[_i].says) != NULL, "%s says: %s", refusals[_i].command,
		      b.err);
	calls = fake_calls(b.service);
	ck_assert_msg(!strstr(calls, "Lease") && !strstr(calls, "Measure"), "%s", calls);
	close_bench(&b, &s);
}
END_TEST

START_TEST(the_first_ctrl_c_keeps_a_partial_run_and_names_it)
{
	struct script s = {.end = "ctrl-c"};
	_cleanup_free_ char *calls = NULL;
	struct cli_bench b;

	open_bench(&b, &s);
	ck_assert_int_eq(cli_bench_run(&b, SWEEP " --no-plot"), EXIT_PARTIAL);
	ck_assert_ptr_nonnull(
		strstr(b.out, "ended early: Ctrl-C\nrun 17  ring40  partial  untrustworthy\n"));
	ck_assert_ptr_nonnull(strstr(b.out, "next: etalonctl again 17"));
	calls = fake_calls(b.service);
	ck_assert_str_eq(calls, "Plan Lease Measure Cancel GetRun");
	close_bench(&b, &s);
}
END_TEST

static const struct {
	const char *status, *verdict;
	int code;
} verdicts[] = {
	{"complete", "measured", 0},
	{"complete", "pass", 0},
	{"complete", "fail", EXIT_FAIL},
	{"complete", "marginal", EXIT_FAIL},
	{"complete", "untrustworthy", EXIT_UNTRUSTWORTHY},
	{"partial", "untrustworthy", EXIT_PARTIAL},
};

START_TEST(the_exit_code_is_the_verdicts)
{
	struct script s = {.end = ""};
	struct cli_bench b;

	open_bench(&b, &s);
	fake_change(b.service, BENCH_RUN, "org.etalon1.Run",
		    json_pack("{s:s, s:s}", "Status", verdicts[_i].status, "Verdict",
			      verdicts[_i].verdict));
	fake_change(b.service, BENCH_JOB, "org.etalon1.Job",
		    job_end(verdicts[_i].status, verdicts[_i].verdict, "", ""));
	ck_assert_int_eq(cli_bench_run(&b, "wait job 1"), verdicts[_i].code);
	ck_assert_ptr_nonnull(strstr(b.out, verdicts[_i].verdict));
	close_bench(&b, &s);
}
END_TEST

START_TEST(refusals_and_failures_of_the_daemon_keep_their_words)
{
	struct script s = {.end = "refused"};
	struct cli_bench b;

	open_bench(&b, &s);
	ck_assert_int_eq(cli_bench_run(&b, SWEEP), EXIT_REFUSED);
	ck_assert_ptr_nonnull(strstr(b.err, "etalonctl: the interlock is open\n"));
	s.end = "failed";
	ck_assert_int_eq(cli_bench_run(&b, SWEEP), EXIT_TROUBLE);
	ck_assert_ptr_nonnull(strstr(b.err, "no run was stored: the disk is full"));
	close_bench(&b, &s);
}
END_TEST

START_TEST(every_error_of_the_api_has_its_exit_code)
{
	static const struct {
		const char *name;
		int code;
	} errors[] = {
		{"InvalidArgument", 2},
		{"NoSuchChannel", 2},
		{"NoSuchRun", 2},
		{"NoSuchJob", 2},
		{"NoSuchColumn", 2},
		{"NoData", 2},
		{"NotSupported", 2},
		{"OutOfRange", 4},
		{"NotAllowed", 4},
		{"Interlock", 4},
		{"LeaseRequired", 4},
		{"LeaseHeld", 4},
		{"Busy", 4},
		{"BoardGone", 6},
		{"NoSuchBoard", 6},
		{"NoSpace", 7},
		{"StoreDamaged", 7},
		{"StoreFailed", 7},
		{"Failed", 7},
		{"Cancelled", 5},
	};
	char name[96];

	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		snprintf(name, sizeof(name), "org.etalon1.Error.%s", errors[i].name);
		ck_assert_msg(bus_exit_code(name) == errors[i].code, "%s", name);
	}
	ck_assert_int_eq(bus_exit_code(SD_BUS_ERROR_SERVICE_UNKNOWN), 6);
	ck_assert_int_eq(bus_exit_code(SD_BUS_ERROR_NO_REPLY), 6);
	ck_assert_int_eq(bus_exit_code(SD_BUS_ERROR_ACCESS_DENIED), 4);
	ck_assert_int_eq(bus_exit_code("something.Else"), 7);
	ck_assert_int_eq(bus_exit_code(NULL), 7);
}
END_TEST

/* ---- files ---- */

static char *temporary_folder(void)
{
	const char *parent = getenv("TMPDIR");
	char *folder = asprintf_or_null("%s/etalon-cli-XXXXXX", parent ? parent : "/tmp");

	ck_assert_ptr_nonnull(mkdtemp(folder));
	return folder;
}

static char *contents(const char *path)
{
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	char *text = calloc(1, 65536);

	ck_assert_msg(f != NULL, "%s is not there", path);
	ck_assert_uint_lt(fread(text, 1, 65535, f), 65535);
	return text;
}

START_TEST(frames_are_put_together_and_a_busy_daemon_is_asked_again)
{
	_cleanup_free_ char *folder = temporary_folder(),
			    *path = asprintf_or_null("%s/a.csv", folder);
	_cleanup_free_ char *command = asprintf_or_null("export 17 %s", path), *text = NULL;
	struct script s = {.end = "complete"};
	struct cli_bench b;

	open_bench(&b, &s);
	ck_assert_msg(cli_bench_run(&b, command) == 0, "%s", b.err);
	ck_assert_uint_eq(s.data_calls, 3); /* busy, three rows, two rows */
	text = contents(path);
	for (int i = 0; i < 5; i++) { /* each point once, in order, with its own flags */
		char start[24], end[24];
		const char *row;

		snprintf(start, sizeof(start), "\n%d,", 1540 + 5 * i);
		snprintf(end, sizeof(end), ",%d\n", i);
		row = strstr(text, start);
		ck_assert_msg(row && strstr(row, end) && strstr(row, end) < row + 32, "%s", text);
	}
	unlink(path);
	rmdir(folder);
	close_bench(&b, &s);
}
END_TEST

START_TEST(a_file_that_exists_is_refused_before_any_light)
{
	_cleanup_free_ char *folder = temporary_folder(),
			    *path = asprintf_or_null("%s/a.csv", folder);
	_cleanup_free_ char *plain = asprintf_or_null(SWEEP " --no-plot --save %s", path);
	_cleanup_free_ char *forced = asprintf_or_null("%s --force", plain), *text = NULL,
			    *calls = NULL;
	struct script s = {.end = "complete"};
	struct cli_bench b;
	FILE *f = fopen(path, "we");

	fputs("precious", f);
	fclose(f);
	open_bench(&b, &s);
	ck_assert_int_eq(cli_bench_run(&b, plain), EXIT_USAGE);
	ck_assert_ptr_nonnull(strstr(b.err, "exists; it is not overwritten"));
	ck_assert_ptr_nonnull(strstr(b.err, "--force"));
	calls = fake_calls(b.service);
	ck_assert_str_eq(calls, "");
	text = contents(path);
	ck_assert_str_eq(text, "precious");
	ck_assert_msg(cli_bench_run(&b, forced) == 0, "%s", b.err);
	ck_assert_ptr_nonnull(strstr(b.out, "wrote   "));
	free(text);
	text = contents(path);
	ck_assert_ptr_nonnull(strstr(text, "1560,"));
	unlink(path);
	rmdir(folder);
	close_bench(&b, &s);
}
END_TEST

START_TEST(json_is_one_document_and_nothing_else)
{
	static const char *const commands[] = {SWEEP " --json",
					       "show 17 --json",
					       "--json status",
					       "info --json",
					       "list --json",
					       "--json",
					       SWEEP " --json --dry-run",
					       "plot 17 --json",
					       "wait job 1 --json",
					       "wait board --json",
					       "wait state off --json"};
	struct script s = {.end = "complete"};
	struct cli_bench b;

	open_bench(&b, &s);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		_cleanup_(json_decrefp) json_t *document = NULL;
		json_error_t error;

		ck_assert_msg(cli_bench_run(&b, commands[i]) == 0, "%s: %s", commands[i], b.err);
		document = json_loads(b.out, 0, &error);
		ck_assert_msg(document != NULL, "%s: %s: %s", commands[i], error.text, b.out);
	}
	ck_assert_int_eq(cli_bench_run(&b, SWEEP " --json"), 0);
	{
		_cleanup_(json_decrefp) json_t *document = json_loads(b.out, 0, NULL);

		ck_assert_int_eq(member_number(document, "run", 0), 17);
		ck_assert_int_eq(member_number(document, "exit_code", -1), 0);
		ck_assert_str_eq(member_text(document, "verdict"), "measured");
		ck_assert_ptr_nonnull(strstr(b.err, "run 17  ring40  complete"));
	}
	close_bench(&b, &s);
}
END_TEST

START_TEST(a_picture_is_drawn_in_either_locale)
{
	struct script s = {.end = "complete"};
	struct cli_bench b;

	open_bench(&b, &s);
	b.cli.utf8 = false;
	ck_assert_int_eq(cli_bench_run(&b, "plot 17"), 0);
	ck_assert_ptr_nonnull(strstr(b.out, "through"));
	for (const char *p = b.out; *p; p++)
		ck_assert_msg((unsigned char)*p < 0x80, "not ASCII: %s", p);
	b.cli.utf8 = true;
	ck_assert_int_eq(cli_bench_run(&b, "plot 17"), 0);
	ck_assert_ptr_null(strchr(b.out, '\x1b')); /* no colour where there is no terminal */
	close_bench(&b, &s);
}
END_TEST

START_TEST(flags_of_a_fit_are_shown_and_a_bound_is_called_one)
{
	struct script s = {.end = "complete"};
	struct cli_bench b;

	open_bench(&b, &s);
	fake_change(b.service, BENCH_RUN, "org.etalon1.Run",
		    json_pack("{s:[o]}", "Analyses", analysis("resolution-limited")));
	ck_assert_int_eq(cli_bench_run(&b, "show 17"), 0);
	ck_assert_ptr_nonnull(strstr(b.out, ">74.2k  10.44(3)  lorentzian  resolution-limited\n"));
	close_bench(&b, &s);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cli-measure");
	TCase *tcase = tcase_create("cli-measure");

	tcase_add_test(tcase, the_account_of_a_sweep_reads_as_promised);
	tcase_add_loop_test(tcase, options_become_the_request, 0, ARRAY_SIZE(requests));
	tcase_add_loop_test(tcase, what_is_refused_asks_for_no_light, 0, ARRAY_SIZE(refusals));
	tcase_add_test(tcase, the_first_ctrl_c_keeps_a_partial_run_and_names_it);
	tcase_add_loop_test(tcase, the_exit_code_is_the_verdicts, 0, ARRAY_SIZE(verdicts));
	tcase_add_test(tcase, refusals_and_failures_of_the_daemon_keep_their_words);
	tcase_add_test(tcase, every_error_of_the_api_has_its_exit_code);
	tcase_add_test(tcase, frames_are_put_together_and_a_busy_daemon_is_asked_again);
	tcase_add_test(tcase, a_file_that_exists_is_refused_before_any_light);
	tcase_add_test(tcase, json_is_one_document_and_nothing_else);
	tcase_add_test(tcase, a_picture_is_drawn_in_either_locale);
	tcase_add_test(tcase, flags_of_a_fit_are_shown_and_a_bound_is_called_one);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
