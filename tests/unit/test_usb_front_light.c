// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Light and the USB front end: whatever ends the link makes the board dark within its promises, with cause
 * LINK, and whoever comes next measures again. Events, and machines that send what cannot be.
 */
#include <sys/socket.h>
#include <sys/un.h>

#include "usb_front_bench.h"

#define GATE_NS MS
#define PORT_NS (2 * MS)

/* ---- the log ---- */

static json_int_t number(const json_t *line, const char *key)
{
	return json_integer_value(json_object_get(line, key));
}

static size_t count(const struct board_thread *b, const char *event)
{
	json_t *lines = board_thread_log(b, event);
	const size_t n = json_array_size(lines);

	json_decref(lines);
	return n;
}

/* Of the last line with this event. */
static uint64_t time_of(const struct board_thread *b, const char *event)
{
	json_t *lines = board_thread_log(b, event);
	const uint64_t t =
		(uint64_t)number(json_array_get(lines, json_array_size(lines) - 1), "t_ns");

	json_decref(lines);
	return t;
}

static unsigned int gate_of(const struct board_thread *b)
{
	const struct etalon_hw_description *d = board_description(b->board);
	const struct etalon_hw_source *s = (const void *)((const uint8_t *)d + d->source_offset);
	unsigned int n = 0;

	while (!s[n].is_gate)
		n++;
	return n;
}

/* A port above -40 dBm. */
static void shine(struct usb_bench *t)
{
	const uint32_t power = ETALON_REG_SOURCE(ERB1_LASER_POWER) + ETALON_SOURCE_SETPOINT;
	const uint32_t gate = ETALON_REG_SOURCE(gate_of(t->board)) + ETALON_SOURCE_SETPOINT;
	const size_t before = count(t->board, "port-above");
	const uint64_t until = now_ns() + FRONT_PATIENCE_NS;

	usb_emit(&t->c, 1000);
	ck_assert_uint_eq(usb_client_put64(&t->c, power, 1000000000000), ETALON_HW_RESULT_OK);
	ck_assert_uint_eq(usb_client_put64(&t->c, gate, 1), ETALON_HW_RESULT_OK);
	while (count(t->board, "port-above") == before) {
		usb_client_kick(&t->c);
		ck_assert_uint_lt(now_ns(), until);
	}
}

/* Waits for the step out of EMITTING, and holds the board to its promises from there. */
static void must_be_dark(const struct board_thread *b, size_t states_before)
{
	const uint64_t until = now_ns() + FRONT_PATIENCE_NS;
	json_t *states, *off;
	uint64_t t;

	while (count(b, "state") == states_before)
		ck_assert_uint_lt(now_ns(), until);
	states = board_thread_log(b, "state");
	off = json_array_get(states, states_before);
	ck_assert_str_eq(json_string_value(json_object_get(off, "from")), "emitting");
	ck_assert_str_eq(json_string_value(json_object_get(off, "to")), "tripped");
	ck_assert_int_eq(number(off, "cause"), ETALON_HW_CAUSE_LINK);
	t = (uint64_t)number(off, "t_ns");
	json_decref(states);
	ck_assert_uint_eq(count(b, "port-below"), count(b, "port-above"));
	ck_assert_uint_le(time_of(b, "gate-shut"), t + GATE_NS);
	ck_assert_uint_le(time_of(b, "port-below"), t + PORT_NS);
}

/* ---- how a link ends ---- */

static void by_reset(struct usb_bench *t)
{
	usb_client_reset(&t->c);
}

static void by_no_configuration(struct usb_bench *t)
{
	ck_assert_uint_eq(usb_client_configure(&t->c, 0), usb_redir_success);
}

static void by_another_configuration(struct usb_bench *t)
{
	ck_assert_uint_eq(usb_client_configure(&t->c, 1), usb_redir_success);
}

static void by_death(struct usb_bench *t)
{
	shutdown(t->c.fd, SHUT_RDWR);
}

