// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The socket front end over a real socket, with a client of its own: section 7 of hw.h, the
 * main job, silence, a pulled cable, peers that misbehave, live faults.
 */
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "board_bench.h"
#include "board_thread.h"
#include "emulator/options.h"
#include "emulator/socket.h"

#define PATIENCE_MS 20000

static struct board_thread *start_emulator(bool speed_max)
{
	return board_thread_start(&(struct board_thread_options){.front = BOARD_THREAD_SOCKET,
								 .speed_max = speed_max});
}

/* ---- a client ---- */

static int dial(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const struct timeval patience = {.tv_sec = PATIENCE_MS / 1000};
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, path);
	ck_assert_int_eq(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	return fd;
}

static void send_message(int fd, uint16_t kind, uint16_t endpoint, struct etalon_hw_usb_setup setup,
			 const void *data, uint32_t size)
{
	const struct etalon_hw_stream h = {
		ETALON_HW_STREAM_MAGIC, kind, endpoint, 7, 0, size, setup, 0};

	char *whole = malloc(sizeof(h) + size);

	/* In one piece: a board that dislikes the header may hang up before a second one. */
	ck_assert_ptr_nonnull(whole);
	memcpy(whole, &h, sizeof(h));
	if (size)
		memcpy(whole + sizeof(h), data, size);
	ck_assert_int_eq(write_all(fd, whole, sizeof(h) + size), 0);
	free(whole);
}

/* Header of the next message; its payload, of at most `size` bytes, to `data`. */
static struct etalon_hw_stream receive(int fd, void *data, size_t size)
{
	struct etalon_hw_stream h;

	ck_assert_int_eq(read_all(fd, &h, sizeof(h)), 0);
	ck_assert_uint_eq(h.magic, ETALON_HW_STREAM_MAGIC);
	ck_assert_uint_le(h.length, size);
	if (h.length)
		ck_assert_int_eq(read_all(fd, data, h.length), 0);
	return h;
}

static int attach_status(int fd, uint16_t endpoint)
{
	struct etalon_hw_stream h;

	send_message(fd, ETALON_HW_STREAM_ATTACH, endpoint, (struct etalon_hw_usb_setup){0}, NULL,
		     0);
	h = receive(fd, NULL, 0);
	ck_assert_uint_eq(h.kind, ETALON_HW_STREAM_ATTACH);
	ck_assert_uint_eq(h.tag, 7);
	return h.status;
}

static int attach(const struct board_thread *e, uint16_t endpoint)
{
	const int fd = dial(e->path);

	ck_assert_int_eq(attach_status(fd, endpoint), 0);
	return fd;
}

static struct etalon_hw_usb_setup setup(bool in, uint8_t request, uint32_t address, uint16_t length)
{
	return (struct etalon_hw_usb_setup){
		.request_type = in ? 0xc1 : 0x41,
		.request = request,
		.value = (uint16_t)address,
		.index = (uint16_t)(address >> 16 << 8),
		.length = length,
	};
}

static void read_space(int fd, uint32_t address, void *data, uint16_t size)
{
	struct etalon_hw_stream h;

	send_message(fd, ETALON_HW_STREAM_CONTROL, 0,
		     setup(true, ETALON_HW_USB_REQUEST_REGISTERS, address, size), NULL, 0);
	h = receive(fd, data, size);
	ck_assert_uint_eq(h.kind, ETALON_HW_STREAM_CONTROL);
	ck_assert_int_eq(h.status, 0);
	ck_assert_uint_eq(h.length, size);
}

static uint32_t get(int fd, uint32_t address)
{
	uint32_t value;

	read_space(fd, address, &value, sizeof(value));
	return value;
}

static void write_space(int fd, uint32_t address, const void *data, uint16_t size)
{
	struct etalon_hw_stream h;

	send_message(fd, ETALON_HW_STREAM_CONTROL, 0,
		     setup(false, ETALON_HW_USB_REQUEST_REGISTERS, address, size), data, size);
	h = receive(fd, NULL, 0);
	ck_assert_int_eq(h.status, 0);
}

static uint32_t put(int fd, uint32_t address, uint32_t value)
{
	write_space(fd, address, &value, sizeof(value));
	return get(fd, ETALON_REG_RESULT);
}

