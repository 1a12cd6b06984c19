// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * What the USB front end says it is, request by request: usbredir's own words, descriptors, standard and
 * vendor requests, configurations; who may talk to it.
 */
#include <sys/socket.h>
#include <sys/un.h>

#include "usb_front_bench.h"

static int get_descriptor(struct usb_client *c, uint8_t type, uint8_t number, uint8_t *ret,
			  uint16_t length)
{
	return usb_client_in(c,
			     (struct etalon_hw_usb_setup){USB_DIR_IN, USB_REQ_GET_DESCRIPTOR,
							  (uint16_t)(type << 8 | number), 0,
							  length},
			     ret);
}

static const struct {
	enum usb_speed speed;
	uint8_t redir_speed;
	uint16_t packet;
	int configuration_bytes;
} speeds[] = {
	{USB_HIGH_SPEED, usb_redir_speed_high, 512, 39},
	{USB_SUPER_SPEED, usb_redir_speed_super, 1024, 57},
};

START_TEST(usbredir_is_told_what_the_contract_says)
{
	struct usb_bench *t = usb_bench_open(speeds[_i].speed, false);
	const struct usb_redir_ep_info_header *e = &t->c.endpoints;

	ck_assert_uint_eq(t->c.device.speed, speeds[_i].redir_speed);
	ck_assert_uint_eq(t->c.device.vendor_id, 0x1209);
	ck_assert_uint_eq(t->c.device.product_id, 0x0001);
	ck_assert_uint_eq(t->c.interface.interface_count, 1);
	ck_assert_uint_eq(t->c.interface.interface_class[0], 0xff);
	ck_assert_uint_eq(t->c.interface.interface_subclass[0], 0x45);
	ck_assert_uint_eq(t->c.interface.interface_protocol[0], 0x01);
	for (unsigned int i = 0; i < 32; i++) {
		uint8_t type = usb_redir_type_invalid;

		if (i == 0 || i == 16)
			type = usb_redir_type_control;
		else if (i == 2 || i == 16 + 1)
			type = usb_redir_type_bulk;
		else if (i == 16 + 3)
			type = usb_redir_type_interrupt;
		ck_assert_uint_eq(e->type[i], type);
	}
	ck_assert_uint_eq(e->max_packet_size[2], speeds[_i].packet);
	ck_assert_uint_eq(e->max_packet_size[16 + 1], speeds[_i].packet);
	ck_assert_uint_eq(e->max_packet_size[16 + 3], 64);
	usb_bench_close(t);
}
END_TEST

START_TEST(the_device_descriptor_has_ids_and_speed)
{
	struct usb_bench *t = usb_bench_open(speeds[_i].speed, false);
	struct usb_device_descriptor d;

	ck_assert_int_eq(get_descriptor(&t->c, USB_DT_DEVICE, 0, (uint8_t *)&d, 8),
			 8); /* a host's first */
	ck_assert_int_eq(get_descriptor(&t->c, USB_DT_DEVICE, 0, (uint8_t *)&d, 64), 18);
	ck_assert_uint_eq(d.bLength, 18);
	ck_assert_uint_eq(d.bcdUSB, _i ? 0x0300 : 0x0200);
	ck_assert_uint_eq(d.bMaxPacketSize0, _i ? 9 : 64);
	ck_assert_uint_eq(d.bDeviceClass, 0);
	ck_assert_uint_eq(d.idVendor, 0x1209);
	ck_assert_uint_eq(d.idProduct, 0x0001);
	ck_assert_uint_eq(d.bNumConfigurations, 1);
	usb_bench_close(t);
}
END_TEST

