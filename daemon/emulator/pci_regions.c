// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Accesses to the device's regions: configuration space, the registers in BAR 0, the place of
 * the MSI-X table.
 */
#include <inttypes.h>
#include <linux/vfio.h>

#include "base/util.h"
#include "emulator/pci_front_internal.h"

uint64_t pci_region_size(const struct pci_front *f, uint32_t region)
{
	switch (region) {
	case VFIO_PCI_BAR0_REGION_INDEX:
		return ETALON_REG_SPACE;
	case VFIO_PCI_BAR0_REGION_INDEX + PCI_MSIX_BAR:
		return f->msi ? 0 : PCI_MSIX_BAR_BYTES;
	case VFIO_PCI_CONFIG_REGION_INDEX:
		return PCI_CONFIG_BYTES;
	default:
		return 0;
	}
}

/* ---- registers ---- */

void pci_log_accesses(struct pci_front *f)
{
	char members[128];

	snprintf(members, sizeof(members),
		 "\"reads\":%" PRIu64 ",\"writes\":%" PRIu64 ",\"kicks\":%" PRIu64, f->reads,
		 f->writes, f->kicks);
	board_log(f->board, "accesses", members);
}

static void log_register(struct pci_front *f, const char *event, uint32_t address, uint32_t value)
{
	char members[96];

	if (!f->log_registers)
		return;
	snprintf(members, sizeof(members), "\"address\":%u,\"value\":%u", address, value);
	board_log(f->board, event, members);
}

/* A function that sleeps, has its memory switched off or hangs lets accesses run into the void. */
static bool answers(const struct pci_front *f)
{
	return pci_config_memory(&f->config) && now_ns() >= board_hangs_until(f->board);
}

static bool whole_register(uint64_t offset, uint32_t count)
{
	return count == sizeof(uint32_t) && offset % sizeof(uint32_t) == 0;
}

static void read_register(struct pci_front *f, uint32_t address, uint8_t *data)
{
	const uint32_t value = board_read(f->board, address);

	f->reads++;
	log_register(f, "register-read", address, value);
	memcpy(data, &value, sizeof(value));
}

static void write_register(struct pci_front *f, uint32_t address, const uint8_t *data)
{
	uint32_t value;

	memcpy(&value, data, sizeof(value));
	if (address == ETALON_REG_KICK)
		f->kicks++;
	else
		f->writes++;
	board_write(f->board, address, value);
	if (address != ETALON_REG_KICK)
		log_register(f, "register-write", address, value);
	if (address == ETALON_REG_SCRATCH) /* a test's marker: counts before and after it */
		pci_log_accesses(f);
}

static void read_bar0(struct pci_front *f, uint64_t offset, uint8_t *data, uint32_t count)
{
	if (whole_register(offset, count) && answers(f))
		return read_register(f, (uint32_t)offset, data);
	memset(data, 0xff, count); /* as a bus reads where nobody answers */
}

static void write_bar0(struct pci_front *f, uint64_t offset, const uint8_t *data, uint32_t count)
{
	if (whole_register(offset, count) && answers(f))
		write_register(f, (uint32_t)offset, data);
}

/* ---- configuration space ---- */

static void fall_asleep(struct pci_front *f)
{
	board_log(f->board, "sleep", NULL);
	board_link_down(f->board);
}

static void write_config(struct pci_front *f, uint64_t offset, const uint8_t *data, uint32_t count)
{
	const bool mastered = pci_config_master(&f->config);
	uint32_t asks;

	pci_config_write(&f->config, offset, data, count, &asks);
	if (pci_config_master(&f->config) != mastered)
		board_log(f->board, "bus-master", mastered ? "\"on\":false" : "\"on\":true");
	if (asks & PCI_ASKS_SLEEP)
		fall_asleep(f);
	if (asks & (PCI_ASKS_WAKE | PCI_ASKS_RESET))
		pci_front_reset(f);
}

/* ---- any of them ---- */

void pci_region_read(struct pci_front *f, uint32_t region, uint64_t offset, uint8_t *data,
		     uint32_t count)
{
	if (region == VFIO_PCI_CONFIG_REGION_INDEX)
		pci_config_read(&f->config, offset, data, count);
	else if (region == VFIO_PCI_BAR0_REGION_INDEX)
		read_bar0(f, offset, data, count);
	else /* the client keeps table and pending bits itself; the BAR is their place in its map */
		memset(data, 0, count);
}

void pci_region_write(struct pci_front *f, uint32_t region, uint64_t offset, const uint8_t *data,
		      uint32_t count)
{
	if (region == VFIO_PCI_CONFIG_REGION_INDEX)
		write_config(f, offset, data, count);
	else if (region == VFIO_PCI_BAR0_REGION_INDEX)
		write_bar0(f, offset, data, count);
}
