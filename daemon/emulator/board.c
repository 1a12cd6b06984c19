// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The board model's life and its two clocks; what happens in which order as time passes.
 */
#include "emulator/board.h"

#include <errno.h>
#include <inttypes.h>

#include "base/util.h"
#include "emulator/board_internal.h"
#include "emulator/effects.h"

#define SLICE_SAMPLES 1024 /* about a millisecond of work for the sequencer */
#define BATCH_NS 500000 /* points are made in batches of this length */
#define LIVE_APERTURE_NS 20000000

/* ---- clocks ---- */

int64_t board_time(const struct board *b, uint64_t real_ns)
{
	return (int64_t)(real_ns - b->power_on_ns) + b->skew_ns;
}

uint64_t board_real(const struct board *b, int64_t board_ns)
{
	return (uint64_t)(board_ns - b->skew_ns) + b->power_on_ns;
}

uint64_t board_tick(const struct board *b, int64_t board_ns)
{
	return (uint64_t)board_ns * 1000 / b->description->tick_ps;
}

int64_t board_now(const struct board *b)
{
	return board_time(b, b->real_ns);
}

void board_clock_follows(struct board *b, int64_t board_ns)
{
	if (b->config.speed_max && board_ns > board_now(b))
		b->skew_ns += board_ns - board_now(b);
}

void board_result(struct board *b, uint32_t result, uint32_t detail, int64_t low, int64_t high)
{
	b->result = (struct refusal){result, detail, low, high};
}

void board_notify(struct board *b, uint32_t events)
{
	const struct etalon_hw_usb_event event = {
		.events = events,
		.state = b->safety.state,
		.causes_live = b->safety.live,
		.causes_latched = b->safety.latched,
		.sequencer = b->sequencer.state,
		.aux_in = (b->aux.in & ~b->aux.direction) | (b->aux.out & b->aux.direction),
		.tick = board_tick(b, board_now(b)),
		.lost = records_lost(b->records),
		.status_bits = safety_status_bits(b),
		.last_off_cause = b->safety.last_off_cause,
	};

	if (b->config.event)
		b->config.event(b->config.userdata, &event);
	dma_event(b, events);
}

uint64_t board_record_rate_max(const struct board *b)
{
	const struct erb1_parameters *p = &b->parameters;

	if (b->config.host)
		return (uint64_t)p->pcie_record_rate_max;
	switch (b->config.bus) {
	case BOARD_USB_HIGH_SPEED:
		return (uint64_t)p->high_speed_record_rate_max;
	case BOARD_USB_SUPER_SPEED:
		return (uint64_t)p->super_speed_record_rate_max;
	default:
		return (uint64_t)p->record_rate_max;
	}
}

/* ---- life ---- */

static int find_effects(struct board *b, const char *disabled, char **ret_message)
{
	uint32_t enabled;
	int r = effects_parse(disabled, &enabled, ret_message);

	if (r < 0)
		return r;
	b->effects = enabled;
	return 0;
}

static int describe(struct board *b)
{
	const struct erb1_identity identity = {.serial = b->config.serial, .seed = b->config.seed};
	void *description = NULL;
	int r = erb1_describe(&b->parameters, &identity, &description, &b->description_size);

	if (r < 0)
		return r;
	b->description = description;
	b->source = hw_sources(b->description);
	b->detector = hw_detectors(b->description);
	return 0;
}

static void power_on(struct board *b)
{
	safety_reset(b);
	sources_reset(b);
	compliance_reset(b);
	dma_reset(b);
	for (unsigned int n = 0; n < b->description->detector_count; n++)
		b->detector_state[n] = (struct detector_state){
			.range = (uint8_t)b->detector[n].range_default,
			.switched_ns = INT64_MIN / 2,
			.overload_ns = INT64_MIN,
			.slow_number = -1,
		};
	b->wide.read_address = b->wide.write_address = UINT32_MAX;
	b->sequencer.due_ns = b->sequencer.status_due_ns = NEVER_NS;
	board_plant_begin(b, 0);
	live_restart(b, LIVE_APERTURE_NS);
}

int board_new(const struct board_config *config, struct plant *plant, uint64_t now_ns,
	      struct board **ret, char **ret_message)
{
	_cleanup_(board_freep) struct board *b = calloc(1, sizeof(*b));
	int r;