static void by_cable(struct usb_bench *t)
{
	board_thread_fault(t->board, "{\"fault\": \"cable\"}");
}

static void by_nonsense(struct usb_bench *t)
{
	static const uint8_t nonsense[64] = {0x55, 0xaa};

	usb_client_send_raw(&t->c, nonsense, sizeof(nonsense));
}

static const struct {
	void (*end)(struct usb_bench *t);
	bool gone; /* the connection, too */
} ends[] = {
	{by_reset, false},
	{by_no_configuration, false},
	{by_another_configuration, false},
	{by_death, true},
	{by_cable, true},
	{by_nonsense, true},
};

START_TEST(what_ends_the_link_ends_light_and_the_next_sweep_works)
{
	struct usb_bench *t = usb_bench_open(USB_SUPER_SPEED, false);
	struct etalon_hw_program p = usb_steps(200, 1);
	struct usb_records r = {0};
	uint64_t waits;
	size_t states;

	shine(t);
	usb_start(&t->c, &p); /* and in the middle of a program, with a read that waits */
	waits = usb_client_read(&t->c, 1 << 20);
	ck_assert_uint_eq(usb_client_status(&t->c, waits), usb_redir_success);
	states = count(t->board, "state");
	ends[_i].end(t);
	must_be_dark(t->board, states);
	if (ends[_i].gone) {
		ck_assert(usb_client_hung_up(&t->c));
		usb_client_close(&t->c);
		usb_client_boot(&t->c, t->board->path);
	} else {
		ck_assert_uint_eq(usb_client_configure(&t->c, 1), usb_redir_success);
	}
	ck_assert_uint_eq(usb_client_get(&t->c, ETALON_REG_STATE), ETALON_HW_STATE_TRIPPED);
	ck_assert_uint_eq(usb_client_get(&t->c, ETALON_REG_CAUSES_LATCHED), ETALON_HW_CAUSE_LINK);
	ck_assert_uint_eq(usb_client_get(&t->c, ETALON_REG_CAUSES_LIVE), 0);
	ck_assert_uint_eq(usb_command(&t->c, ETALON_HW_COMMAND_CLEAR), ETALON_HW_RESULT_OK);
	usb_start(&t->c, &p);
	usb_read_to_end(&t->c, 65536, 4, &r);
	ck_assert_uint_eq(((const struct etalon_hw_record *)(const void *)r.bytes)->type,
			  ETALON_HW_RECORD_START); /* nothing of the program that was cut off */
	ck_assert_uint_gt(r.size, 200 * 128);
	free(r.bytes);
	usb_bench_close(t);
}
END_TEST

START_TEST(a_cable_that_was_pulled_from_nobody_does_not_meet_the_next_machine)
{
	struct board_thread *b = board_thread_start(&(struct board_thread_options){
		.front = BOARD_THREAD_USB, .speed = USB_SUPER_SPEED});
	struct usb_client c;

	board_thread_fault(b, "{\"fault\": \"cable\"}");
	usb_client_boot(&c, b->path);
	for (int i = 0; i < 100; i++)
		ck_assert_uint_eq(usb_client_get(&c, ETALON_REG_MAGIC), ETALON_HW_MAGIC);
	usb_client_close(&c);
	board_thread_stop(b);
}
END_TEST

START_TEST(reset_and_cable_bring_registers_back_and_losing_the_configuration_does_not)
{
	struct usb_bench *t = usb_bench_open(USB_HIGH_SPEED, false);

	usb_client_put(&t->c, ETALON_REG_SCRATCH, 0x1234);
	ck_assert_uint_eq(usb_client_configure(&t->c, 0), usb_redir_success);
	ck_assert_uint_eq(usb_client_configure(&t->c, 1), usb_redir_success);
	ck_assert_uint_eq(usb_client_get(&t->c, ETALON_REG_SCRATCH), 0x1234);
	usb_client_reset(&t->c);
	ck_assert_uint_eq(usb_client_configure(&t->c, 1), usb_redir_success);
	ck_assert_uint_eq(usb_client_get(&t->c, ETALON_REG_SCRATCH), 0);
	usb_client_put(&t->c, ETALON_REG_SCRATCH, 0x5678);
	usb_client_close(&t->c);
	usb_client_connect(&t->c, t->board->path);
	ck_assert_uint_eq(usb_client_configure(&t->c, 1), usb_redir_success);
	ck_assert_uint_eq(usb_client_get(&t->c, ETALON_REG_SCRATCH), 0);
	usb_bench_close(t);
}
END_TEST

