// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The board of memory; see fake_board.h.
 */
#include <kunit/device.h>
#include <kunit/test.h>
#include <linux/crc32c.h>
#include <linux/delay.h>
#include <linux/file.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "fake_board.h"

#define RECORD_RATE_MAX 1000
#define PATIENCE_MS 2000
/* With DEBUG_KOBJECT_RELEASE each of several objects is released some seconds late. */
#define RELEASE_PATIENCE_MS 30000
#define USER_BYTES (64 * 1024)

/* ---- what it is ---- */

struct blob {
	struct etalon_hw_description head;
	struct etalon_hw_source source[1];
	struct etalon_hw_detector detector[3];
	struct etalon_hw_range range[3];
};

static void describe_source(struct etalon_hw_source *s)
{
	unsigned int i;

	strscpy(s->name, "diode.current", sizeof(s->name));
	s->kind = ETALON_HW_SOURCE_CURRENT;
	s->modes = ETALON_HW_MODE_STEP;
	s->emits = 1;
	s->safe_action = ETALON_HW_SAFE_RAMP_ZERO;
	s->gate = ETALON_HW_NO_CHANNEL;
	s->belongs_to = ETALON_HW_NO_CHANNEL;
	for (i = 0; i < ARRAY_SIZE(s->readback); i++)
		s->readback[i] = ETALON_HW_NO_CHANNEL;
	s->max = 1000000;
	s->resolution = 1;
}

static void describe_detector(struct blob *b, unsigned int n, const char *name, u16 kind, u16 role,
			      s64 step)
{
	struct etalon_hw_detector *t = &b->detector[n];
	struct etalon_hw_range *r = &b->range[n];

	strscpy(t->name, name, sizeof(t->name));
	t->kind = kind;
	t->role = role;
	t->source = ETALON_HW_NO_CHANNEL;
	t->flags = ETALON_HW_DETECTOR_SLOW;
	t->range_first = (u16)n;
	t->range_count = 1;
	strscpy(r->name, "all", sizeof(r->name));
	r->full_scale = 10000000000;
	r->step_q16 = step * 65536;
}

static void describe_head(struct etalon_hw_description *h)
{
	h->magic = ETALON_HW_MAGIC;
	h->version = ETALON_HW_VERSION;
	h->size = sizeof(struct blob);
	strscpy(h->model, "memory", sizeof(h->model));
	strscpy(h->serial, "KUNIT-1", sizeof(h->serial));
	strscpy(h->firmware, "1", sizeof(h->firmware));
	h->source_count = FAKE_SOURCES;
	h->source_offset = offsetof(struct blob, source);
	h->detector_count = 3;
	h->detector_offset = offsetof(struct blob, detector);
	h->range_count = 3;
	h->range_offset = offsetof(struct blob, range);
	h->calibration_offset = sizeof(struct blob);
	h->tick_ps = 1000;
	h->fifo_records = 16;
	h->list_points_max = 1000;
	h->aux_lines = FAKE_LINES;
	h->period_min_ns = NSEC_PER_SEC / RECORD_RATE_MAX;
	h->aperture_min_ns = 1000;
	h->watchdog_min_ns = FAKE_WATCHDOG_MIN_NS;
	h->watchdog_max_ns = NSEC_PER_SEC;
	h->conversion_ns = 1000;
}

static struct blob *describe(void)
{
	struct blob *b = kvzalloc(sizeof(*b), GFP_KERNEL);

	BUILD_BUG_ON(sizeof(*b) % 8);
	if (!b)
		return NULL;
	describe_head(&b->head);
	describe_source(&b->source[FAKE_SOURCE]);
	describe_detector(b, FAKE_PHOTODIODE, "pd", ETALON_HW_DETECTOR_PHOTOCURRENT,
			  ETALON_HW_ROLE_SIGNAL, 1);
	describe_detector(b, FAKE_TEMPERATURE, "chip.temperature", ETALON_HW_DETECTOR_TEMPERATURE,
			  ETALON_HW_ROLE_TEMPERATURE, FAKE_STEP_UK);
	describe_detector(b, FAKE_RAIL, "rail.5v", ETALON_HW_DETECTOR_VOLTAGE,
			  ETALON_HW_ROLE_SENSE_VOLTAGE, FAKE_STEP_NV);
	b->head.crc = ~crc32c(~0U, b, sizeof(*b));
	return b;
}