	if (!b)
		return -ENOMEM;
	b->config = *config;
	b->parameters = *config->parameters;
	b->log = config->log;
	b->plant = plant;
	b->power_on_ns = b->real_ns = b->given_ns = now_ns;
	r = find_effects(b, config->disabled_effects, ret_message);
	if (r < 0)
		return r;
	r = describe(b);
	if (r < 0)
		return r;
	r = faults_new(&b->faults);
	if (r < 0)
		return r;
	r = records_new((uint32_t)b->parameters.fifo_records, &b->records);
	if (r < 0)
		return r;
	power_on(b);
	event_log_line(b->log, now_ns, 0, "power-on", "\"serial\":\"%s\",\"tick_ps\":%u",
		       b->description->serial, b->description->tick_ps);
	*ret = take_ptr(b);
	return 0;
}

static void forget_uploads(struct board *b)
{
	for (size_t i = 0; i < LISTS; i++)
		free(b->upload.list[i].values);
	b->upload = (struct upload){0};
}

struct board *board_free(struct board *b)
{
	if (!b)
		return NULL;
	sequencer_free(&b->sequencer);
	forget_uploads(b);
	records_free(b->records);
	faults_free(b->faults);
	dma_free(&b->dma);
	free(b->description);
	free(b);
	return NULL;
}

const struct etalon_hw_description *board_description(const struct board *b)
{
	return b->description;
}

/* ---- time passes ---- */

static void advance_to(struct board *b, uint64_t real_ns)
{
	b->real_ns = MAX(b->real_ns, real_ns);
	/* As fast as it can: to its end, but for a start edge, which comes in real time. */
	if (b->config.speed_max && b->sequencer.state == ETALON_HW_SEQUENCER_RUNNING)
		sequencer_run(b, NEVER_NS - 1);
	else
		sequencer_run(b, board_now(b));
}

static void pass(struct board *b, uint64_t now_ns, bool watchdog_waits)
{
	b->given_ns = MAX(b->given_ns, now_ns);
	b->sequencer.budget = SLICE_SAMPLES;
	for (;;) {
		const uint64_t safety = safety_deadline(b), fault = faults_deadline(b->faults);
		const uint64_t deadline = MIN(safety, fault);

		if (deadline > b->given_ns)
			break;
		advance_to(b, deadline);
		if (watchdog_waits && safety <= fault && safety == b->safety.watchdog_deadline)
			return; /* a kick may be on its way in */
		if (fault < safety)
			faults_expire(b, fault);
		else
			safety_expire(b);
	}
	advance_to(b, b->given_ns);
}

void board_catch_up(struct board *b, uint64_t now_ns)
{
	pass(b, now_ns, true);
}

void board_advance(struct board *b, uint64_t now_ns)
{
	pass(b, now_ns, false);
	dma_move(b);
}

/* Real time at which the sequencer wants to go on. */
static uint64_t sequencer_deadline(const struct board *b)
{
	const int64_t due = sequencer_due(b);

	if (due == NEVER_NS)
		return UINT64_MAX;
	if (b->config.speed_max && b->sequencer.state == ETALON_HW_SEQUENCER_RUNNING)
		return sequencer_has_room(b) ? b->real_ns : UINT64_MAX;
	if (due <= board_now(b))
		return b->real_ns; /* the slice was used up */
	return MAX(board_real(b, due), b->real_ns + BATCH_NS);
}

uint64_t board_next_deadline(const struct board *b)
{
	const uint64_t causes = MIN(safety_deadline(b), faults_deadline(b->faults));

	return MIN(causes, MIN(sequencer_deadline(b), dma_deadline(b)));
}

/* ---- the link ---- */

void board_link_up(struct board *b)
{
	if (b->link_up)
		return;
	b->link_up = true;
	records_flush(b->records);
	b->wide.read_address = b->wide.write_address = UINT32_MAX;
	safety_level(b, ETALON_HW_CAUSE_LINK, false, b->given_ns);
}

void board_link_down(struct board *b)
{
	if (!b->link_up)
		return;
	b->link_up = false;
	safety_level(b, ETALON_HW_CAUSE_LINK, true, b->given_ns);
	sequencer_stop(b, ETALON_HW_END_RESET, board_now(b));
}

static void reset_registers(struct board *b)
{
	sequencer_free(&b->sequencer);
	sequencer_set_state(b, ETALON_HW_SEQUENCER_IDLE);
	forget_uploads(b);
	sources_reset_settings(b);
	b->safety.watchdog_ns = 0;
	for (unsigned int n = 0; n < b->description->detector_count; n++) {
		struct detector_state *d = &b->detector_state[n];

		if (d->range != b->detector[n].range_default)
			d->switched_ns = board_now(b);
		d->range = (uint8_t)b->detector[n].range_default;
	}
	live_restart(b, LIVE_APERTURE_NS);
	b->aux.direction = b->aux.out = b->aux.edges = 0;
	b->scratch = 0;
	b->wide.read_address = b->wide.write_address = UINT32_MAX;
	board_result(b, ETALON_HW_RESULT_OK, 0, 0, 0);
	dma_reset(b);
}

