// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The register driver over a scripted transport: identity before anything, few and right
 * accesses, refusals understood, `off` first.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>

#include "../common/fake_board.h"
#include "../common/fake_transport.h"
#include "base/util.h"
#include "link/registers_private.h"

#include "run_suite.h" /* last: it defines a macro fail() */

static struct description *board;
static struct fake_transport *fake;
static struct link *link_;

static void setup(void)
{
	char *message = NULL;

	board = fake_board();
	fake = fake_transport_new(board);
	ck_assert_msg(registers_open(&fake->transport, &link_, &message) == 0, "%s", message);
	fake->accesses = 0;
}

static void teardown(void)
{
	link_close(link_);
	description_free(board);
}

static void put32(uint32_t address, uint32_t value)
{
	memcpy(fake->registers + address, &value, sizeof(value));
}

static void put64(uint32_t address, uint64_t value)
{
	memcpy(fake->registers + address, &value, sizeof(value));
}

static uint64_t get64(uint32_t address)
{
	uint64_t value;

	memcpy(&value, fake->registers + address, sizeof(value));
	return value;
}

/* ---- opening ---- */

START_TEST(opening_writes_nothing)
{
	bool closed = false;
	struct description *d = fake_board();
	struct fake_transport *f = fake_transport_new(d);
	struct link *l;

	f->closed = &closed;
	ck_assert_int_eq(registers_open(&f->transport, &l, NULL), 0);
	for (unsigned int i = 0; i < f->accesses; i++)
		ck_assert(!f->log[i].write);
	ck_assert_uint_eq(f->uploads, 0);
	ck_assert_str_eq(l->ops->name, "fake");
	ck_assert_str_eq(l->description->head.model, "FAKE-1");
	link_close(l);
	ck_assert(closed);
	description_free(d);
}
END_TEST

static void no_magic(struct fake_transport *f)
{
	f->identity.magic = 0xffffffff;
}

static void other_version(struct fake_transport *f)
{
	f->identity.version = 0x00020001;
}

static void other_serial(struct fake_transport *f)
{
	f->identity.serial[0] = 'X';
}

static void silent(struct fake_transport *f)
{
	f->control_error = -ETIMEDOUT;
}

static void no_register_magic(struct fake_transport *f)
{
	memset(f->registers + ETALON_REG_MAGIC, 0xff, 4);
}

static void huge(struct fake_transport *f)
{
	memset(f->registers + ETALON_REG_DESCRIPTION_SIZE, 0xff, 4);
}

static void empty(struct fake_transport *f)
{
	memset(f->registers + ETALON_REG_DESCRIPTION_SIZE, 0, 4);
}

static void damaged(struct fake_transport *f)
{
	f->registers[ETALON_REG_DESCRIPTION + 300] ^= 1;
}

static void dies(struct fake_transport *f)
{
	f->control_error = -ENODEV;
	f->control_error_after = 3;
}

static const struct {
	void (*make)(struct fake_transport *f);
	int error;
	const char *message;
} strangers[] = {
	{no_magic, -EPROTO, "no Etalon board"},
	{other_version, -EPROTO, "version 2.1"},
	{silent, -EPROTO, "does not say who it is"},
	{no_register_magic, -EPROTO, "MAGIC reads ffffffff"},
	{huge, -EBADMSG, "4294967295 bytes"},
	{empty, -EBADMSG, "0 bytes"},
	{damaged, -EBADMSG, "CRC"},
	{other_serial, -EBADMSG, "serial number 0001"},
	{dies, -ENODEV, "description"},
};

START_TEST(what_is_no_etalon_board_is_refused_and_nothing_written)
{
	struct description *d = fake_board();
	struct fake_transport *f = fake_transport_new(d);
	_cleanup_free_ char *message = NULL;
	struct link *l = NULL;
	bool closed = false;

	f->closed = &closed;
	strangers[_i].make(f);
	ck_assert_int_eq(registers_open(&f->transport, &l, &message), strangers[_i].error);
	ck_assert_msg(message && strstr(message, strangers[_i].message), "%s: %s",
		      strangers[_i].message, message ? message : "(no message)");
	ck_assert_ptr_null(l);
	ck_assert(closed);
	description_free(d);
}
END_TEST

/* ---- accesses ---- */