/* ---- what it does ---- */

static struct fake_board *fake_of(struct etalon_board *board)
{
	struct fake_board *fake = board->link;

	if (!fake->board)
		fake->late_calls++;
	return fake;
}

static int fake_safety(struct etalon_board *board, struct etalon_safety *ret)
{
	struct fake_board *fake = fake_of(board);

	*ret = fake->safety;
	return fake->answer;
}

static void become(struct fake_board *fake, u32 state)
{
	fake->safety.state = state;
	fake->progress.state = state;
}

static int fake_command(struct etalon_board *board, u32 command, struct etalon_refusal *refusal)
{
	struct fake_board *fake = fake_of(board);

	if (fake->answer)
		return fake->answer;
	fake->commands[command]++;
	switch (command) {
	case ETALON_HW_COMMAND_ARM:
		become(fake, ETALON_HW_STATE_ARMED);
		break;
	case ETALON_HW_COMMAND_EMIT:
		become(fake, ETALON_HW_STATE_EMITTING);
		break;
	case ETALON_HW_COMMAND_CLEAR:
		become(fake, ETALON_HW_STATE_OFF);
		break;
	case ETALON_HW_COMMAND_LOAD:
		fake->progress.sequencer = ETALON_HW_SEQUENCER_READY;
		break;
	case ETALON_HW_COMMAND_START:
		fake->progress.sequencer = ETALON_HW_SEQUENCER_RUNNING;
		break;
	}
	return 0;
}

static int fake_dark(struct etalon_board *board, u32 command)
{
	struct fake_board *fake = fake_of(board);

	fake->commands[command]++;
	if (fake->answer || fake->answer_dark)
		return fake->answer ?: fake->answer_dark;
	become(fake, ETALON_HW_STATE_OFF);
	fake->safety.last_off_cause = ETALON_HW_CAUSE_HOST;
	return 0;
}

static int fake_kick(struct etalon_board *board)
{
	struct fake_board *fake = fake_of(board);

	fake->kicks++;
	return fake->answer;
}

static int fake_set_watchdog(struct etalon_board *board, u32 period_ns,
			     struct etalon_refusal *refusal)
{
	return fake_of(board)->answer;
}

static int fake_set_limits(struct etalon_board *board, u32 source, const struct etalon_span *limits,
			   struct etalon_refusal *refusal)
{
	fake_of(board)->limits[source] = *limits;
	return fake_of(board)->answer;
}

static int fake_set_value(struct etalon_board *board, u32 source, s64 value,
			  struct etalon_refusal *refusal)
{
	return fake_of(board)->answer;
}

static int fake_get_source(struct etalon_board *board, u32 source, struct etalon_source_now *ret)
{
	*ret = (struct etalon_source_now){0};
	return fake_of(board)->answer;
}

static int fake_set_range(struct etalon_board *board, u32 detector, u32 range,
			  struct etalon_refusal *refusal)
{
	return fake_of(board)->answer;
}

static int fake_set_live_aperture(struct etalon_board *board, u32 aperture_ns,
				  struct etalon_refusal *refusal)
{
	return fake_of(board)->answer;
}

static int fake_live(struct etalon_board *board, u32 first, u32 count, struct etalon_hw_live *ret)
{
	struct fake_board *fake = fake_of(board);

	fake->lives++;
	memcpy(ret, fake->live + first, count * sizeof(*ret));
	return fake->answer;
}

static int fake_upload(struct etalon_board *board, const struct etalon_hw_upload *upload,
		       struct etalon_refusal *refusal)
{
	struct fake_board *fake = fake_of(board);
	const struct etalon_hw_program *program = (const void *)(upload + 1);

	fake->loaded = (struct etalon_loaded){
		.points = program->axis[0].points,
		.produced = fake->progress.producer,
		.crc = upload->crc,
		.stride = FAKE_STRIDE,
	};
	return fake->answer;
}

static int fake_loaded(struct etalon_board *board, struct etalon_loaded *ret)
{
	struct fake_board *fake = fake_of(board);

	*ret = fake->loaded;
	return fake->answer;
}

