// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Builds and serves the configuration space. See pci_config.h; layout by <linux/pci_regs.h>.
 */
#include "emulator/pci_config.h"

#include <linux/pci_regs.h>
#include <string.h>

#include "hw.h"

#define CLASS_SIGNAL_PROCESSING 0x118000U /* data acquisition, other */
#define REVISION 1

/* Places of the capabilities, in the order of their list. */
#define AT_POWER 0x40U
#define AT_EXPRESS 0x48U
#define AT_INTERRUPTS 0x90U
#define AT_ERRORS 0x100U /* the first extended one has to be here */

/* Power states, as PCI_PM_CTRL has them. */
#define D0 0
#define D3HOT 3

#define TABLE_AT 0x000U /* in the BAR of MSI-X */
#define PENDING_AT 0x800U

static void put(struct pci_config *c, uint32_t offset, size_t bytes, uint32_t value,
		uint32_t writable)
{
	memcpy(c->value + offset, &value, bytes);
	memcpy(c->writable + offset, &writable, bytes);
}

static uint16_t word(const struct pci_config *c, uint32_t offset)
{
	uint16_t value;

	memcpy(&value, c->value + offset, sizeof(value));
	return value;
}

/* ---- building ---- */

static void header(struct pci_config *c)
{
	const uint32_t command = PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_PARITY |
				 PCI_COMMAND_SERR | PCI_COMMAND_INTX_DISABLE;

	put(c, PCI_VENDOR_ID, 2, ETALON_HW_PCI_VENDOR, 0);
	put(c, PCI_DEVICE_ID, 2, ETALON_HW_PCI_DEVICE, 0);
	put(c, PCI_COMMAND, 2, 0, command);
	put(c, PCI_STATUS, 2, PCI_STATUS_CAP_LIST, 0);
	put(c, PCI_CLASS_REVISION, 4, CLASS_SIGNAL_PROCESSING << 8 | REVISION, 0);
	put(c, PCI_CACHE_LINE_SIZE, 1, 0, 0xff);
	put(c, PCI_BASE_ADDRESS_0, 4, PCI_BASE_ADDRESS_SPACE_MEMORY, ~(ETALON_REG_SPACE - 1));
	if (!c->msi)
		put(c, PCI_BASE_ADDRESS_2, 4, PCI_BASE_ADDRESS_SPACE_MEMORY,
		    ~(PCI_MSIX_BAR_BYTES - 1U));
	put(c, PCI_SUBSYSTEM_VENDOR_ID, 2, ETALON_HW_PCI_VENDOR, 0);
	put(c, PCI_SUBSYSTEM_ID, 2, ETALON_HW_PCI_DEVICE, 0);
	put(c, PCI_CAPABILITY_LIST, 1, AT_POWER, 0);
	put(c, PCI_INTERRUPT_LINE, 1, 0, 0xff); /* and no pin: no INTx */
}

static void capability(struct pci_config *c, uint32_t at, uint8_t id, uint8_t next)
{
	put(c, at + PCI_CAP_LIST_ID, 1, id, 0);
	put(c, at + PCI_CAP_LIST_NEXT, 1, next, 0);
}

static void power(struct pci_config *c)
{
	capability(c, AT_POWER, PCI_CAP_ID_PM, AT_EXPRESS);
	put(c, AT_POWER + PCI_PM_PMC, 2, 3, 0); /* version 1.2; D0 and D3 alone */
	put(c, AT_POWER + PCI_PM_CTRL, 2, 0, PCI_PM_CTRL_STATE_MASK);
}

static void express(struct pci_config *c)
{
	const uint32_t link = PCI_EXP_LNKCAP_SLS_5_0GB | 1U << 4; /* x1 */

	capability(c, AT_EXPRESS, PCI_CAP_ID_EXP, AT_INTERRUPTS);
	put(c, AT_EXPRESS + PCI_EXP_FLAGS, 2, 2 | PCI_EXP_TYPE_ENDPOINT << 4, 0);
	put(c, AT_EXPRESS + PCI_EXP_DEVCAP, 4, PCI_EXP_DEVCAP_RBER | PCI_EXP_DEVCAP_FLR, 0);
	put(c, AT_EXPRESS + PCI_EXP_DEVCTL, 2, PCI_EXP_DEVCTL_RELAX_EN,
	    0x7fff); /* INITIATE_FLR reads 0 */
	put(c, AT_EXPRESS + PCI_EXP_LNKCAP, 4, link, 0);
	put(c, AT_EXPRESS + PCI_EXP_LNKCTL, 2, 0, PCI_EXP_LNKCTL_ASPMC | PCI_EXP_LNKCTL_CCC);
	put(c, AT_EXPRESS + PCI_EXP_LNKSTA, 2, link, 0);
	put(c, AT_EXPRESS + PCI_EXP_LNKCAP2, 4,
	    PCI_EXP_LNKCAP2_SLS_2_5GB | PCI_EXP_LNKCAP2_SLS_5_0GB, 0);
	put(c, AT_EXPRESS + PCI_EXP_LNKCTL2, 2, PCI_EXP_LNKCTL2_TLS_5_0GT, PCI_EXP_LNKCTL2_TLS);
}

static void msi(struct pci_config *c)
{
	const uint32_t flags = PCI_MSI_FLAGS_64BIT | 2U << 1; /* four messages */

	capability(c, AT_INTERRUPTS, PCI_CAP_ID_MSI, 0);
	put(c, AT_INTERRUPTS + PCI_MSI_FLAGS, 2, flags, PCI_MSI_FLAGS_ENABLE | PCI_MSI_FLAGS_QSIZE);
	put(c, AT_INTERRUPTS + PCI_MSI_ADDRESS_LO, 4, 0, ~3U);
	put(c, AT_INTERRUPTS + PCI_MSI_ADDRESS_HI, 4, 0, ~0U);
	put(c, AT_INTERRUPTS + PCI_MSI_DATA_64, 2, 0, 0xffff);
}

