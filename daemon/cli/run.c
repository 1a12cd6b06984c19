// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Finding and opening stored runs. See run.h.
 */
#include "cli/run.h"

#include <errno.h>

#include "base/quantity.h"

int run_list(struct cli *cli, const json_t *filter, json_t **ret)
{
	_cleanup_message_ sd_bus_message *call = NULL, *reply = NULL;
	_cleanup_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
	int r;

	r = bus_open(cli);
	if (r != 0)
		return r;
	call = bus_new_call(cli, ETALON_ROOT, ETALON_MANAGER, "ListRuns");
	r = call ? wire_append(call, filter) : -ENOMEM;
	if (r < 0)
		return cli_fail(cli, EXIT_TROUBLE, "cannot ask for runs: %s", strerror(-r));
	if (bus_call(cli, call, 0, &error, &reply) < 0)
		return bus_fail(cli, &error, NULL);
	r = wire_read(reply, ret);
	return r < 0 ? cli_fail(cli, EXIT_TROUBLE, "the list of runs is not understood: %s",
				strerror(-r))
		     : 0;
}

static int newest_run(struct cli *cli, int64_t *ret)
{
	_cleanup_(json_decrefp) json_t *filter = json_pack("{s:i}", "limit", 1), *runs = NULL;
	int r = filter ? run_list(cli, filter, &runs) : cli_no_memory(cli);

	if (r != 0)
		return r;
	if (json_array_size(runs) == 0) {
		cli_fail(cli, EXIT_USAGE, "there is no run yet");
		cli_try(cli, PROGRAM " sweep wavelength 1540nm 1560nm --step 1pm");
		return EXIT_USAGE;
	}
	*ret = member_number(json_array_get(runs, 0), "run", 0);
	return 0;
}

int run_number(struct cli *cli, const char *text, int64_t *ret)
{
	_cleanup_free_ char *message = NULL;

	if (!text || streq(text, "last"))
		return newest_run(cli, ret);
	if (quantity_parse(text, QUANTITY_COUNT, ret, &message) < 0 || *ret <= 0) {
		cli_fail(cli, EXIT_USAGE, "'%s' is not the number of a run", text);
		cli_try(cli, PROGRAM " runs (it lists them); \"last\" is the newest");
		return EXIT_USAGE;
	}
	return 0;
}

int run_open(struct cli *cli, int64_t run, struct object *ret)
{
	_cleanup_message_ sd_bus_message *call = NULL, *reply = NULL;
	_cleanup_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
	const char *path;
	int r;

	r = bus_open(cli);
	if (r != 0)
		return r;
	call = bus_new_call(cli, ETALON_ROOT, ETALON_MANAGER, "GetRun");
	if (!call || sd_bus_message_append(call, "x", run) < 0)
		return cli_no_memory(cli);
	if (bus_call(cli, call, 0, &error, &reply) < 0)
		return bus_fail(cli, &error, NULL);
	r = sd_bus_message_read_basic(reply, 'o', &path);
	if (r < 0)
		return cli_fail(cli, EXIT_TROUBLE, "etalond's answer is not understood: %s",
				strerror(-r));
	return object_open(ret, cli, path, ETALON_RUN, &error) < 0 ? bus_fail(cli, &error, NULL)
								   : 0;
}

int run_open_text(struct cli *cli, const char *text, struct object *ret)
{
	int64_t number;
	int r = run_number(cli, text, &number);

	return r != 0 ? r : run_open(cli, number, ret);
}