static void fake_consume(struct etalon_board *board, u64 sequence)
{
	fake_of(board)->consumer = sequence;
}

/* The next record; told of by the next progress. */
static struct etalon_hw_record *put(struct fake_board *fake, u16 type)
{
	const struct etalon_board *board = fake->board;
	const u64 sequence = fake->progress.producer++;
	struct etalon_hw_record *record =
		(void *)(board->memory.data + sequence % board->ring.capacity * FAKE_STRIDE);

	memset(record, 0, FAKE_STRIDE);
	record->magic = ETALON_HW_RECORD_MAGIC;
	record->type = type;
	record->size = FAKE_STRIDE;
	record->generation = FAKE_GENERATION;
	record->sequence = sequence;
	return record;
}

static void put_points(struct fake_board *fake, unsigned int count)
{
	struct etalon_hw_record_point *point;

	while (count--) {
		point = (void *)put(fake, ETALON_HW_RECORD_POINT);
		point->number = point->head.sequence;
	}
}

static void fake_progress(struct etalon_board *board, struct etalon_progress *ret)
{
	struct fake_board *fake = fake_of(board);

	if (fake->looks_until_end && !--fake->looks_until_end)
		put(fake, ETALON_HW_RECORD_END);
	*ret = fake->progress;
}

static void fake_quiesce(struct etalon_board *board)
{
	struct fake_board *fake = fake_of(board);

	if (!fake->quiet)
		put_points(fake, fake->points_on_their_way);
	fake->points_on_their_way = 0;
	fake->quiet = true;
}

static int fake_ready(struct etalon_board *board)
{
	struct fake_board *fake = fake_of(board);

	if (fake->answer_ready)
		return fake->answer_ready;
	fake->quiet = false;
	return fake->answer;
}

static void fake_sync(struct etalon_board *board, const struct etalon_ring_span *span)
{
	struct fake_board *fake = fake_of(board);

	fake->synced_bytes += span->bytes;
	fake->synced = *span;
	fake->given_end = false;
}

static void fake_give(struct etalon_board *board, const struct etalon_ring_span *span)
{
	const struct etalon_hw_record *record = (const void *)(board->memory.data + span->offset);
	struct fake_board *fake = fake_of(board);

	fake->given = *span;
	fake->given_end = record->type == ETALON_HW_RECORD_END;
}

static int fake_tick(struct etalon_board *board, u64 *ret)
{
	*ret = 1;
	return fake_of(board)->answer;
}

static void note_order(struct fake_board *fake, unsigned int *first)
{
	if (!*first)
		*first = 1 + max(fake->aux_order[0], fake->aux_order[1]);
}

static int fake_aux_direction(struct etalon_board *board, u32 mask, u32 outputs)
{
	struct fake_board *fake = fake_of(board);

	note_order(fake, &fake->aux_order[1]);
	fake->aux_directions = (fake->aux_directions & ~mask) | outputs;
	return fake->answer;
}

static int fake_aux_set(struct etalon_board *board, u32 mask, u32 values)
{
	struct fake_board *fake = fake_of(board);

	note_order(fake, &fake->aux_order[0]);
	fake->aux_outputs = (fake->aux_outputs & ~mask) | values;
	return fake->answer;
}

static int fake_aux_outputs(struct etalon_board *board, u32 *ret_outputs)
{
	struct fake_board *fake = fake_of(board);

	*ret_outputs = fake->aux_directions;
	return fake->answer;
}

static int fake_aux_get(struct etalon_board *board, u32 *ret_values, u32 *ret_edges)
{
	struct fake_board *fake = fake_of(board);

	fake->aux_gets++;
	*ret_values = fake->aux_values;
	if (ret_edges) {
		*ret_edges = fake->aux_edges;
		fake->aux_edges = 0;
	}
	return fake->answer;
}