static uint32_t put64(int fd, uint32_t address, int64_t value)
{
	write_space(fd, address, &value, sizeof(value));
	return get(fd, ETALON_REG_RESULT);
}

static void kick(int fd)
{
	const uint32_t word = ETALON_HW_KICK;

	write_space(fd, ETALON_REG_KICK, &word, sizeof(word));
}

/* Waits in steps that each ask the board: there is nothing to sleep on. */
static void await_state(int fd, uint32_t state, bool kicks)
{
	const uint64_t until = now_ns() + PATIENCE_MS * MS;

	while (get(fd, ETALON_REG_STATE) != state) {
		if (kicks)
			kick(fd);
		ck_assert_uint_lt(now_ns(), until);
	}
}

static void emit(int fd, uint32_t watchdog_ms)
{
	for (size_t i = 0; i < ARRAY_SIZE(bench_laser_limits); i++) {
		const uint32_t base = ETALON_REG_SOURCE(bench_laser_limits[i].source);

		ck_assert_uint_eq(
			put64(fd, base + ETALON_SOURCE_LIMIT_LOW, bench_laser_limits[i].low), 0);
		ck_assert_uint_eq(
			put64(fd, base + ETALON_SOURCE_LIMIT_HIGH, bench_laser_limits[i].high), 0);
	}
	ck_assert_uint_eq(put(fd, ETALON_REG_WATCHDOG_NS, watchdog_ms * (uint32_t)MS), 0);
	ck_assert_uint_eq(put(fd, ETALON_REG_COMMAND, ETALON_HW_COMMAND_ARM), 0);
	ck_assert_uint_eq(put(fd, ETALON_REG_COMMAND, ETALON_HW_COMMAND_EMIT), 0);
	await_state(fd, ETALON_HW_STATE_EMITTING, true);
}

static void upload(int fd, const struct etalon_hw_program *p)
{
	struct {
		struct etalon_hw_upload head;
		struct etalon_hw_program program;
	} u = {
		{ETALON_HW_UPLOAD_MAGIC, ETALON_HW_UPLOAD_PROGRAM, 0, sizeof(*p),
		 crc32c(0, p, sizeof(*p))},
		*p,
	};

	send_message(fd, ETALON_HW_STREAM_BULK_OUT, ETALON_HW_USB_EP_UPLOAD,
		     (struct etalon_hw_usb_setup){0}, &u, sizeof(u));
	ck_assert_uint_eq(receive(fd, NULL, 0).kind, ETALON_HW_STREAM_BULK_OUT);
	ck_assert_uint_eq(get(fd, ETALON_REG_RESULT), ETALON_HW_RESULT_OK);
}

static struct etalon_hw_program ramp_program(uint32_t points)
{
	struct etalon_hw_program p = bench_program();

	bench_gang(bench_axis(&p, ETALON_HW_MODE_RAMP, ETALON_HW_FORWARD, points),
		   ERB1_LASER_WAVELENGTH, 1550000000, 1550000000 + 2000 * (int64_t)(points - 1));
	p.gate = ETALON_HW_GATE_OPEN;
	p.flags = ETALON_HW_PROGRAM_NEEDS_EMISSION;
	return p;
}

/* Reads records to END; counts points and checks the sequence and the CRC. */
static struct etalon_hw_record_end read_to_end(int records, int control, uint64_t *ret_points)
{
	uint8_t *buffer = malloc(1 << 20);
	struct etalon_hw_record_end end = {0};
	uint64_t next = 0, points = 0;
	uint32_t crc = 0;

	while (!end.head.magic) {
		const struct etalon_hw_stream h = receive(records, buffer, 1 << 20);

		ck_assert_uint_eq(h.kind, ETALON_HW_STREAM_BULK_IN);
		if (control >= 0)
			kick(control);
		for (size_t at = 0; at < h.length;) {
			const struct etalon_hw_record *r = (const void *)(buffer + at);

			ck_assert_uint_le(at + r->size, h.length); /* whole records only */
			ck_assert(next == 0 || r->sequence == next);
			next = r->sequence + 1;
			if (r->type == ETALON_HW_RECORD_POINT) {
				crc = crc32c(crc, r + 1, r->size - sizeof(*r));
				points++;
			}
			if (r->type == ETALON_HW_RECORD_END)
				memcpy(&end, r, sizeof(end));
			at += r->size;
		}
	}
	ck_assert_uint_eq(end.crc, crc);
	*ret_points = points;
	free(buffer);
	return end;
}