void board_reset(struct board *b)
{
	const bool up = b->link_up;

	board_link_down(b);
	sources_off(b, board_now(b));
	light_off(b, board_now(b));
	reset_registers(b);
	event_log_line(b->log, b->given_ns, board_tick(b, board_now(b)), "reset", NULL);
	if (up)
		board_link_up(b);
}

static int64_t *copy_list(const uint8_t *bytes, size_t size)
{
	int64_t *values = malloc(MAX(size, sizeof(int64_t)));

	if (values)
		memcpy(values, bytes, size);
	return values;
}

static bool upload_list(struct board *b, const struct etalon_hw_upload *head, const uint8_t *bytes)
{
	struct uploaded_list *list = &b->upload.list[head->list];
	int64_t *values;

	if (!head->size || head->size % sizeof(int64_t) ||
	    head->size / sizeof(int64_t) > b->description->list_points_max)
		return false;
	values = copy_list(bytes, head->size);
	if (!values)
		return false;
	free(list->values);
	list->values = values;
	list->points = head->size / sizeof(int64_t);
	return true;
}

static bool upload(struct board *b, const uint8_t *bytes, size_t size)
{
	struct etalon_hw_upload head;

	if (size < sizeof(head))
		return false;
	memcpy(&head, bytes, sizeof(head));
	if (head.magic != ETALON_HW_UPLOAD_MAGIC || head.size != size - sizeof(head) ||
	    head.crc != crc32c(0, bytes + sizeof(head), head.size))
		return false;
	if (head.kind == ETALON_HW_UPLOAD_LIST && head.list < ETALON_HW_LISTS_MAX)
		return upload_list(b, &head, bytes + sizeof(head));
	if (head.kind != ETALON_HW_UPLOAD_PROGRAM || head.size != sizeof(b->upload.program))
		return false;
	memcpy(&b->upload.program, bytes + sizeof(head), sizeof(b->upload.program));
	b->upload.have_program = true;
	return true;
}

void board_upload(struct board *b, const void *bytes, size_t size)
{
	const bool ok = upload(b, bytes, size);
	struct etalon_hw_upload head = {0};

	memcpy(&head, bytes, MIN(size, sizeof(head)));
	/* A torn upload spoils what LOAD would load, until a whole program has come. */
	if (!ok)
		b->upload.torn = true;
	else if (head.kind == ETALON_HW_UPLOAD_PROGRAM)
		b->upload.torn = false;
	board_result(b, ok ? ETALON_HW_RESULT_OK : ETALON_HW_REFUSED_UPLOAD, 0, 0, 0);
	event_log_line(b->log, b->real_ns, board_tick(b, board_now(b)), "upload",
		       "\"kind\":%u,\"list\":%u,\"bytes\":%zu,\"result\":%u", head.kind, head.list,
		       size, b->result.result);
}

const void *board_records_peek(struct board *b, size_t max_bytes, size_t *ret_bytes)
{
	return faults_stalled(b->faults) ? NULL : records_peek(b->records, max_bytes, ret_bytes);
}

void board_records_consume(struct board *b, size_t bytes)
{
	records_consume(b->records, bytes);
}

/* ---- what happens to it ---- */

int board_fault(struct board *b, const json_t *fault, char **ret_message)
{
	return faults_add(b, fault, ret_message);
}

uint64_t board_hangs_until(const struct board *b)
{
	return faults_hang_until(b->faults);
}

bool board_takes_cable(struct board *b)
{
	return faults_take_cable(b->faults);
}

bool board_takes_usb_fault(struct board *b, enum board_usb_fault fault)
{
	return faults_take_usb(b->faults, fault);
}

enum board_usb_lie board_usb_lie(const struct board *b)
{
	return faults_usb_lie(b->faults);
}

bool board_is_hostile(const struct board *b)
{
	return hostile_active(b);
}

size_t board_spoil(struct board *b, void *bytes, size_t size)
{
	return hostile_bytes(b, bytes, size);
}

void board_spoil_records(struct board *b, void *records, size_t bytes)
{
	hostile_records(b, records, bytes);
}

void board_log(struct board *b, const char *event, const char *members)
{
	event_log_line(b->log, b->given_ns, board_tick(b, board_now(b)), event,
		       members ? "%s" : NULL, members);
}
