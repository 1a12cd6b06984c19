// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * vfio-user messages at random: wrong lengths, wild addresses, maps that come and go below a
 * ring in use, descriptors of any kind. The emulator answers or hangs up, and lives; DMA_MAP is
 * never refused. Arguments: count, seed.
 */
#include <errno.h>
#include <inttypes.h>
#include <linux/vfio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/util.h"
#include "hw.h"
#include "pcie_driver.h"
#include "trial.h"

#include "run_suite.h" /* last: it defines a macro fail() */

#define PAYLOAD_MAX 256

static uint64_t rounds = 20000, seed, state;

static uint64_t draw(void)
{
	return trial_next(&state);
}

static uint64_t below(uint64_t n)
{
	return draw() % n;
}

/* Numbers that are often nearly right. */
static uint64_t number(void)
{
	switch (below(6)) {
	case 0:
		return below(16);
	case 1:
		return CLIENT_BASE + below(CLIENT_BYTES);
	case 2:
		return CLIENT_BASE + below(CLIENT_BYTES / 4096) * 4096;
	case 3:
		return UINT64_MAX - below(8192);
	case 4:
		return 1ULL << below(64);
	default:
		return draw();
	}
}

static uint32_t register_at_random(void)
{
	static const uint32_t liked[] = {
		ETALON_REG_COMMAND,	    ETALON_REG_RING_TABLE,	 ETALON_REG_RING_PAGES,
		ETALON_REG_CONTROL_BLOCK,   ETALON_REG_UPLOAD_TABLE,	 ETALON_REG_UPLOAD_SIZE,
		ETALON_REG_RING_PAGE_SHIFT, ETALON_REG_INTERRUPT_ENABLE,
	};

	if (below(2))
		return liked[below(ARRAY_SIZE(liked))] + 4 * (uint32_t)below(2);
	return (uint32_t)below(ETALON_REG_SPACE) & ~3U;
}

/* ---- messages ---- */

struct message {
	uint16_t command;
	size_t size;
	uint64_t words[PAYLOAD_MAX / 8];
	size_t fds;
};

static void region(struct message *m)
{
	struct vfio_user_region_access a = {number(), (uint32_t)below(10), (uint32_t)below(70)};
	uint64_t value = below(2) ? number() : below(10);

	if (below(3)) {
		a = (struct vfio_user_region_access){register_at_random(),
						     VFIO_PCI_BAR0_REGION_INDEX, 4};
	} else if (below(2)) {
		a = (struct vfio_user_region_access){below(256), VFIO_PCI_CONFIG_REGION_INDEX,
						     1U << below(3)};
		value = below(4) ? 6 : value; /* memory and bus mastering stay on, mostly */
	}
	m->command = below(3) ? VFIO_USER_REGION_WRITE : VFIO_USER_REGION_READ;
	memcpy(m->words, &a, sizeof(a));
	memcpy((uint8_t *)m->words + sizeof(a), &value, sizeof(value));
	m->size = sizeof(a) + (m->command == VFIO_USER_REGION_WRITE ? MIN(a.count, 64U) : 0);
}

static void dma(struct message *m)
{
	const struct vfio_user_dma_map whole = {32, 3, 0, CLIENT_BASE, CLIENT_BYTES};
	struct vfio_user_dma_map map = {32, (uint32_t)below(4), number() % CLIENT_BYTES, number(),
					number()};

	m->command = below(3) ? VFIO_USER_DMA_MAP : VFIO_USER_DMA_UNMAP;
	m->fds = m->command == VFIO_USER_DMA_MAP ? below(3) : 0;
	if (below(2))
		map = whole;
	memcpy(m->words, &map, sizeof(map));
	m->size = m->command == VFIO_USER_DMA_MAP ? sizeof(map) : sizeof(map) - 8;
	if (m->command == VFIO_USER_DMA_UNMAP)
		memcpy(m->words + 1, &map.address, 16);
}

static void interrupts(struct message *m)
{
	const uint32_t set[] = {20, 0x20 | (uint32_t)(1U << below(3)), (uint32_t)below(6),
				(uint32_t)below(5), (uint32_t)below(5)};

	m->command = VFIO_USER_DEVICE_SET_IRQS;
	memcpy(m->words, set, sizeof(set));
	m->size = sizeof(set) + below(5);
	m->fds = below(5);
}