/* ---- tests ---- */

START_TEST(a_host_attaches_identifies_describes_measures_and_is_dark_at_the_end)
{
	struct board_thread *e = start_emulator(_i);
	const int control = attach(e, 0), records = attach(e, ETALON_HW_USB_EP_RECORDS);
	const struct etalon_hw_program p = ramp_program(3001);
	struct etalon_hw_usb_identity identity;
	struct etalon_hw_record_end end;
	struct etalon_hw_description *d;
	uint64_t points;
	uint32_t size;

	send_message(control, ETALON_HW_STREAM_CONTROL, 0,
		     setup(true, ETALON_HW_USB_REQUEST_IDENTITY, 0, sizeof(identity)), NULL, 0);
	ck_assert_uint_eq(receive(control, &identity, sizeof(identity)).length, sizeof(identity));
	ck_assert_uint_eq(identity.magic, ETALON_HW_MAGIC);
	ck_assert_str_eq(identity.serial, "THREAD-1");
	size = get(control, ETALON_REG_DESCRIPTION_SIZE);
	d = malloc(size);
	for (uint32_t at = 0; at < size; at += 4096)
		read_space(control, ETALON_REG_DESCRIPTION + at, (uint8_t *)d + at,
			   (uint16_t)MIN(4096U, size - at));
	ck_assert_mem_eq(d, board_description(e->board), size);
	free(d);
	emit(control, 1000);
	upload(control, &p);
	ck_assert_uint_eq(put(control, ETALON_REG_COMMAND, ETALON_HW_COMMAND_LOAD),
			  ETALON_HW_RESULT_OK);
	ck_assert_uint_eq(put(control, ETALON_REG_COMMAND, ETALON_HW_COMMAND_START),
			  ETALON_HW_RESULT_OK);
	end = read_to_end(records, control, &points);
	ck_assert_uint_eq(end.cause, ETALON_HW_END_DONE);
	ck_assert_uint_eq(end.produced, 3001);
	ck_assert_uint_eq(points, 3001);
	ck_assert_uint_eq(put(control, ETALON_REG_COMMAND, ETALON_HW_COMMAND_OFF),
			  ETALON_HW_RESULT_OK);
	ck_assert_uint_eq(get(control, ETALON_REG_STATE), ETALON_HW_STATE_OFF);
	close(control);
	close(records);
	board_thread_stop(e);
}
END_TEST

START_TEST(silence_trips_the_watchdog_and_is_an_event)
{
	struct board_thread *e = start_emulator(false);
	const int control = attach(e, 0), events = attach(e, ETALON_HW_USB_EP_EVENTS);
	struct etalon_hw_usb_event event = {0};

	emit(control, 50);
	while (event.state != ETALON_HW_STATE_TRIPPED) /* says nothing from here on */
		ck_assert_uint_eq(receive(events, &event, sizeof(event)).kind,
				  ETALON_HW_STREAM_EVENT);
	ck_assert_uint_eq(event.causes_latched, ETALON_HW_CAUSE_WATCHDOG);
	ck_assert_uint_eq(get(control, ETALON_REG_STATE), ETALON_HW_STATE_TRIPPED);
	ck_assert_uint_eq(put(control, ETALON_REG_COMMAND, ETALON_HW_COMMAND_CLEAR),
			  ETALON_HW_RESULT_OK);
	close(control);
	close(events);
	board_thread_stop(e);
}
END_TEST

START_TEST(a_pulled_cable_is_a_trip_that_the_next_host_has_to_clear)
{
	struct board_thread *e = start_emulator(false);
	int control = attach(e, 0);
	const int records = attach(e, ETALON_HW_USB_EP_RECORDS);
	uint8_t byte;

	emit(control, 1000);
	close(control);
	ck_assert_int_eq(read_all(records, &byte, 1), -ECONNRESET); /* its endpoints go with it */
	control = attach(e, 0);
	ck_assert_uint_eq(get(control, ETALON_REG_STATE), ETALON_HW_STATE_TRIPPED);
	ck_assert_uint_eq(get(control, ETALON_REG_CAUSES_LATCHED), ETALON_HW_CAUSE_LINK);
	ck_assert_uint_eq(get(control, ETALON_REG_CAUSES_LIVE), 0);
	ck_assert_uint_eq(put(control, ETALON_REG_COMMAND, ETALON_HW_COMMAND_CLEAR),
			  ETALON_HW_RESULT_OK);
	close(control);
	close(records);
	board_thread_stop(e);
}
END_TEST