/* Walks the descriptors of the configuration; each has its length, and all of them the total. */
START_TEST(the_configuration_has_one_interface_and_three_endpoints)
{
	static const struct {
		uint8_t address, attributes;
	} endpoints[] = {{0x81, 2}, {0x02, 2}, {0x83, 3}};
	struct usb_bench *t = usb_bench_open(speeds[_i].speed, false);
	uint8_t bytes[256];
	const int size = get_descriptor(&t->c, USB_DT_CONFIG, 0, bytes, sizeof(bytes));
	unsigned int found = 0, companions = 0;

	ck_assert_int_eq(size, speeds[_i].configuration_bytes);
	ck_assert_int_eq(bytes[2] | bytes[3] << 8, size);
	ck_assert_uint_eq(bytes[4], 1); /* interfaces */
	ck_assert_uint_eq(bytes[5], 1); /* its value */
	ck_assert_uint_eq(bytes[7] & 0xe0, 0xc0); /* self-powered, wakes nobody */
	for (int at = 9; at < size; at += bytes[at]) {
		const uint8_t *d = bytes + at;

		ck_assert_uint_ge(d[0], 6);
		ck_assert_int_le(at + d[0], size);
		if (d[1] == USB_DT_INTERFACE) {
			ck_assert_uint_eq(d[4], 3);
			ck_assert_mem_eq(d + 5, "\xff\x45\x01", 3);
		} else if (d[1] == USB_DT_ENDPOINT) {
			ck_assert_uint_lt(found, 3);
			ck_assert_uint_eq(d[2], endpoints[found].address);
			ck_assert_uint_eq(d[3], endpoints[found].attributes);
			ck_assert_uint_eq(d[4] | d[5] << 8, found < 2 ? speeds[_i].packet : 64);
			found++;
		} else {
			ck_assert_uint_eq(d[1], USB_DT_SS_ENDPOINT_COMP);
			companions++;
		}
	}
	ck_assert_uint_eq(found, 3);
	ck_assert_uint_eq(companions, _i ? 3 : 0);
	usb_bench_close(t);
}
END_TEST

START_TEST(further_descriptors_are_those_of_the_speed)
{
	struct usb_bench *t = usb_bench_open(speeds[_i].speed, false);
	const int stall = -1 - usb_redir_stall;
	uint8_t bytes[256];

	ck_assert_int_eq(get_descriptor(&t->c, USB_DT_BOS, 0, bytes, 255), _i ? 22 : stall);
	ck_assert_int_eq(get_descriptor(&t->c, USB_DT_DEVICE_QUALIFIER, 0, bytes, 255),
			 _i ? stall : 10);
	ck_assert_int_eq(get_descriptor(&t->c, USB_DT_OTHER_SPEED_CONFIG, 0, bytes, 255), stall);
	ck_assert_int_eq(get_descriptor(&t->c, USB_DT_CONFIG, 1, bytes, 255), stall);
	ck_assert_int_eq(get_descriptor(&t->c, USB_DT_STRING, 4, bytes, 255), stall);
	usb_bench_close(t);
}
END_TEST

static void same_string(struct usb_client *c, uint8_t number, const char *text)
{
	uint8_t bytes[256];
	const int size = get_descriptor(c, USB_DT_STRING, number, bytes, 255);

	ck_assert_int_eq(size, 2 + 2 * (int)strlen(text));
	ck_assert_uint_eq(bytes[0], size);
	ck_assert_uint_eq(bytes[1], USB_DT_STRING);
	for (size_t i = 0; text[i]; i++) {
		ck_assert_int_eq(bytes[2 + 2 * i], text[i]);
		ck_assert_int_eq(bytes[3 + 2 * i], 0);
	}
}

START_TEST(strings_name_maker_product_and_board)
{
	struct usb_bench *t = usb_bench_open(USB_HIGH_SPEED, false);
	uint8_t bytes[256];

	ck_assert_int_eq(get_descriptor(&t->c, USB_DT_STRING, 0, bytes, 255), 4);
	ck_assert_mem_eq(bytes, "\x04\x03\x09\x04", 4);
	same_string(&t->c, 1, "Etalon");
	same_string(&t->c, 2, "Etalon ERB-1");
	same_string(&t->c, 3, "THREAD-1");
	usb_bench_close(t);
}
END_TEST