static const struct etalon_link_ops fake_ops = {
	.name = "memory",
	.link = ETALON_LINK_PCI,
	.safety = fake_safety,
	.command = fake_command,
	.dark = fake_dark,
	.kick = fake_kick,
	.set_watchdog = fake_set_watchdog,
	.set_limits = fake_set_limits,
	.set_source = fake_set_value,
	.get_source = fake_get_source,
	.set_compliance = fake_set_value,
	.set_range = fake_set_range,
	.set_live_aperture = fake_set_live_aperture,
	.live = fake_live,
	.upload = fake_upload,
	.loaded = fake_loaded,
	.consume = fake_consume,
	.progress = fake_progress,
	.sync = fake_sync,
	.give = fake_give,
	.quiesce = fake_quiesce,
	.ready = fake_ready,
	.tick = fake_tick,
	.aux_direction = fake_aux_direction,
	.aux_set = fake_aux_set,
	.aux_outputs = fake_aux_outputs,
	.aux_get = fake_aux_get,
};

/* ---- life ---- */

static void remove_at_end(void *userdata)
{
	struct fake_board *fake = userdata;

	if (fake->board)
		fake_board_remove(fake);
	KUNIT_EXPECT_EQ_MSG(fake->test, fake->late_calls, 0, "the link was called after its end");
}

struct fake_board *fake_board_create(struct kunit *test)
{
	static atomic_t count = ATOMIC_INIT(0);
	struct fake_board *fake = kunit_kzalloc(test, sizeof(*fake), GFP_KERNEL);
	struct blob *blob = describe();

	KUNIT_ASSERT_NOT_NULL(test, fake);
	KUNIT_ASSERT_NOT_NULL(test, blob);
	fake->test = test;
	/* A name of its own: that of a device which is gone may stay taken for seconds. */
	snprintf(fake->name, sizeof(fake->name), "etalon-memory%d", atomic_inc_return(&count));
	fake->parent = kunit_device_register(test, fake->name);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, fake->parent);
	fake->board = etalon_board_alloc(fake->parent, &fake_ops, fake);
	KUNIT_ASSERT_NOT_NULL(test, fake->board);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, remove_at_end, fake), 0);
	fake->board->record_rate_max = RECORD_RATE_MAX;
	KUNIT_ASSERT_EQ(test, etalon_board_describe(fake->board, blob, sizeof(*blob)), 0);
	KUNIT_ASSERT_EQ(test, etalon_board_alloc_ring(fake->board), 0);
	fake->user = (void __user *)kunit_vm_mmap(test, NULL, 0, USER_BYTES, PROT_READ | PROT_WRITE,
						  MAP_ANONYMOUS | MAP_PRIVATE, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR_OR_NULL((__force void *)fake->user));
	return fake;
}

void fake_board_register(struct fake_board *fake)
{
	KUNIT_ASSERT_EQ(fake->test, etalon_board_register(fake->board), 0);
	fake->registered = true;
}

void fake_board_remove(struct fake_board *fake)
{
	struct etalon_board *board = fake->board;

	if (fake->registered)
		etalon_board_unregister(board);
	fake->registered = false;
	fake->board = NULL;
	put_device(&board->dev);
}

bool fake_page_is_ours_alone(struct page *page)
{
	unsigned int ms;

	for (ms = 0; ms < RELEASE_PATIENCE_MS; ms += 100) {
		flush_delayed_fput();
		if (page_count(page) == 1)
			return true;
		msleep(100);
	}
	return false;
}

/* ---- as user space ---- */

static struct file *open_node(int number, int flags)
{
	char name[32];

	snprintf(name, sizeof(name), "/dev/etalon%d", number);
	return filp_open(name, flags, 0);
}

long fake_try_open(int number, int flags)
{
	struct file *file = open_node(number, flags);

	if (IS_ERR(file))
		return PTR_ERR(file);
	fake_close(file);
	return 0;
}

struct file *fake_open(struct fake_board *fake, int flags)
{
	struct file *file = open_node(fake->board->number, flags);

	KUNIT_ASSERT_FALSE_MSG(fake->test, IS_ERR(file), "open: %pe", file);
	return file;
}

/* Now, not when this thread ends. */
void fake_close(struct file *file)
{
	__fput_sync(file);
}

long fake_call(struct fake_board *fake, struct file *file, unsigned int command, void *argument,
	       size_t size)
{
	long ret;

	if (size)
		KUNIT_ASSERT_EQ(fake->test, copy_to_user(fake->user, argument, size), 0);
	ret = vfs_ioctl(file, command, size ? (unsigned long)fake->user : 0);
	if (size)
		KUNIT_ASSERT_EQ(fake->test, copy_from_user(argument, fake->user, size), 0);
	return ret;
}