START_TEST(status_is_read_in_few_bursts)
{
	struct link_status s;

	put32(ETALON_REG_STATE, ETALON_HW_STATE_DELAY);
	put32(ETALON_REG_CAUSES_LIVE, 1);
	put32(ETALON_REG_CAUSES_LATCHED, 2);
	put32(ETALON_REG_LAST_OFF_CAUSE, 4);
	put64(ETALON_REG_LAST_OFF_TICK, 0x1122334455667788);
	put64(ETALON_REG_EMISSION_READY_TICK, 0x99aabbccddeeff);
	put32(ETALON_REG_STATUS_BITS, ETALON_HW_STATUS_KEY_ON);
	put32(ETALON_REG_SEQUENCER, ETALON_HW_SEQUENCER_RUNNING);
	put64(ETALON_REG_LOST, 0x123456789a);
	put64(ETALON_REG_TICK, 0xfedcba9876543210);
	ck_assert_int_eq(link_->ops->status(link_, &s), 0);
	ck_assert_uint_eq(s.state, ETALON_HW_STATE_DELAY);
	ck_assert_uint_eq(s.causes_live, 1);
	ck_assert_uint_eq(s.causes_latched, 2);
	ck_assert_uint_eq(s.last_off_cause, 4);
	ck_assert_uint_eq(s.last_off_tick, 0x1122334455667788);
	ck_assert_uint_eq(s.emission_ready_tick, 0x99aabbccddeeff);
	ck_assert_uint_eq(s.status_bits, ETALON_HW_STATUS_KEY_ON);
	ck_assert_uint_eq(s.sequencer, ETALON_HW_SEQUENCER_RUNNING);
	ck_assert_uint_eq(s.records_lost, 0x123456789a);
	ck_assert_uint_eq(s.tick, 0xfedcba9876543210);
	ck_assert_uint_le(fake->accesses, 4);
}
END_TEST

START_TEST(reading_status_clears_no_edges)
{
	struct link_status s;

	ck_assert_int_eq(link_->ops->status(link_, &s), 0);
	for (unsigned int i = 0; i < fake->accesses; i++) {
		ck_assert(!fake->log[i].write);
		ck_assert(fake->log[i].address > ETALON_REG_AUX_EDGES ||
			  fake->log[i].address + fake->log[i].size <= ETALON_REG_AUX_EDGES);
	}
}
END_TEST

static const uint32_t impossible_states[][2] = {
	{ETALON_REG_STATE, 5},
	{ETALON_REG_STATE, UINT32_MAX},
	{ETALON_REG_SEQUENCER, 5},
};

START_TEST(a_state_that_does_not_exist_is_a_broken_contract)
{
	struct link_status s;

	put32(impossible_states[_i][0], impossible_states[_i][1]);
	ck_assert_int_eq(link_->ops->status(link_, &s), -EPROTO);
}
END_TEST

START_TEST(a_64_bit_value_is_written_low_word_first_in_one_transfer)
{
	ck_assert_int_eq(link_->ops->set_source(link_, FAKE_WAVELENGTH, 1550000000123, NULL), 0);
	ck_assert_uint_eq(get64(ETALON_REG_SOURCE(FAKE_WAVELENGTH) + ETALON_SOURCE_SETPOINT),
			  1550000000123);
	ck_assert_uint_eq(fake->accesses, 2);
	ck_assert(fake->log[0].write);
	ck_assert_uint_eq(fake->log[0].size, 8);
	ck_assert_uint_eq(fake->log[1].address, ETALON_REG_RESULT);
}
END_TEST

START_TEST(sources_are_read_back)
{
	int64_t setpoint, actual;

	put64(ETALON_REG_SOURCE(FAKE_TEC) + ETALON_SOURCE_SETPOINT, 300);
	put64(ETALON_REG_SOURCE(FAKE_TEC) + ETALON_SOURCE_ACTUAL, (uint64_t)-5);
	ck_assert_int_eq(link_->ops->get_source(link_, FAKE_TEC, &setpoint, &actual), 0);
	ck_assert_int_eq(setpoint, 300);
	ck_assert_int_eq(actual, -5);
	ck_assert_uint_eq(fake->accesses, 1);
}
END_TEST