START_TEST(a_host_identifies_and_describes_the_board)
{
	struct usb_bench *t = usb_bench_open(speeds[_i].speed, false);
	const struct etalon_hw_usb_setup ask = {0xc1, ETALON_HW_USB_REQUEST_IDENTITY, 0, 0, 64};
	struct etalon_hw_usb_identity identity;
	const uint32_t size = usb_client_get(&t->c, ETALON_REG_DESCRIPTION_SIZE);
	uint8_t *d = malloc(size);

	ck_assert_int_eq(usb_client_in(&t->c, ask, &identity), sizeof(identity));
	ck_assert_uint_eq(identity.magic, ETALON_HW_MAGIC);
	ck_assert_str_eq(identity.serial, "THREAD-1");
	for (uint32_t at = 0; at < size; at += ETALON_HW_USB_TRANSFER_MAX) {
		const uint16_t part = (uint16_t)MIN(4096U, size - at);

		ck_assert_int_eq(
			usb_client_in(&t->c,
				      usb_client_registers(true, ETALON_REG_DESCRIPTION + at, part),
				      d + at),
			part);
	}
	ck_assert_mem_eq(d, board_description(t->board->board), size);
	ck_assert_uint_eq(usb_client_get(&t->c, ETALON_REG_RECORD_RATE_MAX), _i ? 800000 : 80000);
	free(d);
	usb_bench_close(t);
}
END_TEST

static const struct {
	const char *what;
	struct etalon_hw_usb_setup setup;
} stalls[] = {
	{"odd length", {0xc1, 2, 0, 0, 6}},
	{"no length", {0xc1, 2, 0, 0, 0}},
	{"odd address", {0xc1, 2, 2, 0, 4}},
	{"beyond the space", {0xc1, 2, 0xfffc, 0x0100, 8}},
	{"too long", {0xc1, 2, 0, 0, 8192}},
	{"another interface", {0xc1, 2, 0, 1, 4}},
	{"unknown vendor request", {0xc1, 9, 0, 0, 4}},
	{"a class's request", {0xa1, 1, 0, 0, 4}},
	{"test mode", {0x00, USB_REQ_SET_FEATURE, USB_DEVICE_TEST_MODE, 0x0400, 0}},
	{"remote wake-up", {0x00, USB_REQ_SET_FEATURE, USB_DEVICE_REMOTE_WAKEUP, 0, 0}},
	{"halt of an endpoint that is not there", {0x02, USB_REQ_SET_FEATURE, 0, 0x05, 0}},
	{"status of another interface", {0x81, USB_REQ_GET_STATUS, 0, 1, 2}},
	{"status of an endpoint that is not there", {0x82, USB_REQ_GET_STATUS, 0, 0x84, 2}},
	{"a descriptor of an interface", {0x81, USB_REQ_GET_DESCRIPTOR, 0x2200, 0, 64}},
	{"a configuration, past usbredir", {0x00, USB_REQ_SET_CONFIGURATION, 0, 0, 0}},
};

START_TEST(impossible_requests_stall_and_harm_nothing)
{
	struct usb_bench *t = usb_bench_open(USB_HIGH_SPEED, false);
	uint8_t bytes[8192];

	for (size_t i = 0; i < ARRAY_SIZE(stalls); i++) {
		const bool in = stalls[i].setup.request_type & USB_DIR_IN;
		const int status = in ? -1 - usb_client_in(&t->c, stalls[i].setup, bytes)
				      : usb_client_out(&t->c, stalls[i].setup, bytes);

		ck_assert_msg(status == usb_redir_stall, "%s: status %d", stalls[i].what, status);
	}
	ck_assert_uint_eq(usb_client_get(&t->c, ETALON_REG_MAGIC), ETALON_HW_MAGIC);
	usb_bench_close(t);
}
END_TEST

