// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The dry run: what would be done, before any light. See sweep.h.
 */
#include "cli/sweep.h"

#include <math.h>

#include "base/quantity.h"
#include "cli/files.h"
#include "cli/print.h"
#include "data/frame.h"

#define HEAD_ROWS 3

static int ask_plan(struct cli *cli, const struct object *board, const char *method,
		    const json_t *request, sd_bus_message **ret)
{
	_cleanup_message_ sd_bus_message *call =
		bus_new_call(cli, board->path, ETALON_BOARD, method);
	_cleanup_error_ sd_bus_error error = SD_BUS_ERROR_NULL;

	if (!call || wire_append(call, request) < 0)
		return cli_no_memory(cli);
	return bus_call(cli, call, 0, &error, ret) < 0 ? bus_fail(cli, &error, NULL) : 0;
}

static void print_lines(FILE *to, const char *head, const json_t *lines)
{
	const json_t *line;
	size_t i;

	json_array_foreach(lines, i, line) {
		fprintf(to, "%s%s\n", head, json_string_value(line));
	}
}

int plan_show(struct cli *cli, const struct object *board, const json_t *request, json_t **ret_plan)
{
	_cleanup_message_ sd_bus_message *reply = NULL;
	_cleanup_(json_decrefp) json_t *plan = NULL;
	FILE *to = cli_people(cli);
	int r;

	r = ask_plan(cli, board, "Plan", request, &reply);
	if (r != 0)
		return r;
	r = wire_read(reply, &plan);
	if (r < 0)
		return cli_fail(cli, EXIT_TROUBLE, "the plan is not understood: %s", strerror(-r));
	print_lines(to, "", member_at(plan, "lines"));
	print_lines(to, "note    ", member_at(plan, "warnings"));
	fflush(to);
	if (ret_plan)
		*ret_plan = take_ptr(plan);
	return 0;
}

/* ---- setpoints ---- */

static bool is_setpoint(const struct table_column *c)
{
	return c->type == COLUMN_F64 && !streq(c->name, "point");
}

/* Whole numbers of the contract's unit, in a double. */
static void setpoint_cell(struct grid *g, const struct table_column *c, size_t row)
{
	int kind = quantity_kind_of_unit(c->unit);

	if (kind < 0)
		grid_cell(g, "%g %s", c->f64[row], c->unit);
	else
		grid_cell(g, "%s",
			  quantity_format((enum quantity_kind)kind, llrint(c->f64[row])).text);
}

static void setpoint_row(struct grid *g, const struct table *t, size_t row, bool dots)
{
	if (dots)
		grid_cell(g, "...");
	else
		grid_cell(g, "%zu", row);
	for (size_t i = 0; i < t->column_count; i++) {
		if (is_setpoint(&t->columns[i]) && dots)
			grid_cell(g, "%s", "");
		else if (is_setpoint(&t->columns[i]))
			setpoint_cell(g, &t->columns[i], row);
	}
}

static void setpoint_rows(FILE *to, const struct table *t)
{
	char align[GRID_COLUMNS_MAX + 1] = "";
	size_t columns = 1;
	struct grid g;

	for (size_t i = 0; i < t->column_count; i++)
		columns += is_setpoint(&t->columns[i]);
	if (columns > GRID_COLUMNS_MAX)
		return;
	memset(align, 'r', columns);
	grid_begin(&g, align);
	grid_cell(&g, "point");
	for (size_t i = 0; i < t->column_count; i++) {
		if (is_setpoint(&t->columns[i]))
			grid_cell(&g, "%s", t->columns[i].name);
	}
	for (size_t row = 0; row < t->rows; row++) {
		bool skip = row >= HEAD_ROWS && row + 1 < t->rows && t->rows > 2 * HEAD_ROWS;

		if (!skip || row == HEAD_ROWS)
			setpoint_row(&g, t, row, skip);
	}
	grid_print(&g, to, 0);
}

static int save_setpoints(struct cli *cli, const struct files *files, const struct table *t)
{
	if (files->count > 0)
		return files_write(cli, files, t, NULL, NULL);
	fprintf(cli_people(cli), "all of them: --dry-run --save setpoints.csv\n");
	return 0;
}

int plan_show_setpoints(struct cli *cli, const struct object *board, const struct files *files,
			const json_t *request)
{
	_cleanup_message_ sd_bus_message *reply = NULL;
	_cleanup_free_ char *message = NULL;
	_cleanup_table_ struct table *t = NULL;
	int fd, r;

	r = ask_plan(cli, board, "PlanSetpoints", request, &reply);
	if (r != 0)
		return r;
	r = sd_bus_message_read_basic(reply, 'h', &fd);
	if (r >= 0)
		r = frame_to_table(fd, &t, &message);
	if (r < 0)
		return cli_fail(cli, EXIT_TROUBLE, "the setpoints are not understood: %s",
				message ? message : strerror(-r));
	setpoint_rows(cli_people(cli), t);
	return save_setpoints(cli, files, t);
}
