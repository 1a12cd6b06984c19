// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The state of a board in words. See state.h.
 */
#include "cli/state.h"

#include "cli/progress.h"

struct text board_title(const struct object *board)
{
	struct text t;

	snprintf(t.text, sizeof(t.text), "%.20s %.24s, %.14s",
		 member_text(board->properties, "Model"), member_text(board->properties, "Serial"),
		 member_text(board->properties, "Link"));
	return t;
}

static enum colour light_colour(const struct object *board)
{
	const char *state = member_text(board->properties, "State");

	if (streq(state, "emitting"))
		return member_flag(board->properties, "GateOpen") ? RED : YELLOW;
	if (streq(state, "delay") || streq(state, "tripped") || streq(state, "gone"))
		return YELLOW;
	return GREEN;
}

void print_light(struct cli *cli, FILE *to, const struct object *board)
{
	fprintf(to, "%s%s%s", colour(cli, to, light_colour(board)), light_text(board, 0).text,
		colour(cli, to, PLAIN));
}

size_t print_why_dark(FILE *to, const struct object *board)
{
	const json_t *why = member_at(board->properties, "WhyDark"), *line;
	size_t i;

	json_array_foreach(why, i, line) {
		fprintf(to, "why     %s\n", json_string_value(line));
	}
	return json_array_size(why);
}

void print_lease(FILE *to, const struct object *board)
{
	const json_t *p = board->properties;
	uint64_t since = (uint64_t)member_number(p, "LeaseSince", 0), now = wall_ns();
	const char *host = member_text(p, "LeaseHost");
	int64_t uid = member_number(p, "LeaseUid", -1);

	if (!*member_text(p, "LeaseHolder")) {
		fputs("nobody", to);
		return;
	}
	fprintf(to, "%s, uid %lld%s%s%s", member_text(p, "LeaseHolder"), (long long)uid,
		uid == (int64_t)getuid() ? " (you)" : "", *host ? " on " : "", host);
	if (since > 0 && since < now)
		fprintf(to, ", for %s", duration((double)(now - since) / 1e9).text);
}

void print_last_off(FILE *to, const struct object *board)
{
	const char *cause = member_text(board->properties, "LastOffCause");
	uint64_t when = (uint64_t)member_number(board->properties, "LastOffTime", 0);

	if (*cause)
		fprintf(to, "last    light off at %s: %s\n", local_time(when).text, cause);
}

void print_job(struct cli *cli, FILE *to, const struct object *board)
{
	const char *path = member_text(board->properties, "Job");
	_cleanup_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
	_cleanup_object_ struct object job = {0};

	if (!*path || streq(path, "/") || object_open(&job, cli, path, ETALON_JOB, &error) < 0)
		return;
	fprintf(to, "job     run %lld, %s, %lld of %lld points\n",
		(long long)member_number(job.properties, "RunId", 0),
		member_text(job.properties, "State"),
		(long long)member_number(job.properties, "PointsDone", 0),
		(long long)member_number(job.properties, "PointsTotal", 0));
}

static void print_causes(FILE *to, const char *head, const json_t *causes)
{
	const json_t *cause;
	size_t i;

	json_array_foreach(causes, i, cause) {
		fprintf(to, "%s%s", i == 0 ? head : ", ", json_string_value(cause));
	}
	if (json_array_size(causes) > 0)
		fputc('\n', to);
}

void print_state(struct cli *cli, FILE *to, const struct object *board)
{
	fprintf(to, "board   %s%s%s   ", colour(cli, to, BOLD), board_title(board).text,
		colour(cli, to, PLAIN));
	print_light(cli, to, board);
	fputc('\n', to);
	print_causes(to, "causes  live: ", member_at(board->properties, "CausesLive"));
	print_causes(to, "causes  latched: ", member_at(board->properties, "CausesLatched"));
	if (print_why_dark(to, board) == 0 && streq(member_text(board->properties, "State"), "off"))
		fputs("light   possible\n", to);
	fputs("lease   ", to);
	print_lease(to, board);
	fputc('\n', to);
	print_job(cli, to, board);
	print_last_off(to, board);
}
