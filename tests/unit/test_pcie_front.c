// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The PCIe front end over a real socket, with a client that does what QEMU does: what the device
 * says it is, a measurement through the ring, interrupts, resets, clients that vanish or talk nonsense.
 */
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "board_bench.h"
#include "emulator/pci_front.h"
#include "emulator/records.h"
#include "pcie_driver.h"
#include "vfio_client.h"

#define PATIENCE_NS (20 * NSEC_PER_SEC)
#define PAGE 4096U

/* ---- the log ---- */

/* The log's lines with this event, in order; the caller frees the array. */
static json_t *log_lines(const struct pcie_emulator *e, const char *event)
{
	json_t *found = json_array();
	FILE *f = fopen(e->log_path, "re");
	char text[1200];

	ck_assert_ptr_nonnull(f);
	while (fgets(text, sizeof(text), f)) {
		json_t *line = json_loads(text, 0, NULL);

		ck_assert_msg(line, "not JSON: %s", text);
		if (streq(json_string_value(json_object_get(line, "event")), event))
			json_array_append(found, line);
		json_decref(line);
	}
	fclose(f);
	return found;
}

static json_int_t member(const json_t *line, const char *key)
{
	return json_integer_value(json_object_get(line, key));
}

static json_int_t number(const json_t *lines, size_t n, const char *key)
{
	return member(json_array_get(lines, n), key);
}

/* ---- a driver ---- */

/* Reads to END, woken by the vector of records. */
static void finish(struct pcie_driver *d, uint32_t stride)
{
	const struct etalon_hw_record *last = NULL;

	while (!last || last->type != ETALON_HW_RECORD_END) {
		client_await(&d->c, 0);
		pcie_driver_kick(d);
		pcie_driver_take(d, stride);
		if (d->bytes)
			last = (const void *)(d->records + d->bytes - stride);
	}
}

static const struct etalon_hw_record *record(const struct pcie_driver *d, uint32_t stride, size_t n)
{
	return (const void *)(d->records + n * stride);
}