static uint8_t status_of(struct usb_client *c, uint8_t recipient, uint16_t index)
{
	uint8_t bytes[2];

	ck_assert_int_eq(
		usb_client_in(c,
			      (struct etalon_hw_usb_setup){USB_DIR_IN | recipient,
							   USB_REQ_GET_STATUS, 0, index, 2},
			      bytes),
		2);
	ck_assert_uint_eq(bytes[1], 0);
	return bytes[0];
}

START_TEST(status_tells_power_and_halts)
{
	struct usb_bench *t = usb_bench_open(USB_HIGH_SPEED, false);
	struct etalon_hw_usb_setup halt = {USB_RECIP_ENDPOINT, USB_REQ_SET_FEATURE,
					   USB_ENDPOINT_HALT, ETALON_HW_USB_EP_UPLOAD, 0};

	ck_assert_uint_eq(status_of(&t->c, USB_RECIP_DEVICE, 0), 1); /* self-powered */
	ck_assert_uint_eq(status_of(&t->c, USB_RECIP_INTERFACE, 0), 0);
	ck_assert_uint_eq(status_of(&t->c, USB_RECIP_ENDPOINT, 0), 0);
	ck_assert_uint_eq(status_of(&t->c, USB_RECIP_ENDPOINT, halt.index), 0);
	ck_assert_uint_eq(usb_client_out(&t->c, halt, NULL), usb_redir_success);
	ck_assert_uint_eq(status_of(&t->c, USB_RECIP_ENDPOINT, halt.index), 1);
	ck_assert_uint_eq(usb_client_write(&t->c, "abcd", 4), usb_redir_stall);
	halt.request = USB_REQ_CLEAR_FEATURE;
	ck_assert_uint_eq(usb_client_out(&t->c, halt, NULL), usb_redir_success);
	ck_assert_uint_eq(status_of(&t->c, USB_RECIP_ENDPOINT, halt.index), 0);
	ck_assert_uint_eq(usb_client_write(&t->c, "abcd", 4), usb_redir_success);
	ck_assert_uint_eq(usb_client_get(&t->c, ETALON_REG_RESULT), ETALON_HW_REFUSED_UPLOAD);
	usb_bench_close(t);
}
END_TEST

START_TEST(nothing_but_identity_of_usb_without_a_configuration)
{
	struct board_thread *b = board_thread_start(&(struct board_thread_options){
		.front = BOARD_THREAD_USB, .speed = USB_SUPER_SPEED});
	struct usb_client c;
	uint8_t bytes[64];

	usb_client_connect(&c, b->path);
	usb_client_reset(&c);
	ck_assert_uint_eq(usb_client_configuration(&c), 0);
	ck_assert_int_eq(get_descriptor(&c, USB_DT_DEVICE, 0, bytes, 18), 18);
	ck_assert_int_eq(usb_client_in(&c, usb_client_registers(true, 0, 4), bytes),
			 -1 - usb_redir_stall);
	ck_assert_uint_eq(usb_client_status(&c, usb_client_read(&c, 1024)), usb_redir_ioerror);
	ck_assert_uint_eq(usb_client_write(&c, "abcd", 4), usb_redir_ioerror);
	ck_assert_uint_eq(usb_client_start_events(&c), usb_redir_ioerror);
	ck_assert_uint_eq(usb_client_alternate(&c, 0, 0), usb_redir_stall);
	ck_assert_uint_eq(usb_client_configure(&c, 2), usb_redir_stall); /* there is none */
	ck_assert_uint_eq(usb_client_configuration(&c), 0);
	ck_assert_uint_eq(usb_client_configure(&c, 1), usb_redir_success);
	ck_assert_uint_eq(usb_client_configuration(&c), 1);
	ck_assert_uint_eq(usb_client_get(&c, ETALON_REG_MAGIC), ETALON_HW_MAGIC);
	ck_assert_uint_eq(usb_client_alternate(&c, 0, 0), usb_redir_success);
	ck_assert_uint_eq(usb_client_alternate(&c, 0, 1), usb_redir_stall);
	ck_assert_uint_eq(usb_client_alternate(&c, 1, 0), usb_redir_stall);
	usb_client_close(&c);
	board_thread_stop(b);
}
END_TEST

