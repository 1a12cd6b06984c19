// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * etalon-analyse: finds and fits resonances in files, or in one frame that the daemon hands over as a
 * descriptor. Reads, gives up its rights, computes, writes to standard output. Exit: 0 done, 2 usage
 * or input that cannot be analysed.
 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <malloc.h>

#include "analyse/analyse.h"
#include "analyse/sandbox.h"
#include "base/pass_fd.h"
#include "base/util.h"
#include "data/frame.h"
#include "export/file_read.h"

#define PROGRAM "etalon-analyse"
#define EXIT_BAD_INPUT 2
#define JSON_FLAGS (JSON_REAL_PRECISION(12) | JSON_INDENT(1))
#define MAX_FILES 1000
#define CHANNEL_MAX 256
#define TOUCHED_BYTES (8U << 20) /* what an analysis of 60 000 points takes */

struct arguments {
	bool json;
	int frame_fd; /* -1: files */
	int frame_from; /* the same, once it has come; -1: none is to come */
	const char *channel;
	char told[CHANNEL_MAX]; /* the channel that comes with a frame */
	struct analyse_options options;
	char **files;
	int file_count;
};

static const char usage[] =
	"usage: " PROGRAM " [--json] [--channel NAME] [--method resonances] FILE...\n"
	"       " PROGRAM " --frame-fd N [--channel NAME]\n"
	"       " PROGRAM " --frame-from N\n"
	"\n"
	"Finds and fits the resonances of one channel: wavelength, width, loaded Q, extinction, free\n"
	"spectral range, each with its random uncertainty; what the axis has in common stands apart.\n"
	"\n"
	"  --json               a JSON document (always so for a frame)\n"
	"  --channel NAME       column to analyse; default the first signal\n"
	"  --method NAME        only \"resonances\" so far\n"
	"  --min-extinction DB  shallower features are not resonances, default 0.1\n"
	"  --frame-fd N         read a frame from this open descriptor\n"
	"  --frame-from N       wait for a frame's descriptor, with the channel's name, on this open\n"
	"                       unix stream socket; hung up before, it ends with 0\n"
	"  --help, --version\n"
	"\n"
	"FILE: CSV, openEPDA or HDF5 with a column \"wavelength, nm\"; - is standard input.\n";

static int complain(const char *about, const char *message)
{
	fprintf(stderr, PROGRAM ": %s%s%s\n", about ?: "", about ? ": " : "",
		message ?: "out of memory");
	return EXIT_BAD_INPUT;
}

/* ---- command line ---- */

static bool parse_number(const char *text, double low, double high, double *ret)
{
	char *end;

	*ret = strtod(text, &end);
	return end != text && *end == '\0' && *ret >= low && *ret <= high;
}

static int bad_option(const char *option, const char *text, const char *allowed)
{
	fprintf(stderr, PROGRAM ": %s %s: allowed is %s\n", option, text, allowed);
	return EXIT_BAD_INPUT;
}

static int take_descriptor(const char *option, int *ret)
{
	double number;

	if (!parse_number(optarg, 0, 65535, &number))
		return bad_option(option, optarg, "an open descriptor's number");
	*ret = (int)number;
	return 0;
}

/* 0: go on, 1: done, else the exit status. */
static int take_option(int option, struct arguments *a)
{
	double number;

	switch (option) {
	case 'j':
		a->json = true;
		return 0;
	case 'c':
		a->channel = optarg;
		return 0;
	case 'm':
		if (streq(optarg, ANALYSE_METHOD_RESONANCES))
			return 0;
		return bad_option("--method", optarg, ANALYSE_METHOD_RESONANCES);
	case 'e':
		if (!parse_number(optarg, 0.001, 100, &number))
			return bad_option("--min-extinction", optarg, "0.001 to 100 (dB)");
		a->options.min_extinction_db = number;
		return 0;
	case 'f':
		return take_descriptor("--frame-fd", &a->frame_fd);
	case 's':
		return take_descriptor("--frame-from", &a->frame_from);
	case 'h':
		fputs(usage, stdout);
		return 1;
	case 'v':
		puts(PROGRAM " " ETALON_VERSION);
		return 1;
	default:
		fprintf(stderr, "try: " PROGRAM " --help\n");
		return EXIT_BAD_INPUT;
	}
}

static int parse(int argc, char **argv, struct arguments *a)
{
	static const struct option options[] = {
		{"json", no_argument, NULL, 'j'},
		{"channel", required_argument, NULL, 'c'},
		{"method", required_argument, NULL, 'm'},
		{"min-extinction", required_argument, NULL, 'e'},
		{"frame-fd", required_argument, NULL, 'f'},
		{"frame-from", required_argument, NULL, 's'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'v'},
		{},
	};
	int option, inputs;

	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		int r = take_option(option, a);

		if (r != 0)
			return r;
	}
	a->files = argv + optind;
	a->file_count = argc - optind;
	inputs = (a->frame_fd >= 0) + (a->frame_from >= 0) + (a->file_count > 0);
	if (inputs != 1 || a->file_count > MAX_FILES) {
		fprintf(stderr, PROGRAM ": name files, --frame-fd or --frame-from, not %s\n%s",
			inputs ? "several of them" : "none", usage);
		return EXIT_BAD_INPUT;
	}
	return 0;
}