static void emit(struct pcie_driver *d, uint32_t watchdog_ms)
{
	const uint64_t until = now_ns() + PATIENCE_NS;
	static const struct {
		unsigned int source;
		int64_t low, high;
	} limits[] = {
		{ERB1_LASER_WAVELENGTH, 1480000000, 1640000000},
		{ERB1_LASER_POWER, 100000000000, 10000000000000},
		{ERB1_LD1, 0, 0},
		{ERB1_CUR1, 0, 0},
		{ERB1_CUR1 + 1, 0, 0},
		{ERB1_CUR1 + 2, 0, 0},
		{ERB1_CUR1 + 3, 0, 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		const uint32_t base = ETALON_REG_SOURCE(limits[i].source);

		client_put64(&d->c, base + ETALON_SOURCE_LIMIT_LOW, (uint64_t)limits[i].low);
		client_put64(&d->c, base + ETALON_SOURCE_LIMIT_HIGH, (uint64_t)limits[i].high);
	}
	client_put(&d->c, ETALON_REG_WATCHDOG_NS, watchdog_ms * (uint32_t)MS);
	ck_assert_uint_eq(client_command(&d->c, ETALON_HW_COMMAND_ARM), ETALON_HW_RESULT_OK);
	ck_assert_uint_eq(client_command(&d->c, ETALON_HW_COMMAND_EMIT), ETALON_HW_RESULT_OK);
	while (client_get(&d->c, ETALON_REG_STATE) != ETALON_HW_STATE_EMITTING) {
		pcie_driver_kick(d);
		ck_assert_uint_lt(now_ns(), until);
	}
}

static struct etalon_hw_program step_program(uint32_t points)
{
	struct etalon_hw_program p = bench_program();

	bench_gang(bench_axis(&p, ETALON_HW_MODE_STEP, ETALON_HW_FORWARD, points), ERB1_H1, 0,
		   (int64_t)(points - 1) * 200000);
	return p;
}

/* ---- what the device is ---- */

START_TEST(the_device_describes_itself)
{
	struct pcie_emulator *e = pcie_emulator_start(&(struct pcie_emulator_options){.msi = _i});
	struct vfio_client c;
	struct {
		uint32_t argsz, flags, regions, irqs;
	} info = {sizeof(info), 0, 0, 0};
	const uint64_t sizes[VFIO_PCI_NUM_REGIONS] = {
		[VFIO_PCI_BAR0_REGION_INDEX] = ETALON_REG_SPACE,
		[VFIO_PCI_BAR2_REGION_INDEX] = _i ? 0 : 4096,
		[VFIO_PCI_CONFIG_REGION_INDEX] = 4096,
	};
	const uint32_t vectors[VFIO_PCI_NUM_IRQS] = {
		[VFIO_PCI_MSI_IRQ_INDEX] = _i ? 4 : 0,
		[VFIO_PCI_MSIX_IRQ_INDEX] = _i ? 0 : 3,
		[VFIO_PCI_ERR_IRQ_INDEX] = 1,
	};

	vfio_client_connect(&c, e->path);
	ck_assert_int_eq(vfio_client_ask(&c, VFIO_USER_DEVICE_GET_INFO, &info, sizeof(info), &info,
					 sizeof(info)),
			 sizeof(info));
	ck_assert_uint_eq(info.flags, VFIO_DEVICE_FLAGS_RESET | VFIO_DEVICE_FLAGS_PCI);
	ck_assert_uint_eq(info.regions, VFIO_PCI_NUM_REGIONS);
	ck_assert_uint_eq(info.irqs, VFIO_PCI_NUM_IRQS);
	for (uint32_t i = 0; i < VFIO_PCI_NUM_REGIONS; i++) {
		struct vfio_region_info r = {.argsz = sizeof(r), .index = i};

		ck_assert_int_eq(vfio_client_ask(&c, VFIO_USER_DEVICE_GET_REGION_INFO, &r,
						 sizeof(r), &r, sizeof(r)),
				 sizeof(r));
		ck_assert_uint_eq(r.size, sizes[i]);
		ck_assert_uint_eq(r.flags & VFIO_REGION_INFO_FLAG_MMAP, 0);
	}
	for (uint32_t i = 0; i < VFIO_PCI_NUM_IRQS; i++) {
		struct vfio_irq_info r = {.argsz = sizeof(r), .index = i};

		ck_assert_int_eq(vfio_client_ask(&c, VFIO_USER_DEVICE_GET_IRQ_INFO, &r, sizeof(r),
						 &r, sizeof(r)),
				 sizeof(r));
		ck_assert_uint_eq(r.count, vectors[i]);
	}
	vfio_client_close(&c);
	pcie_emulator_stop(e);
}
END_TEST

START_TEST(configuration_space_has_what_a_driver_looks_for)
{
	struct pcie_emulator *e = pcie_emulator_start(&(struct pcie_emulator_options){.msi = _i});
	struct vfio_client c;
	uint32_t at;

	vfio_client_connect(&c, e->path);
	ck_assert_uint_eq(client_config(&c, PCI_VENDOR_ID, 2), ETALON_HW_PCI_VENDOR);
	ck_assert_uint_eq(client_config(&c, PCI_DEVICE_ID, 2), ETALON_HW_PCI_DEVICE);
	ck_assert_uint_eq(client_config(&c, PCI_CLASS_DEVICE, 2), 0x1180);
	ck_assert_uint_eq(client_config(&c, PCI_HEADER_TYPE, 1), PCI_HEADER_TYPE_NORMAL);
	ck_assert_uint_eq(client_config(&c, PCI_INTERRUPT_PIN, 1), 0);
	/* Sizing: the bits that cannot be set tell. */
	client_set_config(&c, PCI_BASE_ADDRESS_0, 4, UINT32_MAX);
	ck_assert_uint_eq(client_config(&c, PCI_BASE_ADDRESS_0, 4), ~(ETALON_REG_SPACE - 1));
	client_set_config(&c, PCI_BASE_ADDRESS_1, 4, UINT32_MAX);
	ck_assert_uint_eq(client_config(&c, PCI_BASE_ADDRESS_1, 4), 0);
	/* Identity is not to be written. */
	client_set_config(&c, PCI_VENDOR_ID, 4, 0);
	ck_assert_uint_eq(client_config(&c, PCI_VENDOR_ID, 2), ETALON_HW_PCI_VENDOR);
	at = client_capability(&c, PCI_CAP_ID_EXP);
	ck_assert_uint_ne(at, 0);
	ck_assert_uint_eq((client_config(&c, at + PCI_EXP_FLAGS, 2) & PCI_EXP_FLAGS_TYPE) >> 4,
			  PCI_EXP_TYPE_ENDPOINT);
	ck_assert_uint_ne(client_config(&c, at + PCI_EXP_DEVCAP, 4) & PCI_EXP_DEVCAP_FLR, 0);
	ck_assert_uint_ne(client_capability(&c, PCI_CAP_ID_PM), 0);
	at = client_capability(&c, PCI_CAP_ID_MSIX);
	ck_assert_int_eq(at != 0, !_i);
	if (at) {
		ck_assert_uint_eq(client_config(&c, at + PCI_MSIX_FLAGS, 2) & PCI_MSIX_FLAGS_QSIZE,
				  2);
		ck_assert_uint_eq(client_config(&c, at + PCI_MSIX_TABLE, 4) & PCI_MSIX_TABLE_BIR,
				  2);
	}
	at = client_capability(&c, PCI_CAP_ID_MSI);
	ck_assert_int_eq(at != 0, _i);
	if (at)
		ck_assert_uint_eq(client_config(&c, at + PCI_MSI_FLAGS, 2) & PCI_MSI_FLAGS_QMASK,
				  2 << 1);
	/* Errors, advanced: none there, and the last of the extended capabilities. */
	ck_assert_uint_eq(client_config(&c, 0x100, 4), PCI_EXT_CAP_ID_ERR | 2U << 16);
	ck_assert_uint_eq(client_config(&c, 0x100 + PCI_ERR_UNCOR_SEVER, 4) & PCI_ERR_UNC_DLP,
			  PCI_ERR_UNC_DLP);
	client_set_config(&c, 0x100 + PCI_ERR_UNCOR_STATUS, 4, UINT32_MAX);
	ck_assert_uint_eq(client_config(&c, 0x100 + PCI_ERR_UNCOR_STATUS, 4), 0);
	client_set_config(&c, 0x100 + PCI_ERR_UNCOR_MASK, 4, UINT32_MAX);
	ck_assert_uint_eq(client_config(&c, 0x100 + PCI_ERR_UNCOR_MASK, 4) & PCI_ERR_UNC_COMP_TIME,
			  PCI_ERR_UNC_COMP_TIME); /* no extended capabilities */
	vfio_client_close(&c);
	pcie_emulator_stop(e);
}
END_TEST

/* ---- measuring ---- */

/* What the same board gives over its FIFO, without any front end. */
static struct bench *reference(const struct etalon_hw_program *p)
{
	struct bench *t = bench_open(
		&(struct bench_options){.seed = 1, .device = "straight", .speed_max = true});

	bench_run(t, p);
	return t;
}

static uint64_t start_tick(const struct etalon_hw_record *start)
{
	return ((const struct etalon_hw_record_start *)start)->tick;
}

static void same_point(const struct pcie_driver *d, const struct bench *t, size_t n,
		       uint32_t stride, uint64_t ticks_apart)
{
	uint8_t bytes[RECORD_STRIDE_MAX];
	struct etalon_hw_record_point *got = (void *)bytes;
	const struct etalon_hw_record_point *wanted = bench_point(t, n);

	memcpy(bytes, record(d, stride, n + 1), stride);
	got->tick -= ticks_apart; /* the two boards were switched on at different times */
	got->head.sequence = wanted->head.sequence;
	ck_assert_mem_eq(got, wanted, stride);
}

static const struct {
	bool speed_max, msi;
	uint32_t points, pages, vectors;
} sweeps[] = {
	{true, false, 3000, 16, 3},
	{true, true, 3000, 2, 1}, /* wraps, and one vector for everything */
	{false, false, 900, 16, 2}, /* below 100 ms: no STATUS record in between */
};

START_TEST(the_same_seed_gives_the_same_counts_over_pcie)
{
	struct pcie_emulator *e = pcie_emulator_start(&(struct pcie_emulator_options){
		.speed_max = sweeps[_i].speed_max, .msi = sweeps[_i].msi});
	struct pcie_driver *d = pcie_driver_bind(e, sweeps[_i].pages, sweeps[_i].vectors);
	struct etalon_hw_program p = step_program(sweeps[_i].points);
	struct bench *t;
	uint32_t stride;

	p.period_ns = 10000; /* 3000 points in 30 ms */
	p.delay_ns = 1000;
	p.aperture_ns = 5000;
	if (!sweeps[_i].speed_max)
		p.period_ns = 100000;
	p.detector_count = 4;
	for (uint16_t i = 0; i < 4; i++)
		p.detector[i] = (struct etalon_hw_program_detector){.detector = i};
	t = reference(&p);
	ck_assert_uint_eq(bench_count(t, ETALON_HW_RECORD_POINT), sweeps[_i].points);
	ck_assert_uint_eq(bench_count(t, ETALON_HW_RECORD_STATUS), 0);
	pcie_driver_start(d, &p);
	stride = client_get(&d->c, ETALON_REG_RECORD_STRIDE);
	finish(d, stride);
	ck_assert_uint_eq(d->bytes, t->bytes);
	ck_assert_uint_eq(record(d, stride, 0)->type, ETALON_HW_RECORD_START);
	for (size_t n = 0; n < sweeps[_i].points; n++)
		same_point(d, t, n, stride,
			   start_tick(record(d, stride, 0)) - bench_start(t)->tick);
	bench_close(t);
	pcie_driver_unbind(d);
	pcie_emulator_stop(e);
}
END_TEST

/* Register accesses but kicks when the marker was written to SCRATCH. */
static json_int_t accesses_at(const struct pcie_emulator *e, uint32_t marker)
{
	json_int_t accesses = -1;
	bool marked = false;
	FILE *f = fopen(e->log_path, "re");
	char text[1200];

	ck_assert_ptr_nonnull(f);
	while (accesses < 0 && fgets(text, sizeof(text), f)) {
		json_t *line = json_loads(text, 0, NULL);
		const char *event = json_string_value(json_object_get(line, "event"));

		if (streq(event, "write") && member(line, "address") == ETALON_REG_SCRATCH)
			marked = member(line, "value") == marker;
		if (streq(event, "accesses") && marked)
			accesses = member(line, "reads") + member(line, "writes");
		json_decref(line);
	}
	fclose(f);
	ck_assert_int_ge(accesses, 0);
	return accesses;
}

/* The rule of the driver: a sweep costs no register access besides its start, whatever its length. */
START_TEST(accesses_are_counted_and_markers_are_in_the_log)
{
	struct pcie_emulator *e = pcie_emulator_start(
		&(struct pcie_emulator_options){.speed_max = true, .log_registers = _i});
	struct pcie_driver *d = pcie_driver_bind(e, 16, 3);
	const uint32_t points[] = {100, 10000};
	json_t *accesses, *each;

	for (uint32_t n = 0; n < 2; n++) {
		const struct etalon_hw_program p = step_program(points[n]);

		client_put(&d->c, ETALON_REG_SCRATCH, 2 * n + 1);
		pcie_driver_start(d, &p);
		finish(d, 128);
		client_put(&d->c, ETALON_REG_SCRATCH, 2 * n + 2);
	}
	/* Upload 2 + 1, three commands with their results, the second marker. */
	ck_assert_int_eq(accesses_at(e, 2) - accesses_at(e, 1), 10);
	ck_assert_int_eq(accesses_at(e, 4) - accesses_at(e, 3), 10);
	accesses = log_lines(e, "accesses");
	ck_assert_int_gt(number(accesses, json_array_size(accesses) - 1, "kicks"), 0);
	json_decref(accesses);
	each = log_lines(e, "register-read");
	ck_assert_int_eq(json_array_size(each) > 0, _i);
	json_decref(each);
	pcie_driver_unbind(d);
	pcie_emulator_stop(e);
}
END_TEST

/* ---- interrupts ---- */

START_TEST(vectors_strike_for_their_event_or_share_the_last)
{
	struct pcie_emulator *e = pcie_emulator_start(&(struct pcie_emulator_options){0});
	const uint32_t vectors = (uint32_t)_i;
	struct pcie_driver *d = pcie_driver_bind(e, 16, vectors);
	const uint32_t of_state = MIN(1, vectors - 1), of_aux = MIN(2, vectors - 1);

	for (uint32_t v = 0; v < vectors; v++)
		client_struck(&d->c, v);
	pcie_emulator_fault(e, "{\"fault\": \"aux-in\", \"line\": 1, \"level\": 1}");
	ck_assert_uint_eq(client_await(&d->c, of_aux), 1);
	pcie_emulator_fault(e, "{\"fault\": \"key-off\"}");
	ck_assert_uint_ge(client_await(&d->c, of_state), 1);
	ck_assert_uint_eq(client_get(&d->c, ETALON_REG_CAUSES_LIVE), ETALON_HW_CAUSE_KEY);
	if (vectors > 1)
		ck_assert_uint_eq(client_struck(&d->c, 0), 0);
	pcie_driver_unbind(d);
	pcie_emulator_stop(e);
}
END_TEST

START_TEST(vectors_are_replaced_and_taken_away)
{
	struct pcie_emulator *e = pcie_emulator_start(&(struct pcie_emulator_options){0});
	struct pcie_driver *d = pcie_driver_bind(e, 16, 3);
	const struct vfio_irq_set off = {
		.argsz = sizeof(off),
		.flags = VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER,
		.index = VFIO_PCI_MSIX_IRQ_INDEX,
	};
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), old = d->c.irq[2];

	ck_assert_int_eq(vfio_client_set_irqs(&d->c, 2, 1, &fd), 0);
	d->c.irq[2] = fd;
	pcie_emulator_fault(e, "{\"fault\": \"aux-in\", \"line\": 1, \"level\": 1}");
	ck_assert_uint_eq(client_await(&d->c, 2), 1);
	d->c.irq[2] = old; /* the first descriptor is not written any more */
	ck_assert_uint_eq(client_struck(&d->c, 2), 0);
	/* Without it, the vector before serves. */
	client_struck(&d->c, 1);
	ck_assert_int_eq(vfio_client_set_irqs(&d->c, 2, 1, NULL), 0);
	pcie_emulator_fault(e, "{\"fault\": \"aux-in\", \"line\": 1, \"level\": 0}");
	ck_assert_uint_eq(client_await(&d->c, 1), 1);
	/* All of them off: nothing strikes. */
	ck_assert_int_eq(
		vfio_client_ask(&d->c, VFIO_USER_DEVICE_SET_IRQS, &off, sizeof(off), NULL, 0), 0);
	pcie_emulator_fault(e, "{\"fault\": \"aux-in\", \"line\": 1, \"level\": 1}");
	ck_assert_uint_eq(client_get(&d->c, ETALON_REG_AUX_IN), 2);
	for (uint32_t v = 0; v < 2; v++)
		ck_assert_uint_eq(client_struck(&d->c, v), 0);
	close(fd);
	pcie_driver_unbind(d);
	pcie_emulator_stop(e);
}
END_TEST