/* ---- events ---- */

START_TEST(silence_trips_the_watchdog_and_is_an_event)
{
	struct usb_bench *t = usb_bench_open(USB_HIGH_SPEED, false);
	struct etalon_hw_usb_event event;

	ck_assert_uint_eq(usb_client_start_events(&t->c), usb_redir_success);
	usb_emit(&t->c, 50);
	do { /* says nothing from here on */
		event = usb_client_event(&t->c);
	} while (event.state != ETALON_HW_STATE_TRIPPED);
	ck_assert_uint_eq(event.causes_latched, ETALON_HW_CAUSE_WATCHDOG);
	ck_assert_uint_eq(usb_client_get(&t->c, ETALON_REG_STATE), ETALON_HW_STATE_TRIPPED);
	usb_bench_close(t);
}
END_TEST

START_TEST(who_takes_events_late_learns_the_latest_state)
{
	struct usb_bench *t = usb_bench_open(USB_HIGH_SPEED, false);
	struct etalon_hw_usb_event event;

	usb_emit(&t->c, 1000);
	ck_assert_uint_eq(usb_command(&t->c, ETALON_HW_COMMAND_OFF), ETALON_HW_RESULT_OK);
	board_thread_fault(t->board, "{\"fault\": \"aux-in\", \"line\": 0, \"level\": 1}");
	ck_assert_uint_eq(usb_client_start_events(&t->c), usb_redir_success);
	event = usb_client_event(&t->c);
	ck_assert_uint_eq(event.events, ETALON_HW_EVENT_STATE | ETALON_HW_EVENT_AUX);
	ck_assert_uint_eq(event.state, ETALON_HW_STATE_OFF);
	ck_assert_uint_eq(event.aux_in, 1);
	usb_client_get(&t->c, ETALON_REG_MAGIC);
	ck_assert_uint_eq(t->c.events, 0); /* that was all */
	usb_bench_close(t);
}
END_TEST

START_TEST(a_halted_event_endpoint_says_so_and_starts_again)
{
	struct etalon_hw_usb_setup halt = {USB_RECIP_ENDPOINT, USB_REQ_SET_FEATURE,
					   USB_ENDPOINT_HALT, ETALON_HW_USB_EP_EVENTS, 0};
	struct usb_bench *t = usb_bench_open(USB_HIGH_SPEED, false);

	ck_assert_uint_eq(usb_client_start_events(&t->c), usb_redir_success);
	ck_assert_uint_eq(usb_client_out(&t->c, halt, NULL), usb_redir_success);
	ck_assert_uint_eq(usb_client_status(&t->c, 0), usb_redir_stall); /* unasked: id 0 */
	ck_assert_uint_eq(usb_client_start_events(&t->c), usb_redir_stall);
	halt.request = USB_REQ_CLEAR_FEATURE;
	ck_assert_uint_eq(usb_client_out(&t->c, halt, NULL), usb_redir_success);
	ck_assert_uint_eq(usb_client_start_events(&t->c), usb_redir_success);
	board_thread_fault(t->board, "{\"fault\": \"interlock-open\"}");
	while (usb_client_event(&t->c).causes_live != ETALON_HW_CAUSE_INTERLOCK)
		;
	usb_bench_close(t);
}
END_TEST

/* ---- machines that send what cannot be ---- */

#define MESSAGE(...) (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})
#define HEAD(type, length) type, 0, 0, 0, length, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0