START_TEST(channels_that_the_board_lacks_are_never_touched)
{
	struct etalon_hw_live live[FAKE_DETECTORS + 1];
	int64_t value;

	ck_assert_int_eq(link_->ops->set_source(link_, FAKE_SOURCES, 0, NULL), -EINVAL);
	ck_assert_int_eq(link_->ops->get_source(link_, FAKE_SOURCES, &value, &value), -EINVAL);
	ck_assert_int_eq(link_->ops->set_limits(link_, UINT32_MAX, 0, 0, NULL), -EINVAL);
	ck_assert_int_eq(link_->ops->set_compliance(link_, FAKE_SOURCES, 0, NULL), -EINVAL);
	ck_assert_int_eq(link_->ops->set_range(link_, FAKE_DETECTORS, 0, NULL), -EINVAL);
	ck_assert_int_eq(link_->ops->live(link_, live, FAKE_DETECTORS + 1), -EINVAL);
	ck_assert_uint_eq(fake->accesses, 0);
}
END_TEST

START_TEST(live_readings_are_latched_before_they_are_read)
{
	struct etalon_hw_live live[FAKE_DETECTORS];

	put32(ETALON_REG_LIVE(2), 0x1234);
	ck_assert_int_eq(link_->ops->live(link_, live, FAKE_DETECTORS), 0);
	ck_assert_int_eq(live[2].mean_q8, 0x1234);
	ck_assert_uint_eq(fake->accesses, 2);
	ck_assert_uint_eq(fake->log[0].address, ETALON_REG_LIVE_LATCH);
	ck_assert(fake->log[0].write);
}
END_TEST

START_TEST(auxiliary_lines_change_only_under_the_mask)
{
	uint32_t out;

	put32(ETALON_REG_AUX_OUT, 0xf0f0);
	ck_assert_int_eq(link_->ops->aux_set(link_, 0x00ff, 0x0a0a), 0);
	memcpy(&out, fake->registers + ETALON_REG_AUX_OUT, 4);
	ck_assert_uint_eq(out, 0xf00a);
}
END_TEST

START_TEST(limits_are_written_as_a_pair_low_first)
{
	uint32_t low = ETALON_REG_SOURCE(FAKE_POWER) + ETALON_SOURCE_LIMIT_LOW;

	ck_assert_int_eq(link_->ops->set_limits(link_, FAKE_POWER, -7, 9, NULL), 0);
	ck_assert_int_eq((int64_t)get64(low), -7);
	ck_assert_int_eq((int64_t)get64(low + 8), 9);
	ck_assert_uint_eq(fake->log[0].address, low);
}
END_TEST

START_TEST(a_kick_is_one_transfer)
{
	ck_assert_int_eq(link_->ops->kick(link_), 0);
	ck_assert_uint_eq(fake->kicks, 1);
	ck_assert_uint_eq(fake->accesses, 1);
}
END_TEST

START_TEST(nothing_but_kick_kicks)
{
	struct etalon_hw_live live[FAKE_DETECTORS];
	struct etalon_hw_program p = fake_dark(10);
	struct link_program loaded;
	struct link_status s;

	link_->ops->arm(link_, 250000000, NULL);
	link_->ops->emit(link_, NULL);
	link_->ops->status(link_, &s);
	link_->ops->live(link_, live, 1);
	link_->ops->load(link_, &p, NULL, 0, &loaded, NULL);
	link_->ops->start(link_, NULL);
	link_->ops->stop(link_);
	link_->ops->off(link_);
	ck_assert_uint_eq(fake->kicks, 0);
}
END_TEST

/* ---- refusals ---- */

static const struct {
	uint32_t result;
	int error;
} results[] = {
	{ETALON_HW_REFUSED_STATE, -EBUSY},
	{ETALON_HW_REFUSED_LIMIT, -ERANGE},
	{ETALON_HW_REFUSED_CAUSE, -EACCES},
	{ETALON_HW_REFUSED_WATCHDOG, -ERANGE},
	{ETALON_HW_REFUSED_LIMITS_UNWRITTEN, -EACCES},
	{ETALON_HW_REFUSED_PROGRAM, -EINVAL},
	{ETALON_HW_REFUSED_TIMING, -ERANGE},
	{ETALON_HW_REFUSED_MODE, -EINVAL},
	{ETALON_HW_REFUSED_SPEED, -ERANGE},
	{ETALON_HW_REFUSED_LIST, -EINVAL},
	{ETALON_HW_REFUSED_RATE, -ERANGE},
	{ETALON_HW_REFUSED_EMISSION, -EACCES},
	{ETALON_HW_REFUSED_CHANNEL, -EINVAL},
	{ETALON_HW_REFUSED_RESOLUTION, -EINVAL},
	{ETALON_HW_REFUSED_UPLOAD, -EINVAL},
	{ETALON_HW_REFUSED_DMA, -EINVAL},
	{99, -EPROTO},
};