START_TEST(a_client_can_strike_its_own_vectors)
{
	struct pcie_emulator *e = pcie_emulator_start(&(struct pcie_emulator_options){0});
	struct pcie_driver *d = pcie_driver_bind(e, 16, 3);
	struct {
		struct vfio_irq_set set;
		uint8_t bools[3];
	} __attribute__((__packed__)) message = {
		.set = {.argsz = 23,
			.flags = VFIO_IRQ_SET_DATA_BOOL | VFIO_IRQ_SET_ACTION_TRIGGER,
			.index = VFIO_PCI_MSIX_IRQ_INDEX,
			.count = 3},
		.bools = {1, 0, 1},
	};

	for (uint32_t v = 0; v < 3; v++)
		client_struck(&d->c, v);
	ck_assert_int_eq(vfio_client_ask(&d->c, VFIO_USER_DEVICE_SET_IRQS, &message,
					 sizeof(message), NULL, 0),
			 0);
	ck_assert_uint_eq(client_struck(&d->c, 0), 1);
	ck_assert_uint_eq(client_struck(&d->c, 1), 0);
	ck_assert_uint_eq(client_struck(&d->c, 2), 1);
	pcie_driver_unbind(d);
	pcie_emulator_stop(e);
}
END_TEST

/* ---- resets and power ---- */

