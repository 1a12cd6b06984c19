// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The emulated link over a real socket against a server that a test scripts: strangers,
 * late and torn answers, a cable that is pulled.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "../common/fake_board.h"
#include "../common/fake_transport.h"
#include "base/util.h"
#include "link/link.h"

#include "run_suite.h" /* last: it defines a macro fail() */

/* ---- the server: three connections in front of a scripted transport ---- */

enum behaviour {
	SERVES,
	HANGS_UP, /* accepts and closes */
	GARBAGE, /* answers what is no message */
	BUSY, /* refuses ATTACH */
	BUSY_RECORDS, /* refuses ATTACH of the records */
	SILENT,
	STALLS, /* each control request */
	SHORT_ANSWERS, /* fewer bytes than asked for */
	BYTEWISE, /* one byte at a time */
	OTHER_KIND, /* answers with another kind */
	HUGE, /* announces more than the contract allows */
};

struct server {
	char dir[64], path[96];
	int listener;
	pthread_t thread, sender;
	bool sends;
	struct fake_transport *fake;
	_Atomic enum behaviour behaviour;
	atomic_int keep_back; /* so many control answers come with the next one */
	int fd[3]; /* control, records, events */
	atomic_bool stop;
};

static struct server server;
static struct description *board;

static void send_bytes(int fd, const void *bytes, size_t size)
{
	const char *p = bytes;

	if (server.behaviour != BYTEWISE) {
		write_all(fd, bytes, size);
		return;
	}
	for (size_t i = 0; i < size; i++)
		write_all(fd, p + i, 1);
}

static void answer(int fd, struct etalon_hw_stream head, int status, const void *body, size_t size)
{
	static char kept[65536];
	static size_t kept_bytes;

	head.status = status;
	head.length = (uint32_t)size;
	if (server.behaviour == OTHER_KIND)
		head.kind = ETALON_HW_STREAM_EVENT;
	if (server.behaviour == HUGE)
		head.length = UINT32_MAX;
	if (server.behaviour == GARBAGE)
		head.magic = 0x54544820; /* " HTT" */
	memcpy(kept + kept_bytes, &head, sizeof(head));
	if (size > 0)
		memcpy(kept + kept_bytes + sizeof(head), body, size);
	kept_bytes += sizeof(head) + size;
	if (atomic_load(&server.keep_back) > 0) {
		atomic_fetch_sub(&server.keep_back, 1);
		return;
	}
	send_bytes(fd, kept, kept_bytes);
	kept_bytes = 0;
}

static void serve_control(int fd, const struct etalon_hw_stream *head, char *body)
{
	const struct transport_ops *ops = server.fake->transport.ops;
	uint32_t address = head->setup.value | (uint32_t)(head->setup.index >> 8) << 16;
	char in[ETALON_HW_USB_TRANSFER_MAX];
	size_t size = head->setup.length;
	int r;

	if (server.behaviour == STALLS) {
		answer(fd, *head, -EPIPE, NULL, 0);
	} else if (head->setup.request_type == 0xc1) {
		r = ops->control_in(&server.fake->transport, head->setup.request, address, in,
				    size);
		answer(fd, *head, r, in, r < 0 ? 0 : size - (server.behaviour == SHORT_ANSWERS));
	} else {
		r = ops->control_out(&server.fake->transport, head->setup.request, address, body,
				     size);
		answer(fd, *head, r, NULL, 0);
	}
}

static bool serve_message(int fd)
{
	struct etalon_hw_stream head;
	char *body = NULL;

	if (read_all(fd, &head, sizeof(head)) < 0)
		return false;
	ck_assert_uint_eq(head.magic, ETALON_HW_STREAM_MAGIC);
	body = calloc(1, head.length + 1);
	if (read_all(fd, body, head.length) < 0) {
		free(body);
		return false;
	}
	if (head.kind == ETALON_HW_STREAM_BULK_OUT) {
		struct etalon_hw_upload upload;

		memcpy(&upload, body, sizeof(upload));
		server.fake->transport.ops->bulk_out(&server.fake->transport, &upload,
						     body + sizeof(upload));
		answer(fd, head, 0, NULL, 0);
	} else if (server.behaviour != SILENT) {
		serve_control(fd, &head, body);
	}
	free(body);
	return true;
}