START_TEST(each_endpoint_is_taken_once)
{
	static const uint16_t endpoints[] = {0, ETALON_HW_USB_EP_RECORDS, ETALON_HW_USB_EP_EVENTS};
	struct board_thread *e = start_emulator(false);
	int fd;

	for (size_t i = 0; i < ARRAY_SIZE(endpoints); i++) {
		const int first = attach(e, endpoints[i]), second = dial(e->path);

		ck_assert_int_eq(attach_status(second, endpoints[i]), -EBUSY);
		close(first);
		close(second);
	}
	fd = dial(e->path);
	ck_assert_int_eq(attach_status(fd, 0x55), -EINVAL);
	close(fd);
	board_thread_stop(e);
}
END_TEST

static const struct {
	struct etalon_hw_usb_setup setup;
	const char *what;
} stalls[] = {
	{{0xc1, ETALON_HW_USB_REQUEST_REGISTERS, 0, 0, 6}, "odd length"},
	{{0xc1, ETALON_HW_USB_REQUEST_REGISTERS, 0, 0, 0}, "no length"},
	{{0xc1, ETALON_HW_USB_REQUEST_REGISTERS, 2, 0, 4}, "odd address"},
	{{0xc1, ETALON_HW_USB_REQUEST_REGISTERS, 0xfffc, 0x0100, 8}, "beyond the space"},
	{{0xc1, ETALON_HW_USB_REQUEST_REGISTERS, 0, 0, 8192}, "too long"},
	{{0xc1, ETALON_HW_USB_REQUEST_REGISTERS, 0, 1, 4}, "another interface"},
	{{0xc1, 9, 0, 0, 4}, "unknown request"},
	{{0x80, 6, 0x100, 0, 18}, "standard request"},
};

START_TEST(impossible_transfers_stall_and_harm_nothing)
{
	struct board_thread *e = start_emulator(false);
	const int control = attach(e, 0);

	for (size_t i = 0; i < ARRAY_SIZE(stalls); i++) {
		struct etalon_hw_stream h;

		send_message(control, ETALON_HW_STREAM_CONTROL, 0, stalls[i].setup, NULL, 0);
		h = receive(control, NULL, 0);
		ck_assert_msg(h.status == -EPIPE, "%s: status %d", stalls[i].what, h.status);
	}
	ck_assert_uint_eq(get(control, ETALON_REG_MAGIC), ETALON_HW_MAGIC);
	close(control);
	board_thread_stop(e);
}
END_TEST

static void bad_magic(int fd)
{
	struct etalon_hw_stream h = {.magic = 1};

	write_all(fd, &h, sizeof(h));
}

static void bad_kind(int fd)
{
	send_message(fd, 99, 0, (struct etalon_hw_usb_setup){0}, NULL, 0);
}

static void bad_length(int fd)
{
	struct etalon_hw_stream h = {.magic = ETALON_HW_STREAM_MAGIC,
				     .kind = ETALON_HW_STREAM_BULK_OUT,
				     .endpoint = ETALON_HW_USB_EP_UPLOAD,
				     .length = UINT32_MAX};

	write_all(fd, &h, sizeof(h));
}

static void lengths_differ(int fd)
{
	send_message(fd, ETALON_HW_STREAM_CONTROL, 0,
		     setup(false, ETALON_HW_USB_REQUEST_REGISTERS, ETALON_REG_SCRATCH, 8), "abcd",
		     4);
}

static void attach_again(int fd)
{
	send_message(fd, ETALON_HW_STREAM_ATTACH, 0, (struct etalon_hw_usb_setup){0}, NULL, 0);
}

START_TEST(a_malformed_message_closes_that_connection_only)
{
	static void (*const bad[])(int fd) = {bad_magic, bad_kind, bad_length, lengths_differ,
					      attach_again};
	struct board_thread *e = start_emulator(false);
	const int control = attach(e, 0);
	int other;

	bad[_i](control);
	for (uint8_t byte; read(control, &byte, 1) > 0;)
		;
	other = attach(e, 0); /* the board lives, and the endpoint is free */
	ck_assert_uint_eq(get(other, ETALON_REG_MAGIC), ETALON_HW_MAGIC);
	close(control);
	close(other);
	board_thread_stop(e);
}
END_TEST