static void reset_by_message(struct vfio_client *c)
{
	ck_assert_int_eq(vfio_client_ask(c, VFIO_USER_DEVICE_RESET, NULL, 0, NULL, 0), 0);
}

static void reset_by_function(struct vfio_client *c)
{
	const uint32_t at = client_capability(c, PCI_CAP_ID_EXP) + PCI_EXP_DEVCTL;

	client_set_config(c, at, 2, client_config(c, at, 2) | PCI_EXP_DEVCTL_BCR_FLR);
	ck_assert_uint_eq(client_config(c, at, 2) & PCI_EXP_DEVCTL_BCR_FLR, 0);
}

static void reset_by_sleep(struct vfio_client *c)
{
	const uint32_t at = client_capability(c, PCI_CAP_ID_PM) + PCI_PM_CTRL;

	client_set_config(c, at, 2, 1); /* D1 is not there */
	ck_assert_uint_eq(client_config(c, at, 2) & PCI_PM_CTRL_STATE_MASK, 0);
	ck_assert_uint_eq(client_get(c, ETALON_REG_STATE), ETALON_HW_STATE_EMITTING);
	client_set_config(c, at, 2, 3);
	ck_assert_uint_eq(client_config(c, at, 2) & PCI_PM_CTRL_STATE_MASK, 3);
	ck_assert_uint_eq(client_get(c, ETALON_REG_STATE), UINT32_MAX); /* nobody answers */
	client_set_config(c, at, 2, 0);
}