/* Records that START made go out in messages of odd sizes, with an empty one now and then. */
static void *send_records(void *unused)
{
	char batch[128 * 512];

	(void)unused;
	for (size_t turn = 0; !atomic_load(&server.stop); turn++) {
		size_t stride = record_stride(server.fake->program.detector_count);
		struct etalon_hw_stream head = {.magic = ETALON_HW_STREAM_MAGIC,
						.kind = ETALON_HW_STREAM_BULK_IN,
						.endpoint = ETALON_HW_USB_EP_RECORDS};
		size_t room = turn % 7 == 3 ? 0 : stride * (1 + turn * 37 % 500);
		ssize_t n = 0;

		if (room > 0)
			n = server.fake->transport.ops->bulk_in(&server.fake->transport, batch,
								MIN(room, sizeof(batch)), 20);
		if (n < 0)
			continue;
		head.length = (uint32_t)n;
		if (send(server.fd[1], &head, sizeof(head), MSG_NOSIGNAL) < 0 ||
		    send(server.fd[1], batch, (size_t)n, MSG_NOSIGNAL) < 0)
			break;
	}
	return NULL;
}

static bool attach(void)
{
	struct etalon_hw_stream head;
	int fd = accept4(server.listener, NULL, NULL, SOCK_CLOEXEC), place;

	if (fd < 0)
		return false;
	if (server.behaviour == HANGS_UP || read_all(fd, &head, sizeof(head)) < 0) {
		close(fd);
		return true;
	}
	place = head.endpoint == 0 ? 0 : head.endpoint == ETALON_HW_USB_EP_RECORDS ? 1 : 2;
	if (server.fd[place] >= 0)
		close(server.fd[place]);
	server.fd[place] = fd;
	if (server.behaviour == GARBAGE)
		write_all(fd, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", 47);
	else if (server.behaviour == BUSY || (server.behaviour == BUSY_RECORDS && place == 1))
		answer(fd, head, -EBUSY, NULL, 0);
	else if (server.behaviour != SILENT)
		answer(fd, head, 0, NULL, 0);
	if (place == 1 && server.behaviour != BUSY_RECORDS) {
		pthread_create(&server.sender, NULL, send_records, NULL);
		server.sends = true;
	}
	return true;
}

static void *serve(void *unused)
{
	(void)unused;
	while (!atomic_load(&server.stop)) {
		struct pollfd fds[] = {{.fd = server.listener, .events = POLLIN},
				       {.fd = server.fd[0], .events = POLLIN}};

		if (poll(fds, 2, 20) <= 0)
			continue;
		if (fds[0].revents && !attach())
			break;
		if (fds[1].revents && !serve_message(server.fd[0])) {
			close(server.fd[0]);
			server.fd[0] = -1;
		}
	}
	if (server.sends) {
		shutdown(server.fd[1], SHUT_RDWR);
		pthread_join(server.sender, NULL);
	}
	for (size_t i = 0; i < ARRAY_SIZE(server.fd); i++)
		if (server.fd[i] >= 0)
			close(server.fd[i]);
	return NULL;
}

static void setup(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	server = (struct server){.fd = {-1, -1, -1}};
	strcpy(server.dir, "/tmp/etalon-link-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(server.dir));
	snprintf(server.path, sizeof(server.path), "%s/board", server.dir);
	strcpy(address.sun_path, server.path);
	server.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(server.listener, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(server.listener, 8), 0);
	board = fake_board();
	server.fake = fake_transport_new(board);
	pthread_create(&server.thread, NULL, serve, NULL);
}

static void server_stop(void)
{
	if (atomic_exchange(&server.stop, true))
		return;
	pthread_join(server.thread, NULL);
}

static void teardown(void)
{
	server_stop();
	close(server.listener);
	server.fake->transport.ops->close(&server.fake->transport);
	unlink(server.path);
	rmdir(server.dir);
	description_free(board);
}

static struct link *open_link(void)
{
	struct link *l = NULL;
	char *message = NULL;

	ck_assert_msg(link_open_emulated(server.path, &l, &message) == 0, "%s", message);
	return l;
}

/* ---- opening ---- */

START_TEST(a_board_behind_a_socket_opens)
{
	struct link *l = open_link();
	struct link_status status;

	ck_assert_str_eq(l->ops->name, "emulated");
	ck_assert_str_eq(l->description->head.serial, board->head.serial);
	ck_assert_int_eq(l->ops->status(l, &status), 0);
	link_close(l);
}
END_TEST

static const struct {
	enum behaviour behaviour;
	int error;
	const char *message;
} strangers[] = {
	{HANGS_UP, -EPROTO, "is not an Etalon board: check the path"},
	{GARBAGE, -EPROTO, "is not an Etalon board: check the path"},
	{OTHER_KIND, -EPROTO, "is not an Etalon board: check the path"},
	{HUGE, -EPROTO, "is not an Etalon board: check the path"},
	{SILENT, -EPROTO, "does not answer as an Etalon board"},
	{BUSY, -EBUSY, "in use by another program"},
	{BUSY_RECORDS, -EBUSY, "in use by another program"},
	{STALLS, -EPROTO, "no Etalon board"},
	{SHORT_ANSWERS, -EPROTO, "no Etalon board"},
};

START_TEST(a_stranger_behind_a_socket_is_told_from_a_board)
{
	struct link *l = NULL;
	char *message = NULL;

	server.behaviour = strangers[_i].behaviour;
	ck_assert_int_eq(link_open_emulated(server.path, &l, &message), strangers[_i].error);
	ck_assert_msg(message && strstr(message, strangers[_i].message), "%s",
		      message ? message : "(no message)");
	ck_assert_ptr_null(l);
	for (unsigned int i = 0; i < server.fake->accesses; i++)
		ck_assert(!server.fake->log[i].write);
	free(message);
}
END_TEST

START_TEST(where_nobody_listens_the_message_says_what_to_do)
{
	char path[128], *message = NULL;
	struct link *l = NULL;

	snprintf(path, sizeof(path), "%s/none", server.dir);
	ck_assert_int_eq(link_open_emulated(path, &l, &message), -ENOENT);
	ck_assert_ptr_nonnull(strstr(message, "start etalon-emulator"));
	free(message);
	server_stop();
	close(server.listener);
	server.listener = -1;
	ck_assert_int_eq(link_open_emulated(server.path, &l, &message), -ECONNREFUSED);
	ck_assert_ptr_nonnull(strstr(message, "start etalon-emulator"));
	free(message);
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	ck_assert_int_eq(link_open_emulated(path, &l, &message), -ENAMETOOLONG);
	free(message);
}
END_TEST

/* ---- transfers ---- */

START_TEST(answers_that_come_in_single_bytes_are_put_together)
{
	struct link *l;
	struct link_status status;

	server.behaviour = BYTEWISE;
	l = open_link();
	ck_assert_int_eq(l->ops->status(l, &status), 0);
	ck_assert_int_eq(l->ops->set_source(l, FAKE_POWER, 123456789, NULL), 0);
	link_close(l);
}
END_TEST

/* The answer to a request that timed out arrives with the next: it is recognised by its tag. */
START_TEST(after_a_time_out_the_next_request_gets_its_own_answer)
{
	struct link *l = open_link();
	int64_t setpoint, actual;
	uint64_t value = 4711;

	memcpy(server.fake->registers + ETALON_REG_SOURCE(FAKE_POWER), &value, 8);
	value = 815;
	memcpy(server.fake->registers + ETALON_REG_SOURCE(FAKE_HEATER), &value, 8);
	atomic_store(&server.keep_back, 1);
	ck_assert_int_eq(l->ops->get_source(l, FAKE_POWER, &setpoint, &actual), -ETIMEDOUT);
	ck_assert_int_eq(l->ops->get_source(l, FAKE_HEATER, &setpoint, &actual), 0);
	ck_assert_int_eq(setpoint, 815);
	ck_assert_int_eq(l->ops->get_source(l, FAKE_POWER, &setpoint, &actual), 0);
	ck_assert_int_eq(setpoint, 4711);
	link_close(l);
}
END_TEST

START_TEST(a_stall_is_a_broken_contract_but_not_the_end)
{
	struct link *l = open_link();
	struct link_status status;

	server.behaviour = STALLS;
	ck_assert_int_eq(l->ops->status(l, &status), -EPROTO);
	server.behaviour = SERVES;
	ck_assert_int_eq(l->ops->status(l, &status), 0);
	link_close(l);
}
END_TEST

static const enum behaviour losses[] = {GARBAGE, HUGE, OTHER_KIND};

START_TEST(when_framing_is_lost_the_link_is_over)
{
	struct link *l = open_link();
	struct pollfd p = {.fd = l->ops->event_fd(l), .events = POLLIN};
	struct etalon_hw_usb_event event;
	struct link_status status;

	server.behaviour = losses[_i];
	ck_assert_int_eq(l->ops->status(l, &status), -EPROTO);
	server.behaviour = SERVES;
	ck_assert_int_eq(l->ops->status(l, &status), -ENODEV);
	ck_assert_int_eq(poll(&p, 1, 0), 1);
	ck_assert(p.revents & POLLHUP);
	ck_assert_int_eq(l->ops->event(l, &event), -ENODEV);
	link_close(l);
}
END_TEST

static uint64_t take_all(struct link *l, uint32_t stride)
{
	uint64_t count = 0;

	for (;;) {
		const void *records;
		size_t bytes;

		ck_assert_int_eq(l->ops->records(l, 10000, 1 << 18, &records, &bytes), 0);
		for (size_t at = 0; at < bytes; at += stride) {
			const struct etalon_hw_record *r =
				(const void *)((const char *)records + at);

			ck_assert_uint_eq(r->sequence, count++);
			if (r->type == ETALON_HW_RECORD_END)
				return count;
		}
		ck_assert_int_eq(l->ops->release(l, bytes), 0);
	}
}

START_TEST(records_arrive_whole_through_messages_of_any_size)
{
	struct etalon_hw_program p = fake_dark(30000);
	struct link *l = open_link();
	struct link_program loaded;

	ck_assert_int_eq(l->ops->load(l, &p, NULL, 0, &loaded, NULL), 0);
	ck_assert_int_eq(l->ops->start(l, NULL), 0);
	ck_assert_uint_eq(take_all(l, loaded.stride), 30002);
	link_close(l);
}
END_TEST

START_TEST(a_list_of_megabytes_arrives_whole)
{
	struct etalon_hw_program p = fake_dark(10);
	struct link *l = open_link();
	struct link_program loaded;
	struct link_list list = {.points = 1 << 20};
	int64_t *values = malloc(sizeof(*values) << 20);

	for (int64_t i = 0; i < 1 << 20; i++)
		values[i] = i * i;
	list.values = values;
	ck_assert_int_eq(l->ops->load(l, &p, &list, 1, &loaded, NULL), 0);
	ck_assert_uint_eq(server.fake->list_points[0], 1 << 20);
	ck_assert_int_eq(memcmp(server.fake->list[0], values, sizeof(*values) << 20), 0);
	free(values);
	link_close(l);
}
END_TEST

/* ---- events and the end ---- */

START_TEST(events_arrive_even_in_pieces)
{
	struct {
		struct etalon_hw_stream head;
		struct etalon_hw_usb_event event;
	} message = {.head = {.magic = ETALON_HW_STREAM_MAGIC,
			      .kind = ETALON_HW_STREAM_EVENT,
			      .length = sizeof(struct etalon_hw_usb_event)},
		     .event = {.events = 7, .state = 3, .last_off_cause = 99}};
	struct link *l = open_link();
	struct pollfd p = {.fd = l->ops->event_fd(l), .events = POLLIN};
	struct etalon_hw_usb_event event;

	ck_assert_int_eq(l->ops->event(l, &event), -EAGAIN);
	for (size_t cut = 1; cut < sizeof(message); cut += 9) {
		write_all(server.fd[2], &message, cut);
		ck_assert_int_eq(l->ops->event(l, &event), -EAGAIN);
		write_all(server.fd[2], (char *)&message + cut, sizeof(message) - cut);
		ck_assert_int_eq(poll(&p, 1, 5000), 1);
		ck_assert_int_eq(l->ops->event(l, &event), 0);
		ck_assert_uint_eq(event.events, 7);
		ck_assert_uint_eq(event.last_off_cause, 99);
		ck_assert_int_eq(l->ops->event(l, &event), -EAGAIN);
	}
	link_close(l);
}
END_TEST

START_TEST(an_event_of_the_wrong_size_ends_the_link)
{
	struct etalon_hw_stream head = {
		.magic = ETALON_HW_STREAM_MAGIC, .kind = ETALON_HW_STREAM_EVENT, .length = 5};
	struct link *l = open_link();
	struct etalon_hw_usb_event event;

	write_all(server.fd[2], &head, sizeof(head));
	ck_assert_int_eq(l->ops->event(l, &event), -EPROTO);
	ck_assert_int_eq(l->ops->event(l, &event), -ENODEV);
	link_close(l);
}
END_TEST

START_TEST(a_pulled_cable_is_noticed_everywhere)
{
	struct etalon_hw_program program = fake_dark(10);
	struct link *l = open_link();
	struct pollfd p = {.fd = l->ops->event_fd(l), .events = POLLIN};
	struct etalon_hw_usb_event event;
	struct link_program loaded;
	struct link_status status;
	const void *records;
	size_t bytes;

	ck_assert_int_eq(l->ops->load(l, &program, NULL, 0, &loaded, NULL), 0);
	server_stop();
	ck_assert_int_eq(poll(&p, 1, 5000), 1);
	ck_assert(p.revents & POLLHUP);
	ck_assert_int_eq(l->ops->event(l, &event), -ENODEV);
	ck_assert_int_eq(l->ops->status(l, &status), -ENODEV);
	ck_assert_int_eq(l->ops->kick(l), -ENODEV);
	ck_assert_int_eq(l->ops->off(l), -ENODEV);
	ck_assert_int_eq(l->ops->records(l, 10000, 4096, &records, &bytes), -ENODEV);
	link_close(l);
}
END_TEST

START_TEST(cancel_wakes_a_reader_of_the_socket_once)
{
	struct etalon_hw_program program = fake_dark(10);
	struct link *l = open_link();
	struct link_program loaded;
	const void *records;
	size_t bytes;

	ck_assert_int_eq(l->ops->load(l, &program, NULL, 0, &loaded, NULL), 0);
	l->ops->records_cancel(l);
	ck_assert_int_eq(l->ops->records(l, 600000, 4096, &records, &bytes), -ECANCELED);
	ck_assert_int_eq(l->ops->records(l, 0, 4096, &records, &bytes), -EAGAIN);
	link_close(l);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("link emulated");
	TCase *tc = tcase_create("emulated");

	signal(SIGPIPE, SIG_IGN); /* the server may write to a link that was closed */
	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_board_behind_a_socket_opens);
	tcase_add_loop_test(tc, a_stranger_behind_a_socket_is_told_from_a_board, 0,
			    (int)ARRAY_SIZE(strangers));
	tcase_add_test(tc, where_nobody_listens_the_message_says_what_to_do);
	tcase_add_test(tc, answers_that_come_in_single_bytes_are_put_together);
	tcase_add_test(tc, after_a_time_out_the_next_request_gets_its_own_answer);
	tcase_add_test(tc, a_stall_is_a_broken_contract_but_not_the_end);
	tcase_add_loop_test(tc, when_framing_is_lost_the_link_is_over, 0, (int)ARRAY_SIZE(losses));
	tcase_add_test(tc, records_arrive_whole_through_messages_of_any_size);
	tcase_add_test(tc, a_list_of_megabytes_arrives_whole);
	tcase_add_test(tc, events_arrive_even_in_pieces);
	tcase_add_test(tc, an_event_of_the_wrong_size_ends_the_link);
	tcase_add_test(tc, a_pulled_cable_is_noticed_everywhere);
	tcase_add_test(tc, cancel_wakes_a_reader_of_the_socket_once);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