START_TEST(records_endpoint_takes_no_messages_and_strangers_no_harm)
{
	struct board_thread *e = start_emulator(false);
	const int control = attach(e, 0), records = attach(e, ETALON_HW_USB_EP_RECORDS),
		  idler = dial(e->path);
	uint8_t byte;

	send_message(records, ETALON_HW_STREAM_CONTROL, 0,
		     setup(true, ETALON_HW_USB_REQUEST_REGISTERS, 0, 4), NULL, 0);
	ck_assert_int_eq(read_all(records, &byte, 1), -ECONNRESET);
	ck_assert_uint_eq(get(control, ETALON_REG_MAGIC), ETALON_HW_MAGIC);
	close(control);
	close(records);
	close(idler);
	board_thread_stop(e);
}
END_TEST

/* Asks for ever and never reads: loses its connection; the board goes on and is free again. */
START_TEST(a_peer_that_does_not_read_cannot_hold_the_board_up)
{
	struct board_thread *e = start_emulator(false);
	const int control = attach(e, 0);
	struct etalon_hw_stream h = {
		.magic = ETALON_HW_STREAM_MAGIC,
		.kind = ETALON_HW_STREAM_CONTROL,
		.setup = setup(true, ETALON_HW_USB_REQUEST_REGISTERS, ETALON_REG_DESCRIPTION, 4096),
	};
	int other, refused = 0;

	for (int i = 0; i < 100000 && refused < 3; i++) {
		if (send(control, &h, sizeof(h), MSG_DONTWAIT | MSG_NOSIGNAL) == sizeof(h))
			continue;
		/* Its requests are no longer taken: the answers' bound is reached. */
		refused++;
		other = dial(e->path);
		ck_assert_int_eq(attach_status(other, 0), -EBUSY); /* but others are served */
		close(other);
	}
	ck_assert_int_eq(refused, 3);
	close(control);
	other = attach(e, 0);
	ck_assert_uint_eq(get(other, ETALON_REG_MAGIC), ETALON_HW_MAGIC);
	close(other);
	board_thread_stop(e);
}
END_TEST

START_TEST(requests_may_follow_each_other_without_waiting_for_answers)
{
	enum { PIPELINED = 5000 };
	struct board_thread *e = start_emulator(false);
	const int control = attach(e, 0);
	struct etalon_hw_stream *requests = calloc(PIPELINED, sizeof(*requests));
	uint32_t word;

	for (uint32_t i = 0; i < PIPELINED; i++)
		requests[i] = (struct etalon_hw_stream){
			.magic = ETALON_HW_STREAM_MAGIC,
			.kind = ETALON_HW_STREAM_CONTROL,
			.tag = i,
			.setup = setup(true, ETALON_HW_USB_REQUEST_REGISTERS, ETALON_REG_MAGIC, 4),
		};
	for (uint32_t sent = 0, got = 0; got < PIPELINED; got++) {
		/* Half a socket buffer ahead of the answers, then in step. */
		for (; sent < PIPELINED && sent < got + 1500; sent += 500)
			ck_assert_int_eq(
				write_all(control, requests + sent, 500 * sizeof(*requests)), 0);
		ck_assert_uint_eq(receive(control, &word, sizeof(word)).tag, got);
		ck_assert_uint_eq(word, ETALON_HW_MAGIC);
	}
	free(requests);
	close(control);
	board_thread_stop(e);
}
END_TEST

START_TEST(records_that_nobody_reads_do_not_delay_control)
{
	struct board_thread *e = start_emulator(true);
	const int control = attach(e, 0), records = attach(e, ETALON_HW_USB_EP_RECORDS);
	struct etalon_hw_program p = bench_program();
	struct etalon_hw_record_end end;
	uint64_t points;

	bench_axis(&p, ETALON_HW_MODE_STEP, ETALON_HW_FORWARD, 300000); /* more than the FIFO */
	upload(control, &p);
	ck_assert_uint_eq(put(control, ETALON_REG_COMMAND, ETALON_HW_COMMAND_LOAD),
			  ETALON_HW_RESULT_OK);
	ck_assert_uint_eq(put(control, ETALON_REG_COMMAND, ETALON_HW_COMMAND_START),
			  ETALON_HW_RESULT_OK);
	for (int i = 0; i < 1000; i++)
		ck_assert_uint_eq(get(control, ETALON_REG_MAGIC), ETALON_HW_MAGIC);
	end = read_to_end(records, -1, &points);
	ck_assert_uint_eq(points, 300000);
	ck_assert_uint_eq(end.dropped, 0);
	close(control);
	close(records);
	board_thread_stop(e);
}
END_TEST