static int dial(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, path);
	ck_assert_int_eq(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

START_TEST(one_machine_at_a_time_the_next_one_waits)
{
	struct usb_bench *t = usb_bench_open(USB_HIGH_SPEED, false);
	const int fd = dial(t->board->path);
	struct usb_client second;
	uint8_t byte;

	for (int i = 0; i < 100; i++)
		ck_assert_uint_eq(usb_client_get(&t->c, ETALON_REG_MAGIC), ETALON_HW_MAGIC);
	ck_assert_int_lt(recv(fd, &byte, 1, MSG_DONTWAIT), 0);
	close(fd);
	usb_client_close(&t->c);
	usb_client_boot(&second, t->board->path);
	ck_assert_uint_eq(usb_client_get(&second, ETALON_REG_MAGIC), ETALON_HW_MAGIC);
	t->c = second;
	usb_bench_close(t);
}
END_TEST

START_TEST(who_says_no_hello_gives_way)
{
	struct board_thread *b = board_thread_start(&(struct board_thread_options){
		.front = BOARD_THREAD_USB, .speed = USB_SUPER_SPEED});
	const int idler = dial(b->path);
	struct usb_client c;

	usb_client_boot(&c, b->path);
	ck_assert_uint_eq(usb_client_get(&c, ETALON_REG_MAGIC), ETALON_HW_MAGIC);
	ck_assert_str_eq(usb_drop_reason(b), "no hello before the next machine came");
	close(idler);
	usb_client_close(&c);
	board_thread_stop(b);
}
END_TEST

START_TEST(a_board_that_hangs_answers_control_later)
{
	struct usb_bench *t = usb_bench_open(USB_SUPER_SPEED, false);
	const uint64_t began = now_ns();
	uint64_t kept, cancelled;

	board_thread_fault(t->board, "{\"fault\": \"hang\", \"for_ms\": 300}");
	cancelled = usb_client_ask(&t->c, usb_client_registers(true, ETALON_REG_TICK, 4), NULL);
	kept = usb_client_ask(&t->c, usb_client_registers(true, ETALON_REG_MAGIC, 4), NULL);
	usb_client_cancel(&t->c, cancelled);
	ck_assert_uint_eq(usb_client_status(&t->c, cancelled), usb_redir_cancelled);
	ck_assert_uint_lt(now_ns() - began, 300 * MS);
	ck_assert_uint_eq(usb_client_status(&t->c, kept), usb_redir_success);
	ck_assert_uint_ge(now_ns() - began, 290 * MS);
	usb_bench_close(t);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("usb front device");
	TCase *tcase = tcase_create("device");

	tcase_set_timeout(tcase, 120);
	tcase_add_loop_test(tcase, usbredir_is_told_what_the_contract_says, 0, 2);
	tcase_add_loop_test(tcase, the_device_descriptor_has_ids_and_speed, 0, 2);
	tcase_add_loop_test(tcase, the_configuration_has_one_interface_and_three_endpoints, 0, 2);
	tcase_add_loop_test(tcase, further_descriptors_are_those_of_the_speed, 0, 2);
	tcase_add_test(tcase, strings_name_maker_product_and_board);
	tcase_add_loop_test(tcase, a_host_identifies_and_describes_the_board, 0, 2);
	tcase_add_test(tcase, impossible_requests_stall_and_harm_nothing);
	tcase_add_test(tcase, status_tells_power_and_halts);
	tcase_add_test(tcase, nothing_but_identity_of_usb_without_a_configuration);
	tcase_add_test(tcase, one_machine_at_a_time_the_next_one_waits);
	tcase_add_test(tcase, who_says_no_hello_gives_way);
	tcase_add_test(tcase, a_board_that_hangs_answers_control_later);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
