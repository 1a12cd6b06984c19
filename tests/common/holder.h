/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A client in a process of its own that takes the lease, brings light and keeps both until it is
 * killed, stopped or told otherwise. For bus tests.
 */
#ifndef ETALON_TESTS_HOLDER_H
#define ETALON_TESTS_HOLDER_H

#include "session.h"

struct holder {
	pid_t pid;
	int control; /* write one letter: see HOLDER_* */
};

#define HOLDER_LEAVE_BUS 'b' /* closes its connection, keeps speaking on the lease */
#define HOLDER_FALL_SILENT 's' /* keeps everything open, speaks no more */
#define HOLDER_CLOSE_LEASE 'c' /* keeps the connection, closes the lease */

/* Of a lease that is not lost by silence, whatever a shared machine does meanwhile. */
#define HOLDER_PATIENT_MS 5000U

/* Returns when the lease is held and, with emit, the board is emitting. */
void holder_start(struct holder *h, const struct session *s, unsigned int period_ms, bool emit);
void holder_tell(struct holder *h, char what);
void holder_end(struct holder *h);

/* LastOffCause of the board: malloc'ed. */
char *last_off_cause(sd_bus *bus, const char *board);
/* A lease of this process: the fd (to be written to by the caller), or negative errno with the error's name. */
int take_lease(sd_bus *bus, const char *board, unsigned int period_ms, char ret_error[64]);
/* A call without result: 0 or negative errno with the error's name without "org.etalon1.Error.". */
int holder_call(sd_bus *bus, const char *path, const char *interface, const char *method,
		char ret_error[64], const char *types, ...);

#endif