static void msix(struct pci_config *c)
{
	capability(c, AT_INTERRUPTS, PCI_CAP_ID_MSIX, 0);
	put(c, AT_INTERRUPTS + PCI_MSIX_FLAGS, 2, PCI_MSIX_VECTORS - 1,
	    PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	put(c, AT_INTERRUPTS + PCI_MSIX_TABLE, 4, TABLE_AT | PCI_MSIX_BAR, 0);
	put(c, AT_INTERRUPTS + PCI_MSIX_PBA, 4, PENDING_AT | PCI_MSIX_BAR, 0);
}

/* Advanced error reporting: this board makes none, but a test of a driver may say that it did. */
static void errors(struct pci_config *c)
{
	const uint32_t uncorrectable =
		PCI_ERR_UNC_DLP | PCI_ERR_UNC_SURPDN | PCI_ERR_UNC_POISON_TLP | PCI_ERR_UNC_FCP |
		PCI_ERR_UNC_COMP_TIME | PCI_ERR_UNC_COMP_ABORT | PCI_ERR_UNC_UNX_COMP |
		PCI_ERR_UNC_RX_OVER | PCI_ERR_UNC_MALF_TLP | PCI_ERR_UNC_UNSUP;
	const uint32_t fatal = PCI_ERR_UNC_DLP | PCI_ERR_UNC_SURPDN | PCI_ERR_UNC_FCP |
			       PCI_ERR_UNC_RX_OVER | PCI_ERR_UNC_MALF_TLP;
	const uint32_t correctable = PCI_ERR_COR_RCVR | PCI_ERR_COR_BAD_TLP | PCI_ERR_COR_BAD_DLLP |
				     PCI_ERR_COR_REP_ROLL | PCI_ERR_COR_REP_TIMER |
				     PCI_ERR_COR_ADV_NFAT;

	put(c, AT_ERRORS, 4, PCI_EXT_CAP_ID_ERR | 2U << 16, 0); /* the last; version 2 */
	put(c, AT_ERRORS + PCI_ERR_UNCOR_MASK, 4, 0, uncorrectable);
	put(c, AT_ERRORS + PCI_ERR_UNCOR_SEVER, 4, fatal, uncorrectable);
	put(c, AT_ERRORS + PCI_ERR_COR_MASK, 4, PCI_ERR_COR_ADV_NFAT, correctable);
}

void pci_config_reset(struct pci_config *c, bool use_msi)
{
	memset(c, 0, sizeof(*c));
	c->msi = use_msi;
	header(c);
	power(c);
	express(c);
	errors(c);
	if (use_msi)
		msi(c);
	else
		msix(c);
}

/* ---- serving ---- */

static bool inside(uint64_t offset, size_t size)
{
	return size <= PCI_CONFIG_BYTES && offset <= PCI_CONFIG_BYTES - size;
}

bool pci_config_read(const struct pci_config *c, uint64_t offset, void *data, size_t size)
{
	if (!inside(offset, size))
		return false;
	memcpy(data, c->value + offset, size);
	return true;
}

/* The value that a write carries to the word at `at`, 0 where it does not reach. */
static uint16_t written_word(uint32_t at, uint64_t offset, const uint8_t *data, size_t size)
{
	uint16_t value = 0;

	for (uint32_t i = 0; i < sizeof(value); i++)
		if (at + i >= offset && at + i - offset < size)
			value |= (uint16_t)(data[at + i - offset] << 8 * i);
	return value;
}

static uint16_t power_state(const struct pci_config *c)
{
	return word(c, AT_POWER + PCI_PM_CTRL) & PCI_PM_CTRL_STATE_MASK;
}

/* D1 and D2 are not there: who asks for them stays where it is. */
static uint32_t settle_power(struct pci_config *c, uint16_t before)
{
	const uint16_t after = power_state(c);

	if (after != D0 && after != D3HOT)
		put(c, AT_POWER + PCI_PM_CTRL, 2, before, PCI_PM_CTRL_STATE_MASK);
	if (before == power_state(c))
		return 0;
	return after == D3HOT ? PCI_ASKS_SLEEP : PCI_ASKS_WAKE;
}

bool pci_config_write(struct pci_config *c, uint64_t offset, const void *data, size_t size,
		      uint32_t *ret_asks)
{
	const uint16_t before = power_state(c);
	const uint8_t *bytes = data;

	*ret_asks = 0;
	if (!inside(offset, size))
		return false;
	for (size_t i = 0; i < size; i++) {
		const uint8_t mask = c->writable[offset + i];
		uint8_t *value = &c->value[offset + i];

		*value = (uint8_t)((*value & ~mask) | (bytes[i] & mask));
	}
	*ret_asks = settle_power(c, before);
	if (written_word(AT_EXPRESS + PCI_EXP_DEVCTL, offset, bytes, size) & PCI_EXP_DEVCTL_BCR_FLR)
		*ret_asks |= PCI_ASKS_RESET;
	return true;
}

bool pci_config_asleep(const struct pci_config *c)
{
	return power_state(c) != D0;
}

bool pci_config_memory(const struct pci_config *c)
{
	return !pci_config_asleep(c) && word(c, PCI_COMMAND) & PCI_COMMAND_MEMORY;
}

bool pci_config_master(const struct pci_config *c)
{
	return !pci_config_asleep(c) && word(c, PCI_COMMAND) & PCI_COMMAND_MASTER;
}