static void ask_fault(int fd, const char *line, const char *answer)
{
	char text[2048];
	size_t used = 0;

	ck_assert_int_eq(write_all(fd, line, strlen(line)), 0);
	do {
		ck_assert_int_eq(read_all(fd, text + used, 1), 0);
	} while (text[used++] != '\n' && used < sizeof(text) - 1);
	text[used] = '\0';
	ck_assert_msg(strstr(text, answer), "%s", text);
}

START_TEST(faults_are_taken_live_one_answer_each)
{
	struct board_thread *e = start_emulator(false);
	const int control = attach(e, 0), faults = dial(e->fault_path);

	emit(control, 1000);
	ask_fault(faults, "{\"fault\": \"interlock-open\"}\n", "{\"ok\":true}");
	ck_assert_uint_eq(get(control, ETALON_REG_STATE), ETALON_HW_STATE_TRIPPED);
	ask_fault(faults, "{\"fault\": \"flood\"}\n",
		  "no fault is called 'flood'; allowed: interlock-open");
	ask_fault(faults, "nonsense\n", "error");
	ask_fault(faults, "{\"fault\": \"interlock-close\"}\n", "{\"ok\":true}");
	ck_assert_uint_eq(put(control, ETALON_REG_COMMAND, ETALON_HW_COMMAND_CLEAR),
			  ETALON_HW_RESULT_OK);
	close(control);
	close(faults);
	board_thread_stop(e);
}
END_TEST

START_TEST(a_scripted_cable_cuts_all_connections)
{
	struct board_thread *e = start_emulator(false);
	int control = attach(e, 0);
	const int events = attach(e, ETALON_HW_USB_EP_EVENTS), faults = dial(e->fault_path);
	uint8_t byte;

	emit(control, 1000);
	ask_fault(faults, "{\"fault\": \"cable\"}\n", "{\"ok\":true}");
	ck_assert_int_eq(read_all(control, &byte, 1), -ECONNRESET);
	while (read(events, &byte, 1) > 0)
		;
	close(control);
	control = attach(e, 0);
	ck_assert_uint_eq(get(control, ETALON_REG_CAUSES_LATCHED), ETALON_HW_CAUSE_LINK);
	close(control);
	close(events);
	close(faults);
	board_thread_stop(e);
}
END_TEST

/* Kicks are not seen while the board hangs: its watchdog acts without them. */
START_TEST(a_board_that_hangs_answers_nothing_and_goes_dark_by_itself)
{
	struct board_thread *e = start_emulator(false);
	const int control = attach(e, 0), events = attach(e, ETALON_HW_USB_EP_EVENTS),
		  faults = dial(e->fault_path);
	struct etalon_hw_usb_event event = {0};

	emit(control, 50);
	ask_fault(faults, "{\"fault\": \"hang\", \"for_ms\": 400}\n", "{\"ok\":true}");
	while (event.state != ETALON_HW_STATE_TRIPPED)
		receive(events, &event, sizeof(event));
	ck_assert_uint_eq(event.causes_latched, ETALON_HW_CAUSE_WATCHDOG);
	ck_assert_uint_eq(get(control, ETALON_REG_STATE),
			  ETALON_HW_STATE_TRIPPED); /* answered when it is over */
	close(control);
	close(events);
	close(faults);
	board_thread_stop(e);
}
END_TEST

