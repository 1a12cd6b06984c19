// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Commands in a test's own process. See cli_bench.h.
 */
#include "cli_bench.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/util.h"
#include "cli/verbs.h"

#define WORDS_MAX 64

static void reset_streams(struct cli_bench *b)
{
	if (b->cli.out)
		fclose(b->cli.out);
	if (b->cli.err)
		fclose(b->cli.err);
	free(b->out);
	free(b->err);
	b->out = b->err = NULL;
	b->cli.out = open_memstream(&b->out, &b->out_size);
	b->cli.err = open_memstream(&b->err, &b->err_size);
	ck_assert(b->cli.out && b->cli.err);
}

void cli_bench_open(struct cli_bench *b)
{
	*b = (struct cli_bench){0};
	b->cli.bus_address = "unix:path=/nonexistent/etalon-test-bus";
	reset_streams(b);
}

static json_t *range(const char *name, double full_scale)
{
	return json_pack("{s:s, s:f}", "name", name, "full_scale", full_scale);
}

static json_t *photodiode(const char *name, const char *alias)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:[o, o]}", "name", name, "alias",
			 alias, "kind", "photocurrent", "role", "signal", "unit", "fA",
			 "default_range", "100 uA", "calibrated", "2025-01-01", "ranges",
			 range("100 uA", 100e-6), range("10 uA", 10e-6));
}

static json_t *source(const char *name, const char *unit, int64_t low, int64_t high,
		      int64_t resolution, bool emits)
{
	return json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:b, s:b, s:s}", "name", name,
			 "kind", "-", "unit", unit, "min", (json_int_t)low, "max", (json_int_t)high,
			 "limit_min", (json_int_t)low, "limit_max", (json_int_t)high, "resolution",
			 (json_int_t)resolution, "emits", emits, "is_gate", false, "limit_by",
			 "hardware");
}

static json_t *ordinary_board(void)
{
	json_t *board = json_pack(
		"{s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:[], s:[], s:[], s:s, s:I, s:I, s:I, s:s, s:s, s:i}",
		"Serial", "B-1", "Model", "ERB-1", "Firmware", "1.0", "Link", "emulated", "Address",
		"/board", "State", "off", "GateOpen", false, "CausesLive", "CausesLatched",
		"WhyDark", "LastOffCause", "", "LastOffTime", (json_int_t)0, "EmissionDelayNs",
		(json_int_t)3000000000, "WatchdogNs", (json_int_t)250000000, "Job", "/",
		"LeaseHolder", "", "LeaseUid", 0);

	json_object_set_new(
		board, "Sources",
		json_pack("[o, o, o]",
			  source("laser.wavelength", "fm", 1480000000, 1640000000, 100, true),
			  source("laser.power", "fW", 100000000000, 10000000000000, 1000000, true),
			  source("h1", "nV", 0, 12000000000, 200000, false)));
	json_object_set_new(board, "Detectors",
			    json_pack("[o, o, o]", photodiode("pd1", "through"),
				      photodiode("pd2", "drop"), photodiode("pd3", "")));
	json_object_set_new(board, "Setpoints", json_pack("{s:I}", "h1", (json_int_t)0));
	return board;
}

void cli_bench_open_with_board(struct cli_bench *b)
{
	cli_bench_open(b);
	b->service = fake_service_start(&b->cli.bus);
	ck_assert_int_ge(sd_event_new(&b->cli.event), 0);
	ck_assert_int_ge(sd_bus_attach_event(b->cli.bus, b->cli.event, SD_EVENT_PRIORITY_NORMAL),
			 0);
	fake_object(b->service, "/org/etalon1", "org.etalon1.Manager",
		    json_pack("{s:[s]}", "Boards", BENCH_BOARD));
	fake_object(b->service, BENCH_BOARD, "org.etalon1.Board", ordinary_board());
}

void cli_bench_close(struct cli_bench *b)
{
	cli_done(&b->cli);
	fake_service_stop(b->service);
	fclose(b->cli.out);
	fclose(b->cli.err);
	free(b->out);
	free(b->err);
	*b = (struct cli_bench){0};
}

static int split(char *text, char **words)
{
	int n = 0;

	words[n++] = (char *)(uintptr_t) "etalonctl";
	while (*text) {
		char end = ' ';

		text += strspn(text, " ");
		if (!*text)
			break;
		if (*text == '\'') {
			end = '\'';
			text++;
		}
		ck_assert_int_lt(n, WORDS_MAX - 1);
		words[n++] = text;
		while (*text && *text != end)
			text++;
		if (*text)
			*text++ = '\0';
	}
	words[n] = NULL;
	return n;
}

int cli_bench_run(struct cli_bench *b, const char *command)
{
	_cleanup_free_ char *copy = strdup(command);
	char *words[WORDS_MAX];
	int n = split(copy, words), code;

	reset_streams(b);
	b->cli.json = false;
	b->cli.interrupts = 0;
	b->cli.board = NULL;
	code = cli_main(&b->cli, n, words);
	cli_release_signals(&b->cli);
	fflush(b->cli.out);
	fflush(b->cli.err);
	return code;
}

int cli_bench_give_lease(sd_bus_message *reply, int *end)
{
	int fds[2], r;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds),
			 0);
	closep(end);
	*end = fds[0];
	r = sd_bus_message_append(reply, "h", fds[1]);
	close(fds[1]);
	return r;
}
