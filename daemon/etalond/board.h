/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One board: its link, its safety state, its lease, its light. Layer: etalond, main loop only.
 *
 * A board is added when it is first opened, stays (state gone) while it is away, and is
 * removed and added again when it comes back.
 */
#ifndef ETALON_ETALOND_BOARD_H
#define ETALON_ETALOND_BOARD_H

#include "etalond/board_io.h"
#include "etalond/context.h"
#include "etalond/facts.h"
#include "etalond/lease.h"
#include "etalond/zero.h"

struct setpoint {
	unsigned int source;
	int64_t value;
};

/* Opens a link; runs on the board's I/O thread and may take its time. */
struct board_opener {
	int (*open)(void *userdata, struct link **ret, char **ret_message);
	void *userdata;
	const char *address; /* shown, and watched for when it is a path */
	bool is_path;
};

struct board_reads;
struct connector;

struct board {
	struct board *next;
	struct context *context;
	struct board_opener opener;
	char *address;
	bool tried; /* to open it, at least once */
	bool complained; /* that it cannot be opened */
	struct board_io *io;
	struct connector *connector;

	/* What was opened; valid while known. */
	bool known; /* it has been open: it has a serial number and is observed */
	bool present; /* the link is open */
	const char *link_name;
	struct link *link; /* for a job's own thread; NULL when gone */
	struct facts *facts; /* description and site as one board */
	char *site_problem; /* why the site's limits do not fit: then no light */

	struct board_status status; /* as last told by the board */
	int64_t *setpoints; /* one for each source, as last set */
	uint64_t live_aperture_ns;
	struct board_reads *reads;
	struct zero zero; /* for live readings */

	/* What last ended light. */
	char *last_off_cause;
	uint64_t last_off_ns; /* CLOCK_REALTIME */
	char *dark_reason; /* why we commanded OFF, until the board says that it is off */

	struct lease *lease;
	char gate_opener[32]; /* on the bus; answers for the open gate, "" nobody */
	sd_event_source *kick_timer;
	bool emit_pending; /* ARM and EMIT are on their way */
	bool kick_pending;
	unsigned int dark_pending; /* OFF commands on their way */

	struct job *job; /* the one that runs here */
	uint32_t generation; /* of programs */
};

/* Completion of a request, on the main loop; message may be NULL when error is 0. */
typedef void (*board_done_t)(struct board *board, int error, const char *message, void *userdata);

/* ---- life (board_connect.c) ---- */
int board_add(struct context *ctx, const struct board_opener *opener, struct board **ret);
struct board *board_remove(struct board *board);
/* For those who know whether there is something to open: no attempts while it has vanished. */
void board_appeared(struct board *board);
void board_vanished(struct board *board);
/* Has the first attempt to open it ended, either way? */
bool board_tried(const struct board *board);
/* The link failed: everything that depended on it ends. */
void board_gone(struct board *board, const char *why);
/* A job has ended and no longer uses the link: closes what is gone, opens again. */
void board_job_ended(struct board *board);
/* On the I/O thread, board in OFF: limits of every emitting or site-limited source. */
int board_write_limits(struct link *link, const struct facts *facts,
		       struct link_refusal *ret_refusal);

/* ---- state (board.c) ---- */
struct board *board_by_serial(struct context *ctx, const char *serial);
const char *board_serial(const struct board *board);
const char *board_state_text(const struct board *board); /* "off" ... "gone" */
bool board_is_lit(const struct board *board); /* ARMED, DELAY or EMITTING */
bool board_gate_is_open(const struct board *board);
void board_apply_status(struct board *board, const struct board_status *status);
/* Sentences why light is not possible now: a NULL-terminated list to be freed with strv_free. */
char **board_why_dark(const struct board *board);
void board_changed(struct board *board, unsigned int what);
/* Records what ended light, now or at `when_ns`. */
void board_record_off(struct board *board, const char *cause, uint64_t when_ns);
/* The same end of light in fuller words, which were not known in time. */
void board_retell_off(struct board *board, const char *cause, const char *fuller);
/* "the board tripped: the interlock is open": malloc'ed. */
char *board_trip_text(uint32_t causes);
/* Effective limits of a source, and who set them: "hardware" or "site". */
const char *board_limits(const struct board *board, unsigned int source, int64_t *ret_low,
			 int64_t *ret_high);

/* ---- lease (board_lease.c) ---- */
int board_lease(struct board *board, uint32_t period_ms, const struct lease_holder *holder,
		bool take_over, int *ret_fd, char **ret_message);
/* Ends the lease: light off, the client told. Harmless without one. */
void board_end_lease(struct board *board, const char *why);
/* Who answers for an open gate from now on: when it leaves the bus, the gate is shut. NULL: nobody. */
void board_gate_opened_by(struct board *board, const char *name);
/* A client has left the bus: its lease, its job's light and the gate that it opened end. */
void board_client_left(struct board *board, const char *name);
/* -ENOLCK or -EUSERS when this actor may not bring light. */
int board_may_emit(const struct board *board, const struct actor *actor, char **ret_message);
/* Starts or stops kicking, whatever the state asks for. */
void board_update_kicks(struct board *board);

/* ---- light (board_light.c) ---- */
/* Sets sources, arms, emits. The caller has asked board_may_emit(). */
void board_emit(struct board *board, const struct setpoint *setpoints, size_t count,
		board_done_t done, void *userdata);
/* done may be NULL. */
void board_off(struct board *board, const char *why, board_done_t done, void *userdata);
void board_gate(struct board *board, bool open, board_done_t done, void *userdata);
void board_set(struct board *board, const struct setpoint *setpoints, size_t count,
	       board_done_t done, void *userdata);
void board_clear(struct board *board, board_done_t done, void *userdata);
/* Asks the board for the setpoints of these sources (bit n: source n), which a program has moved, and of those that Off moved. */
void board_refresh_setpoints(struct board *board, uint64_t sources);
/* Limits and resolution of all of them, before any is set. */
int board_check_setpoints(const struct board *board, const struct setpoint *setpoints, size_t count,
			  char **ret_message);
bool board_source_emits(const struct board *board, unsigned int source);

/* ---- readings (board_take_readings.c) ---- */
struct reading {
	unsigned int detector;
	unsigned int range;
	double value; /* SI, dark taken off where it is known */
	double power_w; /* NaN without responsivity */
	double sigma; /* SI, of one reading with no light */
	struct zero_level zero; /* the dark that was taken off; run 0: none */
	bool saturated, settling;
	int32_t raw_q8;
};

struct range_choice {
	unsigned int detector;
	unsigned int range;
};

typedef void (*board_read_done_t)(int error, const char *message, const struct facts *facts,
				  const struct reading *readings, size_t count, void *userdata);

/* Detectors now, gate and light as they are. aperture_ns 0: as it is. The arrays are copied. */
int board_take_readings(struct board *board, const unsigned int *detectors, size_t count,
			uint64_t aperture_ns, const struct range_choice *ranges, size_t range_count,
			board_read_done_t done, void *userdata, char **ret_message);
struct board_reads *board_reads_free(struct board *board);

#endif
