/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The plant from inside, for plant*.c, light_quadrature.* and truth.c only.
 */
#ifndef ETALON_EMULATOR_PLANT_INTERNAL_H
#define ETALON_EMULATOR_PLANT_INTERNAL_H

#include "emulator/aperture.h"
#include "emulator/coupling.h"
#include "emulator/device.h"
#include "emulator/heater.h"
#include "emulator/laser.h"
#include "emulator/laser_diode.h"
#include "emulator/photodiode.h"
#include "emulator/plant.h"
#include "emulator/tec.h"

#define PLANT_PDS 4
#define PLANT_NO_PORT (-1)
#define PLANT_MONITOR PLANT_PDS /* its place in gain[] */

enum plant_kind {
	PLANT_OPTICAL, /* laser through the chip to pd1..pd4 */
	PLANT_PHOTODIODE, /* laser through one coupler to the chip's photodiode, ipd1 */
	PLANT_LASER_DIODE, /* ld1 to pd1..pd4, no laser on the chip */
	PLANT_FILE, /* as OPTICAL, a measured spectrum */
};

struct plant {
	uint64_t seed;
	uint32_t effects;
	char *device_name;
	enum plant_kind kind;
	struct laser laser;
	struct coupling coupling;
	unsigned int couplers; /* on the way, 0..2 */
	unsigned int positions; /* that the fibres' position counts for */
	struct device *device; /* NULL for LASER_DIODE */
	struct photodiode_config photodiode;
	struct chip_diode_config chip_diode;
	struct laser_diode_config laser_diode;
	struct heaters heaters;
	struct tec tec;
	int port[PLANT_PDS]; /* of the device, or PLANT_NO_PORT */
	double gain[PLANT_PDS + 1]; /* true over nominal responsivity */
	double dark_a;
	double ase_port
		[DEVICE_PORTS_MAX]; /* A per W at the port of light spread over the laser's span */
	double ase_flat; /* the same before the chip */
	double feature_m;
	bool uncoupled[ERB1_DETECTORS];
	double time_s;
	struct aperture_cache *apertures;
};

/* What the device is exposed to; the temperature of all else on the chip is the TEC's. */
void plant_chip(const struct plant *plant, struct chip *ret);

#endif