START_TEST(each_refusal_has_its_error_and_its_numbers)
{
	struct link_refusal refusal;

	fake->refuse_address = ETALON_REG_SOURCE(FAKE_POWER) + ETALON_SOURCE_SETPOINT;
	fake->refuse_result = results[_i].result;
	fake->refuse_detail = FAKE_POWER;
	fake->refuse_low = -123456789012;
	fake->refuse_high = 123456789012;
	ck_assert_int_eq(link_->ops->set_source(link_, FAKE_POWER, 5, &refusal), results[_i].error);
	ck_assert_uint_eq(refusal.result, results[_i].result);
	ck_assert_uint_eq(refusal.detail, FAKE_POWER);
	ck_assert_int_eq(refusal.low, -123456789012);
	ck_assert_int_eq(refusal.high, 123456789012);
	ck_assert(refusal.has_asked);
	ck_assert_int_eq(refusal.asked, 5);
}
END_TEST

START_TEST(arming_stops_at_a_refused_watchdog)
{
	struct link_refusal refusal;

	fake->refuse_address = ETALON_REG_WATCHDOG_NS;
	fake->refuse_result = ETALON_HW_REFUSED_WATCHDOG;
	ck_assert_int_eq(link_->ops->arm(link_, 0, &refusal), -ERANGE);
	for (unsigned int i = 0; i < fake->accesses; i++)
		ck_assert(!fake->log[i].write || fake->log[i].address != ETALON_REG_COMMAND);
}
END_TEST

START_TEST(success_leaves_no_refusal_behind)
{
	struct link_refusal refusal = {.result = 7, .has_asked = true};

	ck_assert_int_eq(link_->ops->emit(link_, &refusal), 0);
	ck_assert_uint_eq(refusal.result, ETALON_HW_RESULT_OK);
	ck_assert(!refusal.has_asked);
}
END_TEST

static const int failures[] = {-ETIMEDOUT, -ENODEV, -EPROTO};

START_TEST(a_failing_transfer_is_told_as_it_is)
{
	struct etalon_hw_program p = fake_dark(10);
	struct link_program loaded;
	struct link_refusal refusal;
	struct link_status s;

	fake->control_error = failures[_i];
	ck_assert_int_eq(link_->ops->status(link_, &s), failures[_i]);
	ck_assert_int_eq(link_->ops->set_source(link_, 0, 0, &refusal), failures[_i]);
	ck_assert_uint_eq(refusal.result, ETALON_HW_RESULT_OK);
	ck_assert_int_eq(link_->ops->kick(link_), failures[_i]);
	ck_assert_int_eq(link_->ops->off(link_), failures[_i]);
	ck_assert_int_eq(link_->ops->load(link_, &p, NULL, 0, &loaded, &refusal), failures[_i]);
}
END_TEST

/* ---- off ---- */

START_TEST(off_looks_whether_it_is_dark)
{
	put32(ETALON_REG_STATE, ETALON_HW_STATE_EMITTING);
	ck_assert_int_eq(link_->ops->off(link_), 0);
	ck_assert_uint_eq(fake->log[0].address, ETALON_REG_COMMAND);
	ck_assert_uint_eq(fake->log[1].address, ETALON_REG_STATE);
	put32(ETALON_REG_STATE, ETALON_HW_STATE_EMITTING);
	fake->refuse_address = ETALON_REG_COMMAND;
	fake->refuse_result = ETALON_HW_REFUSED_STATE;
	ck_assert_int_eq(link_->ops->off(link_), -EPROTO); /* a board that stays lit */
	put32(ETALON_REG_STATE, ETALON_HW_STATE_TRIPPED);
	ck_assert_int_eq(link_->ops->halt(link_), 0); /* dark already */
}
END_TEST

struct caller {
	pthread_t thread;
	int result;
};