ssize_t fake_pread(struct fake_board *fake, struct file *file, void *buffer, size_t count,
		   loff_t position)
{
	ssize_t got;

	KUNIT_ASSERT_LE(fake->test, count, USER_BYTES);
	got = file->f_op->read(file, fake->user, count, &position);
	if (got > 0)
		KUNIT_ASSERT_EQ(fake->test, copy_from_user(buffer, fake->user, (size_t)got), 0);
	return got;
}

bool fake_poll(struct file *file, __poll_t events)
{
	unsigned int ms;

	for (ms = 0; ms < PATIENCE_MS; ms++) {
		if (vfs_poll(file, NULL) & events)
			return true;
		usleep_range(1000, 1200);
	}
	return false;
}

long fake_release(struct fake_board *fake, struct file *capture, u64 sequence)
{
	struct etalon_sequence s = {.size = sizeof(s), .sequence = sequence};

	return fake_call(fake, capture, ETALON_IOC_RELEASE, &s, sizeof(s));
}

/* ---- as the board ---- */

static void upload_program(struct fake_board *fake, struct file *control, u32 points)
{
	struct etalon_hw_program *program = kunit_kzalloc(fake->test, sizeof(*program), GFP_KERNEL);
	void __user *at = fake->user + USER_BYTES / 2;
	struct etalon_upload upload = {
		.size = sizeof(upload),
		.data = (__force unsigned long)at,
		.bytes = sizeof(*program),
		.kind = ETALON_HW_UPLOAD_PROGRAM,
	};

	KUNIT_ASSERT_NOT_NULL(fake->test, program);
	program->magic = ETALON_HW_PROGRAM_MAGIC;
	program->size = sizeof(*program);
	program->generation = FAKE_GENERATION;
	program->axis_count = 1;
	program->detector_count = 1;
	program->axis[0].points = points;
	program->axis[0].shape = ETALON_HW_AXIS_LINEAR;
	program->axis[0].mode = ETALON_HW_MODE_STEP;
	program->period_ns = NSEC_PER_SEC / RECORD_RATE_MAX;
	program->aperture_ns = 1000;
	program->gate = ETALON_HW_GATE_SHUT;
	KUNIT_ASSERT_EQ(fake->test, copy_to_user(at, program, sizeof(*program)), 0);
	KUNIT_ASSERT_EQ(fake->test,
			fake_call(fake, control, ETALON_IOC_UPLOAD, &upload, sizeof(upload)), 0);
}

void fake_start_program(struct fake_board *fake, struct file *control, u32 points)
{
	struct etalon_load load = {.size = sizeof(load)};
	struct etalon_command start = {.size = sizeof(start)};
	long ret;

	upload_program(fake, control, points);
	ret = fake_call(fake, control, ETALON_IOC_LOAD, &load, sizeof(load));
	KUNIT_ASSERT_EQ_MSG(fake->test, ret, 0, "LOAD: result %u, detail %u", load.refusal.result,
			    load.refusal.detail);
	KUNIT_ASSERT_EQ(fake->test, load.stride, FAKE_STRIDE);
	KUNIT_ASSERT_EQ(fake->test,
			fake_call(fake, control, ETALON_IOC_START, &start, sizeof(start)), 0);
}

void fake_write_limits(struct fake_board *fake, struct file *control)
{
	struct etalon_limits limits = {.size = sizeof(limits), .source = FAKE_SOURCE, .high = 10};
	const long ret = fake_call(fake, control, ETALON_IOC_SET_LIMITS, &limits, sizeof(limits));

	KUNIT_ASSERT_EQ(fake->test, ret, 0);
}

void fake_arm(struct fake_board *fake, struct file *control, u64 period_ns)
{
	struct etalon_command arm = {.size = sizeof(arm), .period_ns = period_ns};

	fake_write_limits(fake, control);
	KUNIT_ASSERT_EQ(fake->test, fake_call(fake, control, ETALON_IOC_ARM, &arm, sizeof(arm)), 0);
}

void fake_produce(struct fake_board *fake, unsigned int count)
{
	put_points(fake, count);
	etalon_board_progress(fake->board);
}
