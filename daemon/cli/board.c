// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Which board is meant. See bus.h.
 */
#include "cli/bus.h"

#include <errno.h>

static int compare_text(const void *a, const void *b)
{
	return strcmp(json_string_value(*(json_t *const *)a),
		      json_string_value(*(json_t *const *)b));
}

static int sort_texts(json_t *array)
{
	size_t n = json_array_size(array);
	_cleanup_free_ json_t **items = calloc(n + 1, sizeof(json_t *));

	if (!items)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		items[i] = json_incref(json_array_get(array, i));
	qsort(items, n, sizeof(*items), compare_text);
	for (size_t i = 0; i < n; i++)
		json_array_set_new(array, i, items[i]);
	return 0;
}

int board_paths(struct cli *cli, json_t **ret)
{
	_cleanup_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
	_cleanup_object_ struct object manager = {0};
	json_t *paths;
	int r;

	r = bus_open(cli);
	if (r != 0)
		return r;
	if (object_open(&manager, cli, ETALON_ROOT, ETALON_MANAGER, &error) < 0)
		return bus_fail(cli, &error, NULL);
	paths = json_object_get(manager.properties, "Boards");
	if (!json_is_array(paths) || sort_texts(paths) < 0)
		return cli_fail(cli, EXIT_TROUBLE, "etalond does not say which boards there are");
	*ret = json_incref(paths);
	return 0;
}

static int serials_text(struct cli *cli, const json_t *paths, FILE *to)
{
	const json_t *path;
	size_t i;

	json_array_foreach(paths, i, path) {
		_cleanup_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
		_cleanup_object_ struct object board = {0};

		if (object_open(&board, cli, json_string_value(path), ETALON_BOARD, &error) < 0)
			continue;
		fprintf(to, "%s%s", i > 0 ? ", " : "", member_text(board.properties, "Serial"));
	}
	return 0;
}

static int refuse_choice(struct cli *cli, const json_t *paths, int exit_code, const char *what)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return cli_no_memory(cli);
	serials_text(cli, paths, f);
	fclose(f);
	cli_fail(cli, exit_code, "%s there are: %s", what, text);
	cli_try(cli, "--board SERIAL");
	return exit_code;
}

static int board_by_serial(struct cli *cli, const json_t *paths, struct object *ret)
{
	_cleanup_free_ char *wanted = NULL, *what = NULL;
	const json_t *path;
	size_t i;

	if (sd_bus_path_encode(ETALON_ROOT "/board", cli->board, &wanted) < 0)
		return cli_no_memory(cli);
	json_array_foreach(paths, i, path) {
		_cleanup_error_ sd_bus_error error = SD_BUS_ERROR_NULL;

		if (!streq(json_string_value(path), wanted))
			continue;
		if (object_open(ret, cli, wanted, ETALON_BOARD, &error) < 0)
			return bus_fail(cli, &error, NULL);
		return 0;
	}
	what = asprintf_or_null("there is no board %s;", cli->board);
	return what ? refuse_choice(cli, paths, EXIT_NO_BOARD, what) : cli_no_memory(cli);
}

int board_open(struct cli *cli, struct object *ret)
{
	_cleanup_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
	_cleanup_json_ json_t *paths = NULL;
	int r = board_paths(cli, &paths);

	if (r != 0)
		return r;
	if (json_array_size(paths) == 0) {
		cli_fail(cli, EXIT_NO_BOARD,
			 "etalond runs and sees no board; check cable and power");
		cli_try(cli, "etalonctl wait board (it returns when one appears)");
		return EXIT_NO_BOARD;
	}
	if (cli->board)
		return board_by_serial(cli, paths, ret);
	if (json_array_size(paths) > 1)
		return refuse_choice(cli, paths, EXIT_USAGE, "which board?");
	if (object_open(ret, cli, json_string_value(json_array_get(paths, 0)), ETALON_BOARD,
			&error) < 0)
		return bus_fail(cli, &error, NULL);
	return 0;
}