static void *set_a_source(void *userdata)
{
	struct caller *c = userdata;

	c->result = link_->ops->set_source(link_, FAKE_HEATER, 7, NULL);
	return NULL;
}

static void *turn_off(void *userdata)
{
	struct caller *c = userdata;

	c->result = link_->ops->off(link_);
	return NULL;
}

static void *kick_it(void *userdata)
{
	struct caller *c = userdata;

	c->result = link_->ops->kick(link_);
	return NULL;
}

static void *(*const urgent_calls[])(void *) = {turn_off, kick_it};
static const uint32_t urgent_addresses[] = {ETALON_REG_COMMAND, ETALON_REG_KICK};

static void await_urgent(struct turn *t)
{
	bool there = false;

	while (!there) {
		pthread_mutex_lock(&t->mutex);
		there = t->urgent > 0;
		pthread_mutex_unlock(&t->mutex);
		if (!there)
			poll(NULL, 0, 1); /* where threads take turns, let the others have one */
	}
}

/* Somebody has the turn, eight more wait for it: when it is given back, the urgent call is next. */
START_TEST(off_and_kick_overtake_everybody_who_waits)
{
	struct turn *turn = &registers_of(link_)->turn;
	struct caller others[8], urgent;

	turn_take(turn, ORDINARY);
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		pthread_create(&others[i].thread, NULL, set_a_source, &others[i]);
	pthread_create(&urgent.thread, NULL, urgent_calls[_i], &urgent);
	await_urgent(turn);
	ck_assert_uint_eq(fake->accesses, 0);
	turn_give(turn);
	pthread_join(urgent.thread, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		pthread_join(others[i].thread, NULL);
		ck_assert_int_eq(others[i].result, 0);
	}
	ck_assert_int_eq(urgent.result, 0);
	ck_assert_uint_eq(fake->log[0].address, urgent_addresses[_i]);
}
END_TEST

/* A load of many lists gives way between any two of its transfers. */
START_TEST(a_long_upload_holds_the_turn_for_one_transfer_only)
{
	struct turn *turn = &registers_of(link_)->turn;
	struct etalon_hw_program p = fake_dark(3);
	int64_t values[] = {1, 2, 3};
	struct link_list lists[] = {{values, 3}, {values, 3}, {values, 3}};
	struct link_program loaded;
	unsigned int before = turn->given;

	ck_assert_int_eq(link_->ops->load(link_, &p, lists, 3, &loaded, NULL), 0);
	ck_assert_uint_ge(turn->given - before, 5);
}
END_TEST

/* ---- programs ---- */

START_TEST(a_program_is_loaded_in_a_constant_number_of_accesses)
{
	uint32_t points[] = {1, 1000, 1000000};
	unsigned int cost = 0;

	for (size_t i = 0; i < ARRAY_SIZE(points); i++) {
		struct etalon_hw_program p = fake_dark(points[i]);
		struct link_program loaded;

		fake->accesses = 0;
		ck_assert_int_eq(link_->ops->load(link_, &p, NULL, 0, &loaded, NULL), 0);
		ck_assert_uint_eq(loaded.points, points[i]);
		ck_assert_uint_eq(loaded.stride, record_stride(p.detector_count));
		ck_assert_uint_eq(loaded.crc, crc32c(0, &p, sizeof(p)));
		ck_assert_uint_eq(loaded.duration_ns, points[i] * p.period_ns);
		ck_assert(cost == 0 || cost == fake->accesses);
		cost = fake->accesses;
	}
	ck_assert_uint_le(cost, 8);
	fake->hold = true;
	fake->accesses = 0;
	ck_assert_int_eq(link_->ops->start(link_, NULL), 0);
	ck_assert_uint_eq(fake->accesses, 2);
}
END_TEST

START_TEST(lists_arrive_before_the_program)
{
	struct etalon_hw_program p = fake_dark(3);
	int64_t values[] = {5, -6, 7};
	struct link_list lists[] = {{values, 3}, {values + 1, 2}};
	struct link_program loaded;

	ck_assert_int_eq(link_->ops->load(link_, &p, lists, 2, &loaded, NULL), 0);
	ck_assert_uint_eq(fake->uploads, 3);
	ck_assert_uint_eq(fake->list_points[0], 3);
	ck_assert_int_eq(fake->list[0][1], -6);
	ck_assert_int_eq(fake->list[1][1], 7);
}
END_TEST

