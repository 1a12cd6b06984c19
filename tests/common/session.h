/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A whole Etalon in a temporary folder: private dbus-daemon, etalon-emulator, etalond, and
 * clients as separate processes; each can be killed or stopped. The emulator's log is read
 * after the fact. For tests and benches.
 *
 * Programs are found beside the running test: $ETALON_BUILD, or two folders above the binary.
 */
#ifndef ETALON_TESTS_SESSION_H
#define ETALON_TESTS_SESSION_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <systemd/sd-bus.h>

struct session {
	char dir[64];
	char address[128]; /* of the bus */
	char board[96], faults[96], log[96], store[96], config[96]; /* paths below dir */
	pid_t bus, emulator, daemon;
};

struct session_options {
	bool speed_max;
	unsigned int emission_delay_ms; /* 0: 50 ms, for tests */
	unsigned int seed; /* 0: 1 */
	const char *const *emulator_arguments; /* further ones, NULL-terminated, or NULL */
	const char *config; /* text of etalond.conf, or NULL: aliases through = pd1, drop = pd2, 0 dBm */
	bool log_kicks;
	/* The board's watchdog, 0: the default. No test that measures no time needs a short one. */
	unsigned int watchdog_ms;
};

/* The most there is: a shared machine that stands still for a moment must not look like a dead daemon. */
#define SESSION_PATIENT_WATCHDOG_MS 1000U

/* Starts all three and waits until the board is on the bus. Aborts the test with what they printed. */
void session_start(struct session *s, const struct session_options *options);
/* A board alone: no bus, no daemon. session_stop() ends it, too. */
void session_start_board(struct session *s, const struct session_options *options);
/* Of a session that has been started: the emulator or the daemon, again. */
void session_start_emulator(struct session *s, const struct session_options *options);
void session_start_daemon(struct session *s); /* waits until the board is on the bus */
/* SIGTERM, then waits; checks that etalond and emulator exit 0. Removes the folder. */
void session_stop(struct session *s);
/* Kills (any signal that ends it; a stopped process only by SIGKILL) and reaps; *pid becomes 0. */
void session_kill(pid_t *pid, int signal);

/* Path of a program: malloc'ed. */
char *session_program(const char *name);
/* Is it built, so that it can be started? To be asked outside of tests, too. */
bool session_has_program(const char *name);
/* Starts a program with stdout and stderr in FILE below dir (NULL: dropped). */
pid_t session_spawn(const struct session *s, const char *output, const char *const *argv);
/* etalonctl with these arguments to its end: exit status; *ret_output is both streams, malloc'ed. */
int session_ctl(const struct session *s, char **ret_output, ...) __attribute__((sentinel));

/* A client connection of this process. */
sd_bus *session_bus(const struct session *s);
char *session_board_path(sd_bus *bus); /* of the only board: malloc'ed */
/* session_start(), with a connection and the path of its board; session_close() ends all three. */
void session_open(struct session *s, const struct session_options *options, sd_bus **ret_bus,
		  char **ret_board);
void session_close(struct session *s, sd_bus *bus, char *board);
/* Waits until Board.State is `state`; false after timeout_ms. */
bool session_wait_state(sd_bus *bus, const char *board, const char *state, int timeout_ms);

/* One fault line to the emulator's fault socket. */
void session_fault(const struct session *s, const char *json_line);
/* All lines of the emulator's log as an array; new reference. */
json_t *session_log(const struct session *s);
/* t_ns of the first log line with this event at or after `from_ns`; 0: none. */
uint64_t session_log_time(json_t *log, const char *event, uint64_t from_ns);

#endif