START_TEST(resets_and_sleep_are_cause_link_and_go_back_to_power_on)
{
	static void (*const resets[])(struct vfio_client * c) = {reset_by_message,
								 reset_by_function, reset_by_sleep};
	struct pcie_emulator *e = pcie_emulator_start(&(struct pcie_emulator_options){0});
	struct pcie_driver *d = pcie_driver_bind(e, 16, 3);
	const struct etalon_hw_program p = step_program(10000);
	json_t *states;

	emit(d, 1000);
	pcie_driver_start(d, &p);
	resets[_i](&d->c);
	ck_assert_uint_eq(client_config(&d->c, PCI_COMMAND, 2), 0);
	ck_assert_uint_eq(client_get(&d->c, ETALON_REG_MAGIC), UINT32_MAX);
	client_set_config(&d->c, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	ck_assert_uint_eq(client_get(&d->c, ETALON_REG_MAGIC), ETALON_HW_MAGIC);
	ck_assert_uint_eq(client_get(&d->c, ETALON_REG_STATE), ETALON_HW_STATE_TRIPPED);
	ck_assert_uint_eq(client_get(&d->c, ETALON_REG_CAUSES_LATCHED), ETALON_HW_CAUSE_LINK);
	ck_assert_uint_eq(client_get(&d->c, ETALON_REG_CAUSES_LIVE), 0);
	ck_assert_uint_eq(client_get64(&d->c, ETALON_REG_RING_TABLE), 0);
	ck_assert_uint_eq(client_get(&d->c, ETALON_REG_SEQUENCER), ETALON_HW_SEQUENCER_IDLE);
	ck_assert_uint_eq(client_command(&d->c, ETALON_HW_COMMAND_CLEAR), ETALON_HW_RESULT_OK);
	states = log_lines(e, "state");
	ck_assert_int_eq(number(states, 3, "cause"), ETALON_HW_CAUSE_LINK);
	json_decref(states);
	pcie_driver_set_ring(d, 4); /* and it works again */
	pcie_driver_start(d, &p);
	client_await(&d->c, 0);
	pcie_driver_unbind(d);
	pcie_emulator_stop(e);
}
END_TEST

START_TEST(a_client_that_vanishes_is_link_down_and_the_next_finds_power_on)
{
	struct pcie_emulator *e = pcie_emulator_start(&(struct pcie_emulator_options){0});
	const struct etalon_hw_program p = step_program(10000);
	struct pcie_driver *d = pcie_driver_bind(e, 16, 3);
	json_t *lines;

	emit(d, 1000);
	pcie_driver_start(d, &p);
	client_await(&d->c, 0);
	pcie_driver_unbind(d); /* in the middle of it: its memory goes, too */
	d = pcie_driver_bind(e, 16, 1);
	ck_assert_uint_eq(client_get(&d->c, ETALON_REG_STATE), ETALON_HW_STATE_TRIPPED);
	ck_assert_uint_eq(client_get(&d->c, ETALON_REG_CAUSES_LATCHED), ETALON_HW_CAUSE_LINK);
	ck_assert_uint_eq(client_command(&d->c, ETALON_HW_COMMAND_CLEAR), ETALON_HW_RESULT_OK);
	pcie_driver_start(d, &p);
	client_await(&d->c, 0);
	lines = log_lines(e, "disconnected");
	ck_assert_uint_eq(json_array_size(lines), 1);
	json_decref(lines);
	pcie_driver_unbind(d);
	pcie_emulator_stop(e);
}
END_TEST

START_TEST(one_machine_at_a_time_the_next_one_waits)
{
	struct pcie_emulator *e = pcie_emulator_start(&(struct pcie_emulator_options){0});
	struct vfio_client first, second = {.memfd = -1};
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const struct vfio_user_version hello = {0, 0};
	uint8_t answer[4096];
	uint16_t id;

	client_boot(&first, e->path);
	second.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	strcpy(address.sun_path, e->path);
	ck_assert_int_eq(connect(second.fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	id = vfio_client_send(&second, VFIO_USER_VERSION, 0, &hello, sizeof(hello), NULL, 0);
	for (int i = 0; i < 100; i++)
		ck_assert_uint_eq(client_get(&first, ETALON_REG_MAGIC), ETALON_HW_MAGIC);
	ck_assert_int_lt(recv(second.fd, answer, 1, MSG_DONTWAIT), 0);
	vfio_client_close(&first);
	ck_assert_int_gt(vfio_client_answer(&second, id, VFIO_USER_VERSION, answer, sizeof(answer)),
			 0);
	for (size_t i = 0; i < CLIENT_VECTORS; i++)
		second.irq[i] = -1;
	vfio_client_close(&second);
	pcie_emulator_stop(e);
}
END_TEST

/* ---- registers ---- */

START_TEST(registers_answer_whole_words_of_an_enabled_device_alone)
{
	static const struct {
		uint64_t offset;
		uint32_t count;
	} wrong[] = {{0, 1}, {0, 2}, {0, 8}, {2, 4}, {1, 1}, {0, 64}, {ETALON_REG_SPACE - 2, 2}};
	struct pcie_emulator *e = pcie_emulator_start(&(struct pcie_emulator_options){0});
	struct vfio_client c;
	uint8_t bytes[64], ones[64];

	memset(ones, 0xff, sizeof(ones));
	client_boot(&c, e->path);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		ck_assert_int_eq(vfio_client_read(&c, VFIO_PCI_BAR0_REGION_INDEX, wrong[i].offset,
						  bytes, wrong[i].count),
				 0);
		ck_assert_mem_eq(bytes, ones, wrong[i].count);
	}
	client_put(&c, ETALON_REG_SCRATCH, 0x11223344);
	ck_assert_int_eq(
		vfio_client_write(&c, VFIO_PCI_BAR0_REGION_INDEX, ETALON_REG_SCRATCH, ones, 2), 0);
	ck_assert_uint_eq(client_get(&c, ETALON_REG_SCRATCH), 0x11223344);
	client_set_config(&c, PCI_COMMAND, 2, 0);
	client_put(&c, ETALON_REG_SCRATCH, 1);
	ck_assert_uint_eq(client_get(&c, ETALON_REG_MAGIC), UINT32_MAX);
	client_set_config(&c, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	ck_assert_uint_eq(client_get(&c, ETALON_REG_SCRATCH), 0x11223344);
	/* The place of the MSI-X table reads as zero and keeps nothing. */
	ck_assert_int_eq(vfio_client_write(&c, VFIO_PCI_BAR2_REGION_INDEX, 0, ones, 16), 0);
	ck_assert_int_eq(vfio_client_read(&c, VFIO_PCI_BAR2_REGION_INDEX, 0, bytes, 16), 0);
	for (int i = 0; i < 16; i++)
		ck_assert_uint_eq(bytes[i], 0);
	vfio_client_close(&c);
	pcie_emulator_stop(e);
}
END_TEST

START_TEST(posted_writes_have_no_answer_and_keep_their_order)
{
	struct pcie_emulator *e = pcie_emulator_start(&(struct pcie_emulator_options){0});
	struct vfio_client c;

	client_boot(&c, e->path);
	for (uint32_t i = 1; i <= 1000; i++) {
		const struct {
			struct vfio_user_region_access access;
			uint32_t value;
		} __attribute__((__packed__))
		write = {{ETALON_REG_SCRATCH, VFIO_PCI_BAR0_REGION_INDEX, 4}, i};

		vfio_client_send(&c, VFIO_USER_REGION_WRITE, VFIO_USER_NO_REPLY, &write,
				 sizeof(write), NULL, 0);
	}
	ck_assert_uint_eq(client_get(&c, ETALON_REG_SCRATCH), 1000);
	vfio_client_close(&c);
	pcie_emulator_stop(e);
}
END_TEST

START_TEST(a_board_that_hangs_reads_as_ones_and_goes_dark_by_itself)
{
	struct pcie_emulator *e = pcie_emulator_start(&(struct pcie_emulator_options){0});
	struct pcie_driver *d = pcie_driver_bind(e, 16, 3);
	const uint64_t until = now_ns() + PATIENCE_NS;

	emit(d, 50);
	pcie_emulator_fault(e, "{\"fault\": \"hang\", \"for_ms\": 300}");
	ck_assert_uint_eq(client_get(&d->c, ETALON_REG_MAGIC), UINT32_MAX);
	ck_assert_uint_eq(client_config(&d->c, PCI_VENDOR_ID, 2), ETALON_HW_PCI_VENDOR);
	while (client_get(&d->c, ETALON_REG_MAGIC) == UINT32_MAX) {
		pcie_driver_kick(d); /* into the void */
		ck_assert_uint_lt(now_ns(), until);
	}
	ck_assert_uint_eq(client_get(&d->c, ETALON_REG_CAUSES_LATCHED), ETALON_HW_CAUSE_WATCHDOG);
	pcie_driver_unbind(d);
	pcie_emulator_stop(e);
}
END_TEST

START_TEST(a_scripted_cable_is_surprise_removal)
{
	struct pcie_emulator *e = pcie_emulator_start(&(struct pcie_emulator_options){0});
	struct pcie_driver *d = pcie_driver_bind(e, 16, 3);

	emit(d, 1000);
	pcie_emulator_fault(e, "{\"fault\": \"cable\"}");
	ck_assert(vfio_client_hung_up(&d->c));
	pcie_driver_unbind(d);
	d = pcie_driver_bind(e, 16, 3);
	ck_assert_uint_eq(client_get(&d->c, ETALON_REG_CAUSES_LATCHED), ETALON_HW_CAUSE_LINK);
	pcie_driver_unbind(d);
	pcie_emulator_stop(e);
}
END_TEST

/* ---- memory ---- */

static void unmap_half(struct pcie_driver *d)
{
	vfio_client_unmap(&d->c, CLIENT_BASE + CLIENT_BYTES / 2, CLIENT_BYTES / 2, 0);
}

static void unmap_page_of_it(struct pcie_driver *d)
{
	vfio_client_unmap(&d->c, CLIENT_BASE + CLIENT_BYTES / 2 + PAGE, PAGE, 0);
}

static void unmap_all(struct pcie_driver *d)
{
	vfio_client_unmap(&d->c, 0, 0, VFIO_DMA_UNMAP_FLAG_ALL);
}

static void hide(struct pcie_driver *d)
{
	/* ROM over the ring: later maps hide earlier ones. */
	ck_assert_int_eq(vfio_client_map(&d->c, CLIENT_BASE + CLIENT_BYTES / 2, CLIENT_BYTES / 2,
					 VFIO_DMA_MAP_FLAG_READ, -1, 0),
			 0);
}

START_TEST(maps_removed_while_the_ring_is_in_use_end_program_and_light)
{
	static void (*const remove_maps[])(struct pcie_driver * d) = {unmap_half, unmap_page_of_it,
								      unmap_all, hide};
	struct pcie_emulator *e = pcie_emulator_start(&(struct pcie_emulator_options){0});
	struct pcie_driver *d = pcie_driver_bind(e, 16, 3);
	const struct etalon_hw_program p = step_program(50000);
	const uint64_t until = now_ns() + PATIENCE_NS;
	json_t *aborts;

	emit(d, 1000);
	pcie_driver_start(d, &p);
	remove_maps[_i](d);
	while (client_get(&d->c, ETALON_REG_STATE) != ETALON_HW_STATE_TRIPPED) {
		pcie_driver_kick(d);
		if (_i != 2)
			pcie_driver_take(d, 128);
		ck_assert_uint_lt(now_ns(), until);
	}
	ck_assert_uint_eq(client_get(&d->c, ETALON_REG_CAUSES_LATCHED), ETALON_HW_CAUSE_LINK);
	ck_assert_uint_eq(client_get(&d->c, ETALON_REG_SEQUENCER), ETALON_HW_SEQUENCER_ENDED);
	ck_assert_uint_eq(client_command(&d->c, ETALON_HW_COMMAND_START), ETALON_HW_REFUSED_DMA);
	aborts = log_lines(e, "dma-abort");
	ck_assert_uint_eq(json_array_size(aborts), 1);
	json_decref(aborts);
	pcie_driver_unbind(d);
	pcie_emulator_stop(e);
}
END_TEST

/* A clean range, then something that no client should send: DMA_MAP is never refused. */
START_TEST(no_map_is_refused_and_none_gives_more_than_it_holds)
{
	static const struct {
		uint64_t address, size, offset;
		uint32_t flags;
		bool fd;
		const char *what;
	} maps[] = {
		{0x200000000, 0, 0, 3, true, "nothing"},
		{0x200000000, 0x10000000, 0, 3, true, "more than the file"},
		{0x200000000, 0x1000, 0x10000000, 3, true, "behind the file's end"},
		{0x200000000, 0x1000, UINT64_MAX - 0xfff, 3, true, "an offset that wraps"},
		{UINT64_MAX - 0xfff, 0x2000, 0, 3, true, "addresses that wrap"},
		{0x200000000, UINT64_MAX, 0, 3, true, "all there is"},
		{0x200000000, 0x1000, 0, 0, true, "no use allowed"},
		{0x200000000, 0x1000, 0, 1, true, "read only"},
		{0x200000000, 0x1000, 0, 3, false, "no descriptor"},
	};
	struct pcie_emulator *e = pcie_emulator_start(&(struct pcie_emulator_options){0});
	struct pcie_driver *d = pcie_driver_bind(e, 16, 3);
	const struct etalon_hw_program p = step_program(10);
	const uint32_t nothing = 0;

	pcie_driver_load(d, &p);
	for (size_t i = 0; i < ARRAY_SIZE(maps); i++) {
		ck_assert_msg(vfio_client_map(&d->c, maps[i].address, maps[i].size, maps[i].flags,
					      maps[i].fd ? d->c.memfd : -1, maps[i].offset) == 0,
			      "%s", maps[i].what);
		client_put64(&d->c, ETALON_REG_CONTROL_BLOCK, 0x200000000);
		ck_assert_msg(client_command(&d->c, ETALON_HW_COMMAND_START) ==
				      ETALON_HW_REFUSED_DMA,
			      "%s", maps[i].what);
		ck_assert_int_eq(vfio_client_unmap(&d->c, 0x200000000, 0x1000, 0), 0);
	}
	/* Even a message that is none. */
	ck_assert_int_eq(
		vfio_client_ask(&d->c, VFIO_USER_DMA_MAP, &nothing, sizeof(nothing), NULL, 0), 0);
	pcie_driver_set_ring(d, 16);
	pcie_driver_start(d, &p);
	finish(d, 128);
	pcie_driver_unbind(d);
	pcie_emulator_stop(e);
}
END_TEST

/* ---- nonsense ---- */

struct bad_message {
	const char *what;
	uint16_t command;
	size_t size;
	uint32_t words[12];
	int error;
};

static const struct bad_message bad[] = {
	{"VERSION again", VFIO_USER_VERSION, 4, {0}, EINVAL},
	{"short GET_INFO", VFIO_USER_DEVICE_GET_INFO, 8, {16}, EINVAL},
	{"short GET_REGION_INFO", VFIO_USER_DEVICE_GET_REGION_INFO, 16, {32}, EINVAL},
	{"region that is not there", VFIO_USER_DEVICE_GET_REGION_INFO, 32, {32, 0, 9}, EINVAL},
	{"GET_REGION_IO_FDS", VFIO_USER_DEVICE_GET_REGION_IO_FDS, 16, {16}, ENOTSUP},
	{"short GET_IRQ_INFO", VFIO_USER_DEVICE_GET_IRQ_INFO, 12, {16}, EINVAL},
	{"interrupt that is not there", VFIO_USER_DEVICE_GET_IRQ_INFO, 16, {16, 0, 5}, EINVAL},
	{"short SET_IRQS", VFIO_USER_DEVICE_SET_IRQS, 16, {20, 0x24, 2}, EINVAL},
	{"SET_IRQS of no index", VFIO_USER_DEVICE_SET_IRQS, 20, {20, 0x21, 77, 0, 0}, EINVAL},
	{"INTx, which is not there", VFIO_USER_DEVICE_SET_IRQS, 20, {20, 0x24, 0, 0, 1}, EINVAL},
	{"vectors beyond the last", VFIO_USER_DEVICE_SET_IRQS, 20, {20, 0x24, 2, 2, 2}, EINVAL},
	{"vectors that wrap", VFIO_USER_DEVICE_SET_IRQS, 20, {20, 0x24, 2, 1, UINT32_MAX}, EINVAL},
	{"start far away", VFIO_USER_DEVICE_SET_IRQS, 20, {20, 0x24, 2, UINT32_MAX, 1}, EINVAL},
	{"masking", VFIO_USER_DEVICE_SET_IRQS, 20, {20, 0x09, 2, 0, 1}, EINVAL},
	{"two kinds of data", VFIO_USER_DEVICE_SET_IRQS, 20, {20, 0x26, 2, 0, 1}, EINVAL},
	{"no action", VFIO_USER_DEVICE_SET_IRQS, 20, {20, 0x04, 2, 0, 1}, EINVAL},
	{"flags that are missing", VFIO_USER_DEVICE_SET_IRQS, 20, {20, 0x22, 2, 0, 3}, EINVAL},
	{"short REGION_READ", VFIO_USER_REGION_READ, 12, {0, 0, 7}, EINVAL},
	{"read beyond the end", VFIO_USER_REGION_READ, 16, {0x1000, 0, 7, 1}, EINVAL},
	{"read across the end", VFIO_USER_REGION_READ, 16, {0xffe, 0, 7, 4}, EINVAL},
	{"read that wraps", VFIO_USER_REGION_READ, 16, {~0U, ~0U, 0, 4}, EINVAL},
	{"read of too much", VFIO_USER_REGION_READ, 16, {0, 0, 0, UINT32_MAX}, EINVAL},
	{"read of no region", VFIO_USER_REGION_READ, 16, {0, 0, 1000, 4}, EINVAL},
	{"read of an absent region", VFIO_USER_REGION_READ, 16, {0, 0, 1, 4}, EINVAL},
	{"write without data", VFIO_USER_REGION_WRITE, 16, {4, 0, 7, 4}, EINVAL},
	{"write with too much data", VFIO_USER_REGION_WRITE, 24, {4, 0, 7, 4}, EINVAL},
	{"write beyond the end", VFIO_USER_REGION_WRITE, 20, {0xffd, 0, 7, 4}, EINVAL},
	{"short DMA_UNMAP", VFIO_USER_DMA_UNMAP, 16, {24}, EINVAL},
	{"a command of the server", 11, 16, {0}, ENOTSUP},
	{"migration", 17, 16, {0}, ENOTSUP},
	{"no command", 0, 0, {0}, ENOTSUP},
	{"unknown command", 999, 32, {0}, ENOTSUP},
};

START_TEST(messages_that_make_no_sense_are_refused_and_do_no_harm)
{
	struct pcie_emulator *e = pcie_emulator_start(&(struct pcie_emulator_options){0});
	struct vfio_client c;
	uint8_t answer[256];

	client_boot(&c, e->path);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		const int r = vfio_client_ask(&c, bad[i].command, bad[i].words, bad[i].size, answer,
					      sizeof(answer));

		ck_assert_msg(r == -bad[i].error, "%s: %d", bad[i].what, r);
		if (bad[i].command == VFIO_USER_VERSION) {
			ck_assert(vfio_client_hung_up(&c));
			vfio_client_close(&c);
			client_boot(&c, e->path);
		}
		ck_assert_uint_eq(client_get(&c, ETALON_REG_MAGIC), ETALON_HW_MAGIC);
	}
	vfio_client_close(&c);
	pcie_emulator_stop(e);
}
END_TEST

static const struct {
	const char *what;
	bool greeted;
	struct vfio_user_header head;
	uint16_t version[2];
} fatal[] = {
	{"shorter than its header", true, {1, VFIO_USER_REGION_READ, 15, 0, 0}, {0}},
	{"no size", true, {1, VFIO_USER_REGION_READ, 0, 0, 0}, {0}},
	{"too long", true, {1, VFIO_USER_REGION_WRITE, UINT32_MAX, 0, 0}, {0}},
	{"an answer", true, {1, VFIO_USER_REGION_READ, 16, VFIO_USER_TYPE_REPLY, 0}, {0}},
	{"not VERSION first", false, {1, VFIO_USER_DEVICE_GET_INFO, 16, 0, 0}, {0}},
	{"another major", false, {1, VFIO_USER_VERSION, 20, 0, 0}, {1, 0}},
	{"VERSION without one", false, {1, VFIO_USER_VERSION, 16, 0, 0}, {0}},
};

START_TEST(what_cannot_be_a_message_ends_the_connection)
{
	struct pcie_emulator *e = pcie_emulator_start(&(struct pcie_emulator_options){0});
	struct vfio_client c = {0};
	struct {
		struct vfio_user_header head;
		uint16_t version[2];
	} message = {fatal[_i].head, {fatal[_i].version[0], fatal[_i].version[1]}};
	const bool whole = fatal[_i].head.size == sizeof(message);

	if (fatal[_i].greeted) {
		client_boot(&c, e->path);
	} else {
		struct sockaddr_un address = {.sun_family = AF_UNIX};

		c.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		strcpy(address.sun_path, e->path);
		ck_assert_int_eq(connect(c.fd, (const struct sockaddr *)&address, sizeof(address)),
				 0);
	}
	ck_assert_int_eq(write_all(c.fd, &message, whole ? sizeof(message) : sizeof(message.head)),
			 0);
	ck_assert_msg(vfio_client_hung_up(&c), "%s", fatal[_i].what);
	if (fatal[_i].greeted)
		vfio_client_close(&c);
	else
		close(c.fd);
	client_boot(&c, e->path); /* the next one is welcome */
	ck_assert_uint_eq(client_get(&c, ETALON_REG_MAGIC), ETALON_HW_MAGIC);
	vfio_client_close(&c);
	pcie_emulator_stop(e);
}
END_TEST

START_TEST(descriptors_nobody_asked_for_are_closed)
{
	struct pcie_emulator *e = pcie_emulator_start(&(struct pcie_emulator_options){0});
	struct vfio_client c;
	int ends[2], fds[8];
	uint8_t byte;

	client_boot(&c, e->path);
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		fds[i] = ends[1];
	for (int i = 0; i < 300; i++) {
		const uint16_t id = vfio_client_send(&c, VFIO_USER_DEVICE_RESET, 0, NULL, 0, fds,
						     ARRAY_SIZE(fds));

		ck_assert_int_eq(vfio_client_answer(&c, id, VFIO_USER_DEVICE_RESET, NULL, 0), 0);
	}
	/* No event descriptors: refused, not kept. */
	ck_assert_int_eq(vfio_client_set_irqs(&c, 0, 3, fds), -EINVAL);
	close(ends[1]);
	ck_assert_int_eq(read(ends[0], &byte, 1), 0); /* the last writer is gone */
	close(ends[0]);
	vfio_client_close(&c);
	pcie_emulator_stop(e);
}
END_TEST

/* Asks for a megabyte and again and does not read: the board goes on, and is free when it leaves. */
START_TEST(a_client_that_does_not_read_cannot_hold_the_board_up)
{
	struct pcie_emulator *e = pcie_emulator_start(&(struct pcie_emulator_options){0});
	const struct vfio_user_region_access access = {0, VFIO_PCI_BAR0_REGION_INDEX,
						       ETALON_REG_SPACE};
	struct vfio_client c;

	client_boot(&c, e->path);
	for (int i = 0; i < 50; i++)
		vfio_client_send(&c, VFIO_USER_REGION_READ, 0, &access, sizeof(access), NULL, 0);
	pcie_emulator_fault(e,
			    "{\"fault\": \"aux-in\", \"line\": 0, \"level\": 1}"); /* it is alive */
	vfio_client_close(&c);
	client_boot(&c, e->path);
	ck_assert_uint_eq(client_get(&c, ETALON_REG_AUX_IN), 1);
	vfio_client_close(&c);
	pcie_emulator_stop(e);
}
END_TEST

START_TEST(a_socket_that_is_in_use_is_not_taken)
{
	struct pcie_emulator *e = pcie_emulator_start(&(struct pcie_emulator_options){0});
	const struct pci_front_config config = {.path = e->path};
	struct pci_front *front = NULL;
	_cleanup_free_ char *message = NULL;

	ck_assert_int_eq(pci_front_new(&config, &front, &message), -EADDRINUSE);
	ck_assert_ptr_nonnull(strstr(message, "another --pcie"));
	pcie_emulator_stop(e);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("pcie front end");
	TCase *c = tcase_create("front");

	tcase_set_timeout(c, 120);
	tcase_add_loop_test(c, the_device_describes_itself, 0, 2);
	tcase_add_loop_test(c, configuration_space_has_what_a_driver_looks_for, 0, 2);
	tcase_add_loop_test(c, the_same_seed_gives_the_same_counts_over_pcie, 0,
			    ARRAY_SIZE(sweeps));
	tcase_add_loop_test(c, accesses_are_counted_and_markers_are_in_the_log, 0, 2);
	tcase_add_loop_test(c, vectors_strike_for_their_event_or_share_the_last, 1, 4);
	tcase_add_test(c, vectors_are_replaced_and_taken_away);
	tcase_add_test(c, a_client_can_strike_its_own_vectors);
	tcase_add_loop_test(c, resets_and_sleep_are_cause_link_and_go_back_to_power_on, 0, 3);
	tcase_add_test(c, a_client_that_vanishes_is_link_down_and_the_next_finds_power_on);
	tcase_add_test(c, one_machine_at_a_time_the_next_one_waits);
	tcase_add_test(c, registers_answer_whole_words_of_an_enabled_device_alone);
	tcase_add_test(c, posted_writes_have_no_answer_and_keep_their_order);
	tcase_add_test(c, a_board_that_hangs_reads_as_ones_and_goes_dark_by_itself);
	tcase_add_test(c, a_scripted_cable_is_surprise_removal);
	tcase_add_loop_test(c, maps_removed_while_the_ring_is_in_use_end_program_and_light, 0, 4);
	tcase_add_test(c, no_map_is_refused_and_none_gives_more_than_it_holds);
	tcase_add_test(c, messages_that_make_no_sense_are_refused_and_do_no_harm);
	tcase_add_loop_test(c, what_cannot_be_a_message_ends_the_connection, 0, ARRAY_SIZE(fatal));
	tcase_add_test(c, descriptors_nobody_asked_for_are_closed);
	tcase_add_test(c, a_client_that_does_not_read_cannot_hold_the_board_up);
	tcase_add_test(c, a_socket_that_is_in_use_is_not_taken);
	suite_add_tcase(s, c);
	return run_suite(s);
}