/* ---- work ---- */

static int enter_sandbox(int keep_fd)
{
	int r;

	json_object_seed(0); /* it wants randomness, which is behind a file on some systems */
	r = sandbox_enter(keep_fd);
	return r < 0 ? complain("no sandbox", strerror(-r)) : 0;
}

static int flush(void)
{
	if (fflush(stdout) != 0 || ferror(stdout))
		return complain("standard output", strerror(errno));
	return 0;
}

/* 1: none will come. */
static int await_frame(struct arguments *a)
{
	int r = pass_fd_receive(a->frame_from, &a->frame_fd, a->told, sizeof(a->told));

	if (r < 0)
		return complain("waiting for a frame", strerror(-r));
	a->channel = a->told;
	return a->frame_fd < 0 ? 1 : 0;
}

static int analyse_frame(const struct arguments *a)
{
	_cleanup_table_ struct table *table = NULL;
	_cleanup_free_ char *message = NULL;
	json_t *result = NULL;
	int r = enter_sandbox(a->frame_fd);

	if (r != 0)
		return r;
	if (frame_to_table(a->frame_fd, &table, &message) < 0 ||
	    analyse_resonances(table, a->channel, &a->options, &result, &message) < 0)
		return complain(NULL, message);
	r = json_dumpf(result, stdout, JSON_FLAGS);
	json_decref(result);
	putchar('\n');
	return r < 0 ? complain(NULL, NULL) : flush();
}

/* All files are read before rights are given up, and before anything is written. */
static int read_files(const struct arguments *a, struct table **tables)
{
	for (int i = 0; i < a->file_count; i++) {
		_cleanup_free_ char *message = NULL;

		if (table_read_file(a->files[i], &tables[i], &message) < 0)
			return complain(NULL, message);
	}
	return 0;
}

static int put_text(const struct arguments *a, int i, const json_t *result)
{
	_cleanup_free_ char *text = analyse_to_text(result);

	if (!text)
		return complain(NULL, NULL);
	if (a->file_count > 1)
		printf("%s%s  %s\n", i ? "\n" : "", a->files[i],
		       json_string_value(json_object_get(result, "channel")));
	fputs(text, stdout);
	return 0;
}

/* One file is one object, several are an array of those that could be analysed. */
static void put_json(const struct arguments *a, int already, const json_t *result)
{
	if (a->file_count > 1)
		fputs(already ? ",\n" : "[\n", stdout);
	json_dumpf(result, stdout, JSON_FLAGS);
	if (a->file_count == 1)
		putchar('\n');
}

static int analyse_tables(const struct arguments *a, struct table **tables)
{
	int status = 0, done = 0;

	for (int i = 0; i < a->file_count; i++) {
		_cleanup_free_ char *message = NULL;
		json_t *result = NULL;

		if (analyse_resonances(tables[i], a->channel, &a->options, &result, &message) < 0) {
			status = complain(a->files[i], message);
			continue;
		}
		json_object_set_new(result, "file", json_string(a->files[i]));
		if (a->json)
			put_json(a, done, result);
		else
			put_text(a, i, result);
		done++;
		json_decref(result);
	}
	if (a->json && a->file_count > 1)
		fputs(done ? "\n]\n" : "[]\n", stdout);
	return flush() ?: status;
}

static int analyse_files(const struct arguments *a)
{
	struct table **tables = calloc((size_t)a->file_count, sizeof(struct table *));
	int r = tables ? read_files(a, tables) : complain(NULL, NULL);

	if (r == 0)
		r = enter_sandbox(-1);
	if (r == 0)
		r = analyse_tables(a, tables);
	for (int i = 0; tables && i < a->file_count; i++)
		table_free(tables[i]);
	free(tables);
	return r;
}

/* One run, then the end: memory given back to the system would only have to be asked for again. */
static void keep_memory(void)
{
	mallopt(M_MMAP_THRESHOLD, 32 << 20); /* the most that is taken */
	mallopt(M_TRIM_THRESHOLD, INT_MAX);
	mallopt(M_ARENA_MAX, 1); /* what one thread gave back is at hand for the next */
}

/* While there is nothing else to do: a page of memory that was never touched costs more than its use. */
static void touch_memory(void)
{
	void *volatile memory = malloc(TOUCHED_BYTES);

	if (memory)
		memset(memory, 1, TOUCHED_BYTES);
	free(memory);
}

int main(int argc, char **argv)
{
	struct arguments a = {.frame_fd = -1, .frame_from = -1};
	_cleanup_(team_freep) struct team *team = NULL;
	int r = parse(argc, argv, &a);

	if (r != 0)
		return r == 1 ? flush() : r;
	keep_memory();
	/* Without helpers it takes longer. */
	if (team_new(team_helpers_here(), &team) == 0)
		a.options.team = team;
	if (a.frame_from >= 0) {
		touch_memory();
		r = await_frame(&a);
		if (r != 0)
			return r == 1 ? 0 : r;
	}
	return a.frame_fd >= 0 ? analyse_frame(&a) : analyse_files(&a);
}