START_TEST(impossible_lists_are_not_sent)
{
	struct etalon_hw_program p = fake_dark(3);
	int64_t value = 5;
	struct link_list none = {&value, 0}, long_ = {&value, 1U << 21}, many[9];
	struct link_program loaded;

	for (size_t i = 0; i < ARRAY_SIZE(many); i++)
		many[i] = (struct link_list){&value, 1};
	ck_assert_int_eq(link_->ops->load(link_, &p, &none, 1, &loaded, NULL), -EINVAL);
	ck_assert_int_eq(link_->ops->load(link_, &p, &long_, 1, &loaded, NULL), -EINVAL);
	ck_assert_int_eq(link_->ops->load(link_, &p, many, 9, &loaded, NULL), -EINVAL);
	p.detector_count = 33;
	ck_assert_int_eq(link_->ops->load(link_, &p, NULL, 0, &loaded, NULL), -EINVAL);
	ck_assert_uint_eq(fake->uploads, 0);
}
END_TEST

START_TEST(a_board_that_loaded_something_else_is_found)
{
	struct etalon_hw_program p = fake_dark(3);
	struct link_program loaded;

	fake->wrong_crc = true;
	ck_assert_int_eq(link_->ops->load(link_, &p, NULL, 0, &loaded, NULL), -EPROTO);
}
END_TEST

START_TEST(a_refused_load_says_why)
{
	struct etalon_hw_program p = fake_dark(3);
	struct link_program loaded;
	struct link_refusal refusal;

	fake->refuse_address = ETALON_REG_COMMAND;
	fake->refuse_result = ETALON_HW_REFUSED_RATE;
	fake->refuse_high = 1000;
	ck_assert_int_eq(link_->ops->load(link_, &p, NULL, 0, &loaded, &refusal), -ERANGE);
	ck_assert_int_eq(refusal.high, 1000);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("link registers");
	TCase *tc = tcase_create("registers"), *open = tcase_create("open");

	tcase_add_test(open, opening_writes_nothing);
	tcase_add_loop_test(open, what_is_no_etalon_board_is_refused_and_nothing_written, 0,
			    (int)ARRAY_SIZE(strangers));
	suite_add_tcase(suite, open);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, status_is_read_in_few_bursts);
	tcase_add_test(tc, reading_status_clears_no_edges);
	tcase_add_loop_test(tc, a_state_that_does_not_exist_is_a_broken_contract, 0,
			    (int)ARRAY_SIZE(impossible_states));
	tcase_add_test(tc, a_64_bit_value_is_written_low_word_first_in_one_transfer);
	tcase_add_test(tc, sources_are_read_back);
	tcase_add_test(tc, channels_that_the_board_lacks_are_never_touched);
	tcase_add_test(tc, live_readings_are_latched_before_they_are_read);
	tcase_add_test(tc, auxiliary_lines_change_only_under_the_mask);
	tcase_add_test(tc, limits_are_written_as_a_pair_low_first);
	tcase_add_test(tc, a_kick_is_one_transfer);
	tcase_add_test(tc, nothing_but_kick_kicks);
	tcase_add_loop_test(tc, each_refusal_has_its_error_and_its_numbers, 0,
			    (int)ARRAY_SIZE(results));
	tcase_add_test(tc, arming_stops_at_a_refused_watchdog);
	tcase_add_test(tc, success_leaves_no_refusal_behind);
	tcase_add_loop_test(tc, a_failing_transfer_is_told_as_it_is, 0, (int)ARRAY_SIZE(failures));
	tcase_add_test(tc, off_looks_whether_it_is_dark);
	tcase_add_loop_test(tc, off_and_kick_overtake_everybody_who_waits, 0,
			    (int)ARRAY_SIZE(urgent_calls));
	tcase_add_test(tc, a_long_upload_holds_the_turn_for_one_transfer_only);
	tcase_add_test(tc, a_program_is_loaded_in_a_constant_number_of_accesses);
	tcase_add_test(tc, lists_arrive_before_the_program);
	tcase_add_test(tc, impossible_lists_are_not_sent);
	tcase_add_test(tc, a_board_that_loaded_something_else_is_found);
	tcase_add_test(tc, a_refused_load_says_why);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
