// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * A run's data, frame by frame into one table. See run.h.
 */
#include "cli/run.h"

#include <errno.h>

#include "data/frame.h"

#define BUSY_PAUSE_US 100000
#define BUSY_TRIES 100 /* ten seconds */
#define CALL_US 60000000

static int append_columns(sd_bus_message *call, const char *const *columns)
{
	int r;

	if (!columns)
		return sd_bus_message_append(call, "a{sv}", 0);
	r = sd_bus_message_open_container(call, 'a', "{sv}");
	if (r >= 0)
		r = sd_bus_message_open_container(call, 'e', "sv");
	if (r >= 0)
		r = sd_bus_message_append(call, "s", "columns");
	if (r >= 0)
		r = sd_bus_message_open_container(call, 'v', "as");
	if (r >= 0) /* libsystemd takes a list that it does not change as not constant */
		r = sd_bus_message_append_strv(call, (char **)(uintptr_t)columns);
	for (int i = 0; i < 3 && r >= 0; i++)
		r = sd_bus_message_close_container(call);
	return r;
}

static sd_bus_message *new_call(struct cli *cli, const struct object *run, uint64_t first,
				const char *const *columns)
{
	sd_bus_message *call = bus_new_call(cli, run->path, ETALON_RUN, "GetData");

	if (call && (sd_bus_message_append(call, "ttt", first, UINT64_C(0), UINT64_C(1)) < 0 ||
		     append_columns(call, columns) < 0))
		call = sd_bus_message_unref(call);
	return call;
}

/* Too many at once is no reason to give up. */
static int ask_patiently(struct cli *cli, const struct object *run, uint64_t first,
			 const char *const *columns, sd_bus_message **ret)
{
	for (int tries = 0;; tries++) {
		_cleanup_message_ sd_bus_message *call = new_call(cli, run, first, columns);
		_cleanup_error_ sd_bus_error error = SD_BUS_ERROR_NULL;

		if (!call)
			return cli_no_memory(cli);
		if (bus_call(cli, call, CALL_US, &error, ret) >= 0)
			return 0;
		if (!bus_error_is(&error, "Busy") || tries >= BUSY_TRIES)
			return bus_fail(cli, &error, NULL);
		cli_turn(cli, BUSY_PAUSE_US);
	}
}

struct chunk {
	struct table *frame;
	uint64_t total_rows, next;
};

static int get_chunk(struct cli *cli, const struct object *run, uint64_t first,
		     const char *const *columns, struct chunk *ret)
{
	_cleanup_message_ sd_bus_message *reply = NULL;
	_cleanup_(json_decrefp) json_t *info = NULL;
	_cleanup_free_ char *message = NULL;
	int fd, r;

	r = ask_patiently(cli, run, first, columns, &reply);
	if (r != 0)
		return r;
	r = sd_bus_message_read_basic(reply, 'h', &fd);
	if (r >= 0)
		r = wire_read(reply, &info);
	if (r >= 0)
		r = frame_to_table(fd, &ret->frame, &message);
	if (r < 0)
		return cli_fail(cli, EXIT_TROUBLE, "the data of run %lld are not understood: %s",
				(long long)member_number(run->properties, "Id", 0),
				message ? message : strerror(-r));
	ret->total_rows = (uint64_t)member_number(info, "total_rows", 0);
	ret->next = (uint64_t)member_number(info, "next", -1);
	return 0;
}

/* A table for all rows with the frame's columns. */
static struct table *table_like(const struct table *frame, uint64_t rows)
{
	_cleanup_table_ struct table *t = table_new(rows, frame->column_count);

	if (!t)
		return NULL;
	for (size_t i = 0; i < frame->column_count; i++) {
		const struct table_column *c = &frame->columns[i];

		if (table_set_column(t, i, c->name, c->unit, c->type) < 0)
			return NULL;
	}
	json_decref(t->meta);
	t->meta = json_incref(frame->meta);
	return take_ptr(t);
}

static int copy_rows(struct table *to, uint64_t at, const struct table *from)
{
	if (from->column_count != to->column_count || from->rows > to->rows - at)
		return -EBADMSG;
	for (size_t i = 0; i < to->column_count; i++) {
		const struct table_column *c = &from->columns[i];
		size_t size = c->type == COLUMN_F64 ? sizeof(double) : sizeof(uint32_t);

		if (c->type != to->columns[i].type || !streq(c->name, to->columns[i].name))
			return -EBADMSG;
		if (from->rows > 0)
			memcpy((char *)to->columns[i].f64 + at * size, c->f64, from->rows * size);
	}
	return 0;
}

int fetch_run(struct cli *cli, const struct object *run, const char *const *columns,
	      struct table **ret)
{
	_cleanup_table_ struct table *all = NULL;
	uint64_t at = 0, first = 0;
	int r;

	do {
		struct chunk chunk = {0};
		_cleanup_table_ struct table *frame = NULL;

		r = get_chunk(cli, run, first, columns, &chunk);
		frame = chunk.frame;
		if (r != 0)
			return r;
		if (chunk.next == UINT64_MAX && at == 0) { /* the usual case: one frame is all */
			*ret = take_ptr(frame);
			return 0;
		}
		if (!all)
			all = table_like(frame, chunk.total_rows);
		if (!all)
			return cli_no_memory(cli);
		r = copy_rows(all, at, frame);
		if (r < 0 || (chunk.next != UINT64_MAX && chunk.next <= first))
			return cli_fail(cli, EXIT_TROUBLE,
					"the frames of run %lld do not fit together",
					(long long)member_number(run->properties, "Id", 0));
		at += frame->rows;
		first = chunk.next;
	} while (first != UINT64_MAX);
	all->rows = at;
	*ret = take_ptr(all);
	return 0;
}