static void anything(struct message *m)
{
	m->command = (uint16_t)below(20);
	m->size = below(PAYLOAD_MAX);
	for (size_t i = 0; i < ARRAY_SIZE(m->words); i++)
		m->words[i] = number();
	m->fds = below(9);
}

static struct message make(void)
{
	static void (*const makers[])(struct message * m) = {region, region,	 region,  region,
							     dma,    interrupts, anything};
	struct message m = {0};

	makers[below(ARRAY_SIZE(makers))](&m);
	if (below(50) == 0)
		m.size = below(PAYLOAD_MAX);
	return m;
}

/* ---- client ---- */

/* A page table anywhere in memory may be read as anything. */
static void scribble(struct vfio_client *c)
{
	uint64_t *at = client_at(c, CLIENT_BASE + below(CLIENT_BYTES / 8) * 8);

	*at = number();
}

/* False: the emulator has hung up. */
static bool answered(struct vfio_client *c, const struct message *m)
{
	static uint8_t data[1 << 21];
	struct vfio_user_header head;

	if (recv(c->fd, &head, sizeof(head), MSG_WAITALL) != sizeof(head))
		return false;
	ck_assert_uint_eq(head.command, m->command);
	ck_assert_uint_le(head.size - sizeof(head), sizeof(data));
	if (m->command == VFIO_USER_DMA_MAP)
		ck_assert_uint_eq(head.flags & VFIO_USER_ERROR, 0);
	return head.size == sizeof(head) || read_all(c->fd, data, head.size - sizeof(head)) == 0;
}

/* A ring in use, so that there is something to be harmed. */
static struct pcie_driver *begin(const struct board_thread *e)
{
	struct pcie_driver *d = pcie_driver_bind(e, 2, 3);
	const struct etalon_hw_program p = {
		.magic = ETALON_HW_PROGRAM_MAGIC,
		.size = sizeof(p),
		.generation = 1,
		.axis_count = 1,
		.axis[0] = {.points = 100000,
			    .shape = ETALON_HW_AXIS_LINEAR,
			    .mode = ETALON_HW_MODE_STEP},
		.detector_count = 1,
		.period_ns = 10000,
		.aperture_ns = 5000,
	};

	pcie_driver_start(d, &p);
	return d;
}

/* Reads on, or tells a consumer that cannot be. */
static void consume(struct pcie_driver *d)
{
	struct etalon_hw_control *control = pcie_driver_control(d);

	control->consumer = below(10) ? control->producer : number();
}

START_TEST(no_sequence_of_messages_harms_the_emulator)
{
	struct board_thread *e = board_thread_start(
		&(struct board_thread_options){.front = BOARD_THREAD_PCIE, .speed_max = true});
	struct pcie_driver *d;
	uint64_t begun = 1;

	state = seed;
	d = begin(e);
	for (uint64_t i = 0; i < rounds; i++) {
		const struct message m = make();
		int fds[9];

		for (size_t n = 0; n < m.fds; n++)
			fds[n] = below(2) ? d->c.memfd : d->c.irq[below(3)];
		if (below(4) == 0)
			scribble(&d->c);
		consume(d);
		vfio_client_send(&d->c, m.command, 0, m.words, m.size, fds, m.fds);
		/* A second VERSION is answered, and ends the connection. */
		if (answered(&d->c, &m) && m.command != VFIO_USER_VERSION && below(100))
			continue;
		begun++;
		pcie_driver_unbind(d);
		d = begin(e);
	}
	pcie_driver_unbind(d);
	board_thread_stop(e);
	printf("%" PRIu64 " messages, %" PRIu64 " machines, seed %" PRIu64 "\n", rounds, begun,
	       seed);
}
END_TEST

int main(int argc, char **argv)
{
	Suite *suite = suite_create("fuzz_vfio");
	TCase *tcase = tcase_create("random");

	trial_arguments(argc, argv, &rounds, &seed);
	tcase_set_timeout(tcase, 3600);
	tcase_add_test(tcase, no_sequence_of_messages_harms_the_emulator);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