static const struct {
	const uint8_t *bytes;
	size_t size;
	const char *reason;
} messages[] = {
	{MESSAGE(HEAD(99, 0)), "packet type"},
	{MESSAGE(HEAD(usb_redir_device_connect, 10)), "packet type"}, /* a device's word */
	{MESSAGE(HEAD(usb_redir_reset, 5), 1, 2, 3, 4, 5), "length"},
	{MESSAGE(HEAD(usb_redir_set_configuration, 0)), "length"},
	{MESSAGE(HEAD(usb_redir_bulk_packet, 14), 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4),
	 ""}, /* is right: an upload of 4 bytes; what follows is not */
	{MESSAGE(HEAD(usb_redir_bulk_packet, 12), 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 1, 2), "len"},
	{MESSAGE(HEAD(usb_redir_control_packet, 10), 0x80, 0, 0x41, 0, 0, 0, 0, 0, 4, 0),
	 "directions differ"},
	{MESSAGE(HEAD(usb_redir_start_iso_stream, 3), 0x81, 1, 1), "isochronous"},
	{MESSAGE(HEAD(usb_redir_start_interrupt_receiving, 1), 0x81), "has none"},
	{MESSAGE(HEAD(usb_redir_device_disconnect_ack, 0)), "disconnect_ack"},
	{MESSAGE(HEAD(usb_redir_filter_reject, 0)), "filter"},
	{MESSAGE(HEAD(usb_redir_filter_filter, 1), 0), "filter"},
	{MESSAGE(HEAD(usb_redir_alloc_bulk_streams, 8), 0, 0, 2, 0, 1, 0, 0, 0), "streams"},
	{MESSAGE(HEAD(usb_redir_start_bulk_receiving, 10), 0, 0, 0, 0, 0, 2, 0, 0, 0x81, 1),
	 "bulk_receiving"},
	{MESSAGE(HEAD(usb_redir_iso_packet, 4), 0x01, 0, 0, 0), "isochronous"},
	{MESSAGE(HEAD(usb_redir_interrupt_packet, 4), 0x01, 0, 0, 0), "interrupt OUT"},
};

START_TEST(a_message_that_cannot_be_ends_the_connection_and_says_why)
{
	struct usb_bench *t = usb_bench_open(USB_SUPER_SPEED, false);
	const char *reason;

	usb_client_send_raw(&t->c, messages[_i].bytes, messages[_i].size);
	if (!*messages[_i].reason) {
		ck_assert_uint_eq(usb_client_status(&t->c, 9), usb_redir_success);
		ck_assert_uint_eq(usb_client_get(&t->c, ETALON_REG_RESULT),
				  ETALON_HW_REFUSED_UPLOAD);
		usb_bench_close(t);
		return;
	}
	ck_assert(usb_client_hung_up(&t->c));
	reason = usb_drop_reason(t->board);
	ck_assert_msg(strstr(reason, messages[_i].reason), "message %d: '%s'", _i, reason);
	usb_client_close(&t->c);
	usb_client_boot(&t->c, t->board->path); /* the next one is welcome */
	ck_assert_uint_eq(usb_client_get(&t->c, ETALON_REG_MAGIC), ETALON_HW_MAGIC);
	usb_bench_close(t);
}
END_TEST