START_TEST(a_living_socket_is_not_taken_a_stale_one_is)
{
	struct board_thread *e = start_emulator(false);
	struct front *front = NULL;
	_cleanup_free_ char *message = NULL;
	char stale[160];
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd;

	ck_assert_int_eq(front_new(e->path, NULL, &front, &message), -EADDRINUSE);
	ck_assert_ptr_nonnull(strstr(message, "another emulator listens"));
	snprintf(stale, sizeof(stale), "%s/stale", e->folder);
	strcpy(address.sun_path, stale);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	close(fd); /* killed: the path stays */
	ck_assert_int_eq(front_new(stale, NULL, &front, NULL), 0);
	front_free(front);
	fd = open(stale, O_WRONLY | O_CREAT, 0600); /* a file of somebody */
	close(fd);
	free(message);
	message = NULL;
	ck_assert_int_eq(front_new(stale, NULL, &front, &message), -EEXIST);
	ck_assert_int_eq(unlink(stale), 0);
	board_thread_stop(e);
}
END_TEST

static const struct {
	const char *argument[4];
	const char *says;
} command_lines[] = {
	{{NULL}, "--socket, --pcie or --usb PATH"},
	{{"--socket", "x", "--pcie", "y"}, "one link"},
	{{"--pcie", "x", "--usb", "y"}, "one link"},
	{{"--socket", "x", "--usb-speed", "high"}, "--usb-speed goes with --usb PATH"},
	{{"--usb", "x", "--usb-speed", "low"}, "--usb-speed is super or high, not 'low'"},
	{{"--socket", "x", "--msi"}, "--msi goes with --pcie PATH"},
	{{"--socket", "x", "--log-registers"}, "--log-registers goes with --pcie PATH"},
	{{"--socket"}, "--help"},
	{{"--sokcet", "x"}, "--help"},
	{{"--socket", "x", "more"}, "unexpected argument 'more'"},
	{{"--seed", "x"}, "--seed"},
	{{"--seed", "-1"}, "--seed"},
	{{"--speed", "fast"}, "real or max"},
	{{"--set", "loss"}, "KEY=VALUE"},
	{{"--set", "=3"}, "KEY=VALUE"},
	{{"--truth", "1540"}, "two wavelengths"},
	{{"--truth", "1560", "1540"}, "above the first"},
	{{"--truth", "1540nm", "1560nm"}, "two wavelengths"},
};

START_TEST(a_wrong_command_line_is_refused_with_what_to_type)
{
	char *argv[6] = {(char *)(uintptr_t) "etalon-emulator"};
	_cleanup_free_ char *message = NULL;
	struct options o;
	int argc = 1;

	for (; argc <= 4 && command_lines[_i].argument[argc - 1]; argc++)
		argv[argc] = (char *)(uintptr_t)command_lines[_i].argument[argc - 1];
	optind = 0;
	ck_assert_int_eq(emulator_options_parse(argc, argv, &o, &message), -EINVAL);
	ck_assert_msg(strstr(message, command_lines[_i].says), "%s", message);
	json_decref(o.parameters);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("emulator socket");
	TCase *c = tcase_create("socket");

	tcase_set_timeout(c, 120);
	tcase_add_loop_test(c, a_host_attaches_identifies_describes_measures_and_is_dark_at_the_end,
			    0, 2);
	tcase_add_test(c, silence_trips_the_watchdog_and_is_an_event);
	tcase_add_test(c, a_pulled_cable_is_a_trip_that_the_next_host_has_to_clear);
	tcase_add_test(c, each_endpoint_is_taken_once);
	tcase_add_test(c, impossible_transfers_stall_and_harm_nothing);
	tcase_add_loop_test(c, a_malformed_message_closes_that_connection_only, 0, 5);
	tcase_add_test(c, records_endpoint_takes_no_messages_and_strangers_no_harm);
	tcase_add_test(c, a_peer_that_does_not_read_cannot_hold_the_board_up);
	tcase_add_test(c, requests_may_follow_each_other_without_waiting_for_answers);
	tcase_add_test(c, records_that_nobody_reads_do_not_delay_control);
	tcase_add_test(c, faults_are_taken_live_one_answer_each);
	tcase_add_test(c, a_scripted_cable_cuts_all_connections);
	tcase_add_test(c, a_board_that_hangs_answers_nothing_and_goes_dark_by_itself);
	tcase_add_test(c, a_living_socket_is_not_taken_a_stale_one_is);
	tcase_add_loop_test(c, a_wrong_command_line_is_refused_with_what_to_type, 0,
			    ARRAY_SIZE(command_lines));
	suite_add_tcase(s, c);
	return run_suite(s);
}