START_TEST(nothing_is_taken_before_hello)
{
	struct board_thread *b = board_thread_start(&(struct board_thread_options){
		.front = BOARD_THREAD_USB, .speed = USB_SUPER_SPEED});
	static const uint8_t set_configuration[] = {6, 0, 0, 0, 1, 0, 0, 0, 9, 0, 0, 0, 1};
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	uint8_t byte;

	strcpy(address.sun_path, b->path);
	ck_assert_int_eq(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(write_all(fd, set_configuration, sizeof(set_configuration)), 0);
	while (read(fd, &byte, 1) > 0)
		;
	close(fd);
	ck_assert_str_eq(usb_drop_reason(b), "the first message is not hello");
	ck_assert_uint_eq(count(b, "configuration"), 0);
	board_thread_stop(b);
}
END_TEST

static void many_controls(struct usb_bench *t)
{
	board_thread_fault(t->board, "{\"fault\": \"hang\", \"for_ms\": 60000}");
	for (int i = 0; i < 65; i++)
		usb_client_ask(&t->c, usb_client_registers(true, ETALON_REG_MAGIC, 4), NULL);
}

static void many_reads(struct usb_bench *t)
{
	for (int i = 0; i < 1025; i++)
		usb_client_read(&t->c, 512);
}

START_TEST(too_many_requests_at_once_end_the_connection)
{
	static const struct {
		void (*flood)(struct usb_bench *t);
		const char *reason;
	} floods[] = {
		{many_controls, "too many control transfers at once"},
		{many_reads, "too many reads of records at once"},
	};
	struct usb_bench *t = usb_bench_open(USB_SUPER_SPEED, false);

	floods[_i].flood(t);
	ck_assert(usb_client_hung_up(&t->c));
	ck_assert_str_eq(usb_drop_reason(t->board), floods[_i].reason);
	usb_bench_close(t);
}
END_TEST

/* Asks for ever and never reads: its requests are not taken any more, and the board goes on. */
START_TEST(a_machine_that_does_not_read_cannot_hold_the_board_up)
{
	static const uint8_t ask[] = {HEAD(usb_redir_control_packet, 10),
				      0x80,
				      ETALON_HW_USB_REQUEST_REGISTERS,
				      0xc1,
				      0,
				      0,
				      0,
				      0,
				      1,
				      0,
				      16}; /* 4096 bytes of description */
	struct usb_bench *t = usb_bench_open(USB_SUPER_SPEED, false);
	int refused = 0;
	size_t states;

	shine(t);
	states = count(t->board, "state");
	for (int i = 0; i < 1000000 && refused < 100; i++) {
		const ssize_t n = send(t->c.fd, ask, sizeof(ask), MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n == sizeof(ask))
			continue;
		ck_assert_int_lt(n, 0);
		refused++;
		usleep(1000);
	}
	ck_assert_int_eq(refused, 100);
	board_thread_fault(t->board, "{\"fault\": \"aux-in\", \"line\": 0, \"level\": 1}");
	while (count(t->board, "state") == states) /* nobody kicks */
		usleep(10000);
	shutdown(t->c.fd, SHUT_RDWR); /* unread answers do not hide that */
	usb_client_close(&t->c);
	usb_client_boot(&t->c, t->board->path);
	ck_assert_uint_eq(usb_client_get(&t->c, ETALON_REG_LAST_OFF_CAUSE),
			  ETALON_HW_CAUSE_WATCHDOG);
	usb_bench_close(t);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("usb front light");
	TCase *tcase = tcase_create("light");

	tcase_set_timeout(tcase, 120);
	tcase_add_loop_test(tcase, what_ends_the_link_ends_light_and_the_next_sweep_works, 0,
			    ARRAY_SIZE(ends));
	tcase_add_test(tcase, a_cable_that_was_pulled_from_nobody_does_not_meet_the_next_machine);
	tcase_add_test(tcase,
		       reset_and_cable_bring_registers_back_and_losing_the_configuration_does_not);
	tcase_add_test(tcase, silence_trips_the_watchdog_and_is_an_event);
	tcase_add_test(tcase, who_takes_events_late_learns_the_latest_state);
	tcase_add_test(tcase, a_halted_event_endpoint_says_so_and_starts_again);
	tcase_add_loop_test(tcase, a_message_that_cannot_be_ends_the_connection_and_says_why, 0,
			    ARRAY_SIZE(messages));
	tcase_add_test(tcase, nothing_is_taken_before_hello);
	tcase_add_loop_test(tcase, too_many_requests_at_once_end_the_connection, 0, 2);
	tcase_add_test(tcase, a_machine_that_does_not_read_cannot_hold_the_board_up);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
