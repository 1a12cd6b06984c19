/* SPDX-License-Identifier: (GPL-2.0-or-later WITH Linux-syscall-note) OR MIT */
/*
 * The Etalon board contract, version 1: registers, programs, records, safety, and how
 * they travel over PCIe and USB. A board that does what this file says works with every
 * Etalon driver; the emulator is the reference. Kernel and user space share this header.
 *
 * Everything is little-endian and naturally aligned, reserved fields are zero.
 *
 * Units, one for each quantity, signed 64-bit:
 *   fm vacuum wavelength, fW optical power, fA current, nV voltage, uK temperature,
 *   nm position, ndB (1e-9 dB) attenuation, ns time; a selector counts positions from 0.
 *
 * Channels are numbered from 0 by their place in the tables of the description, sources
 * and detectors apart. No host may assume a number of channels.
 */
#ifndef ETALON_HW_H
#define ETALON_HW_H

#include <linux/errno.h>
#include <linux/types.h>
#ifdef __KERNEL__
#include <linux/math64.h>
#endif

#define ETALON_HW_MAGIC 0x4e4c5445U /* "ETLN" */
#define ETALON_HW_VERSION 0x00010000U /* major << 16 | minor; other major: refuse */

#define ETALON_HW_SOURCES_MAX 64
#define ETALON_HW_DETECTORS_MAX 128
#define ETALON_HW_RANGES_MAX 8 /* of one detector */
#define ETALON_HW_NAME_MAX 32 /* bytes, zero-terminated UTF-8 */

/* ------------------------------------------------------------------------------------
 * 1. Registers
 *
 * 32-bit words in BAR 0 (PCIe, 128 KiB, 32-bit accesses only) or in the address space of
 * the vendor control requests (USB). A 64-bit value is two words, low word first; a write
 * takes effect with the high word, a read of the low word latches the high word. Unknown
 * registers read 0 and ignore writes. R read, W write, W(OFF) writable in state OFF only
 * (in another state the write is ignored and RESULT becomes REFUSED_STATE).
 */

/* Identity */
#define ETALON_REG_MAGIC 0x0000 /* R ETALON_HW_MAGIC; check before anything is written */
#define ETALON_REG_VERSION 0x0004 /* R ETALON_HW_VERSION */
#define ETALON_REG_DESCRIPTION_SIZE 0x0008 /* R bytes in the description window */
#define ETALON_REG_SCRATCH 0x000c /* RW no effect; a host's marker in a bus trace */
#define ETALON_REG_TICK 0x0010 /* R 64 bit, ticks since power-on, description.tick_ps each */

/* Safety, section 5 */
#define ETALON_REG_STATE 0x0100 /* R enum etalon_hw_state */
#define ETALON_REG_CAUSES_LIVE 0x0104 /* R ETALON_HW_CAUSE_* active now */
#define ETALON_REG_CAUSES_LATCHED 0x0108 /* R ETALON_HW_CAUSE_* since the last CLEAR */
#define ETALON_REG_LAST_OFF_CAUSE 0x010c /* R the one cause that last ended ARMED..EMITTING */
#define ETALON_REG_LAST_OFF_TICK 0x0110 /* R 64 bit, tick at which it did */
#define ETALON_REG_WATCHDOG_NS 0x0118 /* RW(OFF) period; 0 or outside the limits: ARM refused */
#define ETALON_REG_KICK 0x011c /* W ETALON_HW_KICK restarts the watchdog; nothing else does */
#define ETALON_REG_EMISSION_READY_TICK 0x0120 /* R 64 bit, tick at which DELAY ends; 0: not in DELAY */
#define ETALON_REG_LIMITS_WRITTEN 0x0128 /* R 1 when every emitting source has its limits written */
#define ETALON_REG_STATUS_BITS 0x012c /* R ETALON_HW_STATUS_* */
#define ETALON_HW_KICK 0x4b43494bU

/* Commands and programs, sections 3 and 4 */
#define ETALON_REG_COMMAND 0x0200 /* W enum etalon_hw_command; done when the write completes */
#define ETALON_REG_RESULT 0x0204 /* R enum etalon_hw_result of the last command, upload or write; KICK, SCRATCH and
				    LIVE_LATCH leave it alone */
#define ETALON_REG_RESULT_DETAIL 0x0208 /* R what RESULT speaks of: axis or channel number */
#define ETALON_REG_RESULT_LOW 0x0210 /* R signed 64 bit: least value that would be accepted */
#define ETALON_REG_RESULT_HIGH 0x0218 /* R signed 64 bit: greatest such value */
#define ETALON_REG_SEQUENCER 0x0220 /* R enum etalon_hw_sequencer_state */
#define ETALON_REG_PROGRAM_CRC 0x0224 /* R CRC-32C of the loaded program, 0 when none */
#define ETALON_REG_PROGRAM_DURATION_NS 0x0228 /* R 64 bit, section 3: duration before start */
#define ETALON_REG_PROGRAM_POINTS 0x0230 /* R 64 bit, POINT records the loaded program yields */
#define ETALON_REG_RECORD_STRIDE 0x0238 /* R bytes, of the loaded program */

/* Records, section 4 */
#define ETALON_REG_PRODUCED 0x0300 /* R 64 bit, sequence number of the next record */
#define ETALON_REG_LOST 0x0308 /* R 64 bit, records dropped since power-on */
#define ETALON_REG_RECORD_RATE_MAX 0x0310 /* R records/s the link in use carries without loss */

/* DMA (PCIe only; writable while no program waits or runs), section 6 */
#define ETALON_REG_RING_TABLE 0x0400 /* RW 64 bit, bus address of the ring's page table */
#define ETALON_REG_RING_PAGES 0x0408 /* RW pages in the ring */
#define ETALON_REG_RING_PAGE_SHIFT 0x040c /* RW log2 bytes of a page, 12..22 */
#define ETALON_REG_CONTROL_BLOCK 0x0410 /* RW 64 bit, bus address of struct etalon_hw_control */
#define ETALON_REG_UPLOAD_TABLE 0x0418 /* RW 64 bit, bus address of the upload's page table */
#define ETALON_REG_UPLOAD_SIZE 0x0420 /* RW bytes of the upload; then COMMAND UPLOAD */
#define ETALON_REG_INTERRUPT_ENABLE 0x0424 /* RW ETALON_HW_EVENT_* that raise a message */
#define ETALON_REG_INTERRUPT_GAP_NS 0x0428 /* RW least time between record messages, >= 1 ms */

/* Live detector readings: writing LIVE_APERTURE_NS restarts; writing LIVE_LATCH copies the
 * last finished apertures of all detectors into the window of struct etalon_hw_live. */
#define ETALON_REG_LIVE_APERTURE_NS 0x0500 /* RW 1 us..1 s, 20 ms at power-on */
#define ETALON_REG_LIVE_LATCH 0x0504 /* W any value */

/* Auxiliary lines (never safety lines): bit n is line n of description.aux_lines */
#define ETALON_REG_AUX_DIRECTION 0x0600 /* RW 1 = output; at power-on all inputs */
#define ETALON_REG_AUX_OUT 0x0604 /* RW */
#define ETALON_REG_AUX_IN 0x0608 /* R */
#define ETALON_REG_AUX_EDGES 0x060c /* R rising or falling since last read; reading clears */

/* One block for each source: base + 64 x number */
#define ETALON_REG_SOURCE(n) (0x1000U + 64U * (n))
#define ETALON_SOURCE_SETPOINT 0x00 /* RW signed 64; refused beyond the limits, never clamped */
#define ETALON_SOURCE_LIMIT_LOW 0x08 /* RW(OFF) signed 64; only inside the hard limits */
#define ETALON_SOURCE_LIMIT_HIGH 0x10 /* RW(OFF) signed 64; writing it completes the pair */
#define ETALON_SOURCE_SLEW 0x18 /* RW(OFF) signed 64, unit per s, 0 < slew <= max_slew */
#define ETALON_SOURCE_COMPLIANCE 0x20 /* RW(OFF) signed 64, within compliance_min..max */
#define ETALON_SOURCE_ACTUAL 0x28 /* R signed 64, where the setpoint generator is now (slewing) */
#define ETALON_SOURCE_STATUS 0x30 /* R ETALON_HW_SOURCE_* */
#define ETALON_HW_SOURCE_SLEWING (1U << 0)
#define ETALON_HW_SOURCE_SETTLING (1U << 1)
#define ETALON_HW_SOURCE_COMPLIANCE (1U << 2)
#define ETALON_HW_SOURCE_LIMITS_WRITTEN (1U << 3)

/* One block for each detector: base + 16 x number */
#define ETALON_REG_DETECTOR(n) (0x2000U + 16U * (n))
#define ETALON_DETECTOR_RANGE 0x00 /* RW range outside programs; a program sets its own */

#define ETALON_REG_LIVE(n) (0x4000U + 16U * (n))
#define ETALON_REG_DESCRIPTION 0x10000U /* R struct etalon_hw_description and its tables */
#define ETALON_REG_SPACE 0x20000U

struct etalon_hw_live {
	__s32 mean_q8; /* 1/256 step of the range, see struct etalon_hw_sample */
	__u8 range;
	__u8 flags; /* ETALON_HW_SAMPLE_* */
	__u16 reserved;
	__u64 tick; /* centre of the aperture */
};

enum etalon_hw_command {
	ETALON_HW_COMMAND_UPLOAD = 1, /* fetch the upload by DMA (PCIe); USB uploads by bulk OUT */
	ETALON_HW_COMMAND_LOAD = 2, /* check the uploaded program and its lists, make it ready */
	ETALON_HW_COMMAND_START = 3, /* run the loaded program (or wait for its start edge) */
	ETALON_HW_COMMAND_STOP = 4, /* end the program: END record, cause STOPPED; always accepted */
	ETALON_HW_COMMAND_ARM = 5, /* OFF -> ARMED; starts the watchdog */
	ETALON_HW_COMMAND_EMIT = 6, /* ARMED -> DELAY -> EMITTING */
	ETALON_HW_COMMAND_OFF = 7, /* any but TRIPPED -> OFF; always accepted; stops a program that needs emission */
	ETALON_HW_COMMAND_CLEAR = 8, /* TRIPPED -> OFF; refused while a cause is live */
	ETALON_HW_COMMAND_HALT = 9, /* as OFF and STOP, and every source to its safe action */
};

enum etalon_hw_result {
	ETALON_HW_RESULT_OK = 0,
	ETALON_HW_REFUSED_STATE = 1, /* not in this safety or sequencer state */
	ETALON_HW_REFUSED_LIMIT = 2, /* DETAIL source, LOW..HIGH allowed */
	ETALON_HW_REFUSED_CAUSE = 3, /* DETAIL live causes */
	ETALON_HW_REFUSED_WATCHDOG = 4, /* period 0 or outside LOW..HIGH ns */
	ETALON_HW_REFUSED_LIMITS_UNWRITTEN = 5, /* DETAIL first such source */
	ETALON_HW_REFUSED_PROGRAM = 6, /* malformed: DETAIL = byte offset in the program */
	ETALON_HW_REFUSED_TIMING = 7, /* DETAIL 0: delay + aperture > period, or period outside LOW..HIGH ns;
					 1: aperture outside LOW..HIGH ns (of the board or of a range in use) */
	ETALON_HW_REFUSED_MODE = 8, /* axis DETAIL: the source lacks this mode */
	ETALON_HW_REFUSED_SPEED = 9, /* axis DETAIL: ramp speed outside LOW..HIGH unit/s */
	ETALON_HW_REFUSED_LIST = 10, /* axis DETAIL: list missing or of another length */
	ETALON_HW_REFUSED_RATE = 11, /* more records/s than the link carries: HIGH */
	ETALON_HW_REFUSED_EMISSION = 12, /* program needs EMITTING */
	ETALON_HW_REFUSED_CHANNEL = 13, /* no such channel, DETAIL, or range of channel DETAIL: LOW..HIGH numbers */
	ETALON_HW_REFUSED_RESOLUTION = 14, /* source DETAIL: LOW is the step of its setpoints; of a RAMP, only
					      start and stop have to be multiples */
	ETALON_HW_REFUSED_UPLOAD = 15, /* upload too long, torn or its CRC wrong */
	ETALON_HW_REFUSED_DMA = 16, /* ring or control block missing or unaligned: DETAIL the register */
};

/*
 * What a call that ends with a result returns: in the driver, and in a program that drives a board
 * itself.
 */
static inline int etalon_hw_result_errno(__u32 result)
{
	switch (result) {
	case ETALON_HW_RESULT_OK:
		return 0;
	case ETALON_HW_REFUSED_STATE:
		return -EBUSY;
	case ETALON_HW_REFUSED_CAUSE:
	case ETALON_HW_REFUSED_LIMITS_UNWRITTEN:
	case ETALON_HW_REFUSED_EMISSION:
		return -EACCES;
	case ETALON_HW_REFUSED_LIMIT:
	case ETALON_HW_REFUSED_WATCHDOG:
	case ETALON_HW_REFUSED_TIMING:
	case ETALON_HW_REFUSED_SPEED:
	case ETALON_HW_REFUSED_RATE:
		return -ERANGE;
	default:
		return -EINVAL;
	}
}

/* ------------------------------------------------------------------------------------
 * 2. Description: what the board is. Constant while the board is powered.
 *
 * The window starts with struct etalon_hw_description; the tables follow at the offsets
 * it names, counted from the window's start. crc covers the whole description with the
 * field itself taken as zero.
 */
struct etalon_hw_description {
	__u32 magic; /* ETALON_HW_MAGIC */
	__u32 version; /* ETALON_HW_VERSION */
	__u32 size; /* bytes, all tables included */
	__u32 crc; /* CRC-32C */
	char model[ETALON_HW_NAME_MAX];
	char serial[ETALON_HW_NAME_MAX];
	char firmware[ETALON_HW_NAME_MAX];
	char laser_class[16]; /* as the maker declares it: "1", "1M", "3B"; never computed */
	__u64 capabilities; /* ETALON_HW_CAP_* */
	__u32 source_count;
	__u32 source_offset; /* struct etalon_hw_source each */
	__u32 detector_count;
	__u32 detector_offset; /* struct etalon_hw_detector each */
	__u32 range_count;
	__u32 range_offset; /* struct etalon_hw_range each, of all detectors */
	__u32 calibration_count;
	__u32 calibration_offset; /* struct etalon_hw_calibration_point each */
	__u32 tick_ps; /* picoseconds of one tick */
	__u32 fifo_records;
	__u32 list_points_max; /* of one list */
	__u32 aux_lines; /* at most 32 */
	__u32 period_min_ns;
	__u32 aperture_min_ns;
	__u32 watchdog_min_ns;
	__u32 watchdog_max_ns;
	__u64 emission_delay_ns; /* from EMIT to EMITTING; at least the hardware minimum */
	__u64 off_gate_ns; /* promised: gate shut after a cause */
	__u64 off_port_ns; /* promised: every port below -40 dBm */
	__u64 off_current_ns; /* promised: emitting currents at 0 */
	__u32 conversion_ns; /* one ADC conversion */
	__u32 calibration_generation; /* rises with each calibration */
	__s64 calibration_time; /* s since 1970-01-01 UTC */
	__s64 calibration_temperature_uk;
	__u32 trigger_inputs;
	__u32 trigger_outputs;
	__u32 comparators; /* that one program may use */
	__u32 reserved[5];
};

#define ETALON_HW_CAP_RAMP (1ULL << 0)
#define ETALON_HW_CAP_WAIT (1ULL << 1)
#define ETALON_HW_CAP_PULSE (1ULL << 2)
#define ETALON_HW_CAP_LISTS (1ULL << 3)
#define ETALON_HW_CAP_TRIGGERS (1ULL << 4)
#define ETALON_HW_CAP_COMPARATORS (1ULL << 5)
#define ETALON_HW_CAP_LANES (1ULL << 6) /* I/Q lanes for synchronous detection; reserved */
#define ETALON_HW_CAP_GATE (1ULL << 7)
#define ETALON_HW_CAP_HARDWARE_DEADMAN (1ULL << 8) /* the watchdog acts without software */
#define ETALON_HW_CAP_RESET_INPUT (1ULL << 9) /* key and interlock trips need a local act */
#define ETALON_HW_CAP_EMULATED (1ULL << 10) /* not real light */

enum etalon_hw_source_kind {
	ETALON_HW_SOURCE_WAVELENGTH = 1, /* fm */
	ETALON_HW_SOURCE_POWER = 2, /* fW at the port */
	ETALON_HW_SOURCE_CURRENT = 3, /* fA */
	ETALON_HW_SOURCE_VOLTAGE = 4, /* nV */
	ETALON_HW_SOURCE_TEMPERATURE = 5, /* uK */
	ETALON_HW_SOURCE_POSITION = 6, /* nm */
	ETALON_HW_SOURCE_ATTENUATION = 7, /* ndB */
	ETALON_HW_SOURCE_SELECTOR = 8, /* position number */
};

enum etalon_hw_safe_action {
	ETALON_HW_SAFE_HOLD = 0, /* keeps its value: temperature control */
	ETALON_HW_SAFE_GATE = 1, /* the gate in front of the port shuts, the source stays warm */
	ETALON_HW_SAFE_RAMP_ZERO = 2, /* to zero at its slew limit */
};

/* Modes of an axis that a source can take part in */
#define ETALON_HW_MODE_STEP (1U << 0)
#define ETALON_HW_MODE_RAMP (1U << 1)
#define ETALON_HW_MODE_WAIT (1U << 2)
#define ETALON_HW_MODE_PULSE (1U << 3)

#define ETALON_HW_NO_CHANNEL 0xffffU

struct etalon_hw_source {
	char name[ETALON_HW_NAME_MAX]; /* "laser.wavelength": unique, [a-z0-9._] */
	__u16 kind; /* enum etalon_hw_source_kind */
	__u16 modes; /* ETALON_HW_MODE_* */
	__u8 emits; /* 1: can put light on a port */
	__u8 is_gate; /* 1: selector, 0 = shut (at most 1 % of -40 dBm leaks), 1 = open */
	__u8 safe_action; /* enum etalon_hw_safe_action */
	__u8 port; /* optical port the light leaves by, 0 when none */
	__u16 gate; /* the source that gates it, or ETALON_HW_NO_CHANNEL */
	__u16 belongs_to; /* the source it is a facet of (power of a laser), or NO_CHANNEL */
	__u16 readback[4]; /* detectors that measure it, or NO_CHANNEL */
	__u32 reserved0;
	__s64 min; /* hard limits */
	__s64 max;
	__s64 resolution; /* setpoints are multiples of it, counted from 0 */
	__s64 max_slew; /* unit/s outside ramps, 0 = instant */
	__s64 default_slew;
	__u64 settle_ns; /* after a STEP */
	__s64 ramp_speed_min; /* unit/s, mode RAMP */
	__s64 ramp_speed_max;
	__s64 ramp_speed_default;
	__s64 run_in_min; /* distance before and after a ramp, at least */
	__u64 run_in_ns; /* ... and at least this time at the ramp's speed */
	__s64 flyback_speed; /* unit/s */
	__s64 compliance_min; /* nV for currents, fA for voltages; 0, 0: none */
	__s64 compliance_max;
	__s64 compliance_default;
	__s64 noise; /* rms of the output, unit */
	__s64 rin_mdb_per_hz; /* optical power: 1e-3 dB/Hz, negative; 0 unknown */
	__u64 reserved[2];
};

enum etalon_hw_detector_kind {
	ETALON_HW_DETECTOR_PHOTOCURRENT = 1, /* fA */
	ETALON_HW_DETECTOR_VOLTAGE = 2, /* nV */
	ETALON_HW_DETECTOR_CURRENT = 3, /* fA */
	ETALON_HW_DETECTOR_TEMPERATURE = 4, /* uK */
	ETALON_HW_DETECTOR_WAVELENGTH = 5, /* fm */
};

enum etalon_hw_detector_role {
	ETALON_HW_ROLE_SIGNAL = 1,
	ETALON_HW_ROLE_POWER_MONITOR = 2, /* tap of the source's power */
	ETALON_HW_ROLE_WAVELENGTH_LOG = 3,
	ETALON_HW_ROLE_ETALON = 4,
	ETALON_HW_ROLE_GAS_CELL = 5,
	ETALON_HW_ROLE_SENSE_VOLTAGE = 6,
	ETALON_HW_ROLE_SENSE_CURRENT = 7,
	ETALON_HW_ROLE_TEMPERATURE = 8,
};

#define ETALON_HW_DETECTOR_SLOW (1U << 0) /* part of STATUS records */

struct etalon_hw_detector {
	char name[ETALON_HW_NAME_MAX];
	__u16 kind; /* enum etalon_hw_detector_kind */
	__u16 role; /* enum etalon_hw_detector_role */
	__u16 source; /* the source it belongs to, or ETALON_HW_NO_CHANNEL */
	__u16 input; /* physical input; two detectors on one input = simultaneous gains */
	__u16 flags; /* ETALON_HW_DETECTOR_* */
	__u16 range_first; /* in the range table */
	__u16 range_count; /* least sensitive first, at most ETALON_HW_RANGES_MAX */
	__u16 range_default;
	/* Wavelength logs, and of gas cells the lines' places: 1-sigma uncertainties as calibrated, fm */
	__s64 systematic_fm; /* common to the instrument's life */
	__s64 sweep_fm; /* common to one program */
	__s64 point_fm; /* of each point */
	__u64 reserved[2];
};

struct etalon_hw_range {
	char name[16]; /* "100 uA" */
	__s64 full_scale; /* unit of the detector's kind; |reading| above it is saturated */
	__s64 step_q16; /* 1/65536 unit for one ADC step */
	__s64 offset; /* reading at code 0 */
	__u64 bandwidth_mhz; /* -3 dB of the one-pole response, 1e-3 Hz */
	__u64 group_delay_ns; /* of that response and its filter */
	__u64 settle_ns; /* after switching to this range */
	__u64 overload_recovery_ns;
	__s64 noise_density_e3; /* 1e-3 unit per root Hz, with no light */
	__u64 aperture_min_ns;
	__u32 calibration_first; /* in the calibration table */
	__u32 calibration_count;
};

/*
 * Factory constants of one detector in one range, at one wavelength. A detector that has
 * responsivity gets points in rising wavelength; others get one point with wavelength 0.
 */
struct etalon_hw_calibration_point {
	__s64 wavelength_fm;
	__s64 responsivity_na_per_w; /* 1e-9 A/W; 0: none */
	__s64 gain_ppb; /* true = reading x (1 + gain x 1e-9) + offset */
	__s64 offset; /* unit of the detector */
};

/* ------------------------------------------------------------------------------------
 * 3. Programs
 *
 * A program nests up to three axes; axis[axis_count - 1] is the innermost. An axis drives
 * gang_count sources together; an axis with gang_count 0 repeats what is inside it. A POINT
 * is taken at every step of the innermost axis. For each point: setpoint, wait delay_ns,
 * integrate aperture_ns on all detectors at once; the next setpoint comes period_ns after
 * this one. delay + aperture <= period or the program is refused.
 *
 * STEP  the setpoint is held; unsettled points are flagged. The first point of the program and
 *       of each pass waits the source's settle time besides.
 * RAMP  innermost axis only, linear, at least two points: the source moves at the constant speed (stop - start) /
 *       ((points - 1) x period); setpoint i is passed at the CENTRE of aperture i. The
 *       sequencer adds run-in and run-out of max(run_in_min, speed x run_in_ns) outside the
 *       span and flies back at flyback_speed. Points are taken inside the span only. Run-in and run-out
 *       count against the limits: REFUSED_LIMIT tells the span that would do. Where an aperture is longer than
 *       the run-in, the source stands still at the run-in's start or end meanwhile (flag RUN_IN).
 * WAIT  slow sources: set, then wait until |readback - setpoint| < wait_window for wait_hold_ns
 *       and |slope| < wait_slope per s; after wait_timeout_ns the program ends, cause WAIT_TIMEOUT.
 * PULSE (capability; innermost axis only, one source) each period starts at pulse_base and is at the
 *       setpoint for its last pulse_width_ns; delay_ns is 0. The aperture is counted back from the pulse's
 *       end. The base-level aperture, pulse_base_aperture_ns (0: none), is counted back from the pulse's
 *       start, and together with the pulse fits the period; entries of detector[] with at_base 1 integrate
 *       over it instead, so that a detector that stands there twice tells both levels in one POINT.
 *       Without PULSE both fields are 0, or the program is refused.
 *
 * Duration before start (ETALON_REG_PROGRAM_DURATION_NS): initial move, gate, run-in, settling,
 * all periods, fly-back; the remaining emission delay besides when the state is DELAY; WAIT axes
 * count wait_hold_ns for each step (a lower bound, flagged in STATUS_BITS).
 *
 * START moves the sources from wherever they are, and waits for those that the program before left in a
 * run-out; that time lies after the START record. At the end sources stay at their last setpoint, to
 * which they return from a run-out; the gate shuts if the program opened it.
 */
#define ETALON_HW_PROGRAM_MAGIC 0x47525045U /* "EPRG" */
#define ETALON_HW_AXES_MAX 3
#define ETALON_HW_GANG_MAX 4
#define ETALON_HW_PROGRAM_DETECTORS_MAX 32
#define ETALON_HW_COMPARATORS_MAX 4
#define ETALON_HW_AXIS_POINTS_MAX 0x7fffffffU
#define ETALON_HW_LISTS_MAX 8

enum etalon_hw_axis_shape {
	ETALON_HW_AXIS_LINEAR = 1, /* from start to stop in points */
	ETALON_HW_AXIS_LIST = 2, /* values of an uploaded list */
};

enum etalon_hw_axis_direction {
	ETALON_HW_FORWARD = 0,
	ETALON_HW_REVERSE = 1,
	ETALON_HW_SERPENTINE = 2, /* alternates with each pass of this axis, forward first */
	ETALON_HW_UP_DOWN = 3, /* each pass runs forward, then reverse: twice the points */
};

struct etalon_hw_gang {
	__u16 source;
	__u16 list; /* AXIS_LIST: which uploaded list */
	__u32 reserved;
	__s64 start;
	__s64 stop;
};

struct etalon_hw_axis {
	__u32 points; /* 1..ETALON_HW_AXIS_POINTS_MAX */
	__u8 shape; /* enum etalon_hw_axis_shape */
	__u8 mode; /* one of ETALON_HW_MODE_* */
	__u8 direction; /* enum etalon_hw_axis_direction */
	__u8 gang_count; /* 0..ETALON_HW_GANG_MAX */
	struct etalon_hw_gang gang[ETALON_HW_GANG_MAX];
	__u64 settle_ns; /* outer axes: wait after each step, besides the source's own settle time */
	__s64 wait_window;
	__u64 wait_hold_ns;
	__s64 wait_slope; /* unit/s */
	__u64 wait_timeout_ns;
	__s64 pulse_base;
	__u64 pulse_width_ns;
};

struct etalon_hw_program_detector {
	__u16 detector;
	__u8 range;
	__u8 at_base; /* PULSE: 1 = over the base-level aperture; else 0 */
	__u8 reserved[4];
};

enum etalon_hw_gate_policy {
	ETALON_HW_GATE_KEEP = 0,
	ETALON_HW_GATE_SHUT = 1, /* shut before the first point */
	ETALON_HW_GATE_OPEN = 2, /* open before the first point, shut after the last */
};

enum etalon_hw_comparator_kind {
	ETALON_HW_COMPARATOR_NONE = 0,
	ETALON_HW_COMPARATOR_ABOVE = 1,
	ETALON_HW_COMPARATOR_BELOW = 2,
	ETALON_HW_COMPARATOR_FALLS = 3, /* by threshold (1e-6) from its maximum since START */
};

enum etalon_hw_comparator_action {
	ETALON_HW_COMPARATOR_FLAG = 0, /* flag the point */
	ETALON_HW_COMPARATOR_END_AXIS = 1, /* end this pass of the innermost axis */
	ETALON_HW_COMPARATOR_END_PROGRAM = 2,
	ETALON_HW_COMPARATOR_TRIP = 3,
};

struct etalon_hw_comparator {
	__u16 detector;
	__u8 kind; /* enum etalon_hw_comparator_kind */
	__u8 action; /* enum etalon_hw_comparator_action */
	__u32 reserved;
	__s64 threshold; /* unit of the detector, or 1e-6 for FALLS */
};

enum etalon_hw_start_source {
	ETALON_HW_START_SOFTWARE = 0,
	ETALON_HW_START_EDGE = 1, /* rising edge on trigger input start_input */
};

enum etalon_hw_point_clock {
	ETALON_HW_CLOCK_INTERNAL = 0, /* every period */
	ETALON_HW_CLOCK_EDGE = 1, /* rising edge on trigger input clock_input; early edges are flagged */
	ETALON_HW_CLOCK_SOURCE = 2, /* the swept source's own step output */
};

enum etalon_hw_output_function {
	ETALON_HW_OUTPUT_LOW = 0,
	ETALON_HW_OUTPUT_START = 1,
	ETALON_HW_OUTPUT_POINT = 2,
	ETALON_HW_OUTPUT_APERTURE = 3,
	ETALON_HW_OUTPUT_AXIS_END = 4,
	ETALON_HW_OUTPUT_END = 5,
	ETALON_HW_OUTPUT_EMISSION = 6,
};

#define ETALON_HW_PROGRAM_NEEDS_EMISSION (1U << 0) /* refused unless EMITTING; ends when it ends */
#define ETALON_HW_PROGRAM_STOP_ON_OVERFLOW (1U << 1) /* else drop records and report a GAP */

struct etalon_hw_program {
	__u32 magic; /* ETALON_HW_PROGRAM_MAGIC */
	__u32 size; /* sizeof(struct etalon_hw_program) */
	__u32 generation; /* chosen by the host, in every record; not 0 */
	__u32 flags; /* ETALON_HW_PROGRAM_* */
	__u64 run_key; /* chosen by the host, echoed; keys an emulator's noise */
	__u32 axis_count; /* 1..ETALON_HW_AXES_MAX */
	__u32 detector_count; /* 1..ETALON_HW_PROGRAM_DETECTORS_MAX */
	struct etalon_hw_axis axis[ETALON_HW_AXES_MAX];
	__u64 period_ns;
	__u64 delay_ns;
	__u64 aperture_ns;
	struct etalon_hw_program_detector detector[ETALON_HW_PROGRAM_DETECTORS_MAX];
	struct etalon_hw_comparator comparator[ETALON_HW_COMPARATORS_MAX];
	__u8 gate; /* enum etalon_hw_gate_policy */
	__u8 start_source; /* enum etalon_hw_start_source */
	__u8 start_input;
	__u8 point_clock; /* enum etalon_hw_point_clock */
	__u8 clock_input;
	__u8 output[2]; /* enum etalon_hw_output_function; LOW where the board has no such line */
	__u8 reserved0;
	__u64 clock_timeout_ns; /* no edge for so long ends the program; 0: never */
	__u64 pulse_base_aperture_ns; /* PULSE: at base level, before each pulse; else 0 */
	__u64 reserved[3];
};

/*
 * An upload (USB bulk OUT, or DMA): this header, then `size` bytes: a struct
 * etalon_hw_program, or the signed 64-bit values of one list.
 */
#define ETALON_HW_UPLOAD_MAGIC 0x444c5055U /* "UPLD" */
#define ETALON_HW_UPLOAD_PROGRAM 1
#define ETALON_HW_UPLOAD_LIST 2

struct etalon_hw_upload {
	__u32 magic;
	__u16 kind; /* ETALON_HW_UPLOAD_* */
	__u16 list; /* number of the list, 0..ETALON_HW_LISTS_MAX - 1 */
	__u32 size; /* bytes that follow */
	__u32 crc; /* CRC-32C of them */
};

/*
 * Setpoint i of n: start + q*i + (r*i)/(n-1), with q and r quotient and remainder of
 * (stop - start)/(n-1), division truncating toward zero. The same integers in gateware, kernel and
 * emulator; nothing overflows for |stop - start| < 2^63 and n <= 2^31.
 */
static inline __s64 etalon_hw_divide(__s64 a, __s64 b, __s64 *remainder)
{
#ifdef __KERNEL__
	__s64 quotient = div64_s64(a, b); /* 32-bit kernels have no 64-bit division of their own */
#else
	__s64 quotient = a / b;
#endif

	*remainder = a - quotient * b;
	return quotient;
}

static inline __s64 etalon_hw_setpoint(__s64 start, __s64 stop, __u32 points, __u32 i)
{
	__s64 q, r, part, unused;

	if (points < 2)
		return start;
	q = etalon_hw_divide(stop - start, (__s64)points - 1, &r);
	part = etalon_hw_divide(r * (__s64)i, (__s64)points - 1, &unused);
	return start + q * (__s64)i + part;
}

/* ------------------------------------------------------------------------------------
 * 4. Records
 *
 * All records of a program have the same size, the stride: the size of its POINT
 * records, at least ETALON_HW_STRIDE_MIN, a multiple of 8, zero-padded. The sequence number
 * counts records of all types since power-on, also those that are dropped. Order in a
 * program: START, then POINT, STATUS and GAP, then exactly one END.
 */
#define ETALON_HW_RECORD_MAGIC 0x43455245U /* "EREC" */
#define ETALON_HW_STRIDE_MIN 128

enum etalon_hw_record_type {
	ETALON_HW_RECORD_START = 1,
	ETALON_HW_RECORD_POINT = 2,
	ETALON_HW_RECORD_STATUS = 3,
	ETALON_HW_RECORD_GAP = 4,
	ETALON_HW_RECORD_END = 5,
};

struct etalon_hw_record {
	__u32 magic; /* ETALON_HW_RECORD_MAGIC */
	__u16 type; /* enum etalon_hw_record_type */
	__u16 size; /* = stride */
	__u32 generation; /* of the program */
	__u32 reserved;
	__u64 sequence;
};

struct etalon_hw_record_start {
	struct etalon_hw_record head;
	__u32 program_crc; /* CRC-32C of the program that runs: the echo */
	__u32 calibration_generation;
	__u64 run_key;
	__u64 tick; /* this tick and ... */
	__u64 clock_ns; /* ... this time of the board's clock (ns since power-on) are one instant */
	__u64 points; /* the program will yield */
	__u64 duration_ns; /* as stated before start */
	__u32 detector_count;
	__u32 tick_ps;
};

struct etalon_hw_sample {
	__s32 mean_q8; /* mean of all conversions in the aperture, 1/256 ADC step */
	__u32 variance_q4; /* of the conversions, 1/16 step^2; all ones = at least that */
	__u8 range;
	__u8 flags; /* ETALON_HW_SAMPLE_*, ORed over all conversions */
	__u16 reserved;
};

#define ETALON_HW_SAMPLE_SATURATED (1U << 0) /* any conversion */
#define ETALON_HW_SAMPLE_RANGE_SWITCHED (1U << 1)
#define ETALON_HW_SAMPLE_SETTLING (1U << 2)
#define ETALON_HW_SAMPLE_OVERLOAD_RECOVERY (1U << 3)
#define ETALON_HW_SAMPLE_STALE (1U << 4) /* slow channel: no new conversion in this aperture */
#define ETALON_HW_SAMPLE_INVALID (1U << 5)

struct etalon_hw_record_point {
	struct etalon_hw_record head;
	__u64 number; /* in order of execution, from 0 */
	__u32 index[ETALON_HW_AXES_MAX]; /* setpoint index for each axis, outermost first; 0 for absent axes */
	__u32 flags; /* ETALON_HW_POINT_* */
	__u64 tick; /* start of the aperture */
	__u32 aperture_ticks;
	__u32 conversions; /* averaged */
	struct etalon_hw_sample sample[]; /* as many and in the order of program.detector */
};

/* A source of a STEP axis moved less than its settle time ago; WAIT has seen that its sources settled. */
#define ETALON_HW_POINT_UNSETTLED (1U << 0)
#define ETALON_HW_POINT_RUN_IN (1U << 1)
#define ETALON_HW_POINT_WAVELENGTH_INVALID (1U << 2)
#define ETALON_HW_POINT_MODE_HOP (1U << 3)
#define ETALON_HW_POINT_GATE_CLOSED (1U << 4)
#define ETALON_HW_POINT_EMISSION_OFF (1U << 5)
#define ETALON_HW_POINT_COMPLIANCE (1U << 6)
#define ETALON_HW_POINT_CLAMP (1U << 7)
#define ETALON_HW_POINT_TRIGGER_MISSED (1U << 8)
#define ETALON_HW_POINT_COMPARATOR (1U << 9)
#define ETALON_HW_POINT_INTERLOCK (1U << 10)
#define ETALON_HW_POINT_REVERSE (1U << 11) /* innermost axis in reverse direction */
#define ETALON_HW_POINT_TRIGGER_EARLY (1U << 12) /* point clock: its edge came before the period was over */

/* 10 times a second; slow detectors that do not fit one record continue in the next */
struct etalon_hw_status_entry {
	__u16 detector;
	__u8 range;
	__u8 flags; /* ETALON_HW_SAMPLE_* */
	__s32 mean_q8;
};

#define ETALON_HW_STATUS_ENTRIES 8

struct etalon_hw_record_status {
	struct etalon_hw_record head;
	__u64 tick;
	__u32 state; /* enum etalon_hw_state */
	__u32 causes_live;
	__u32 entry_count;
	__u32 reserved;
	struct etalon_hw_status_entry entry[ETALON_HW_STATUS_ENTRIES];
};

/*
 * Of a board: takes the sequence number after the records that it dropped. Of a host, for records that
 * were lost on their way from the board: takes the number of the last of them, which it counts.
 */
struct etalon_hw_record_gap {
	struct etalon_hw_record head;
	__u64 first; /* sequence number of the first lost record */
	__u64 count; /* records lost */
	__u64 points; /* POINT records among them */
};

enum etalon_hw_end_cause {
	ETALON_HW_END_DONE = 0,
	ETALON_HW_END_STOPPED = 1, /* COMMAND STOP */
	ETALON_HW_END_EMISSION_OFF = 2, /* OFF or HALT while the program needed emission */
	ETALON_HW_END_TRIPPED = 3, /* causes in `causes` */
	ETALON_HW_END_WAIT_TIMEOUT = 4,
	ETALON_HW_END_COMPARATOR = 5,
	ETALON_HW_END_OVERFLOW = 6,
	ETALON_HW_END_CLOCK_TIMEOUT = 7,
	ETALON_HW_END_FAULT = 8,
	ETALON_HW_END_RESET = 9,
};

/* Of a host, in the place of a board that can say nothing any more: produced counts what arrived, crc is 0. */
#define ETALON_HW_END_FLAG_HOST (1U << 0)

struct etalon_hw_record_end {
	struct etalon_hw_record head;
	__u64 produced; /* POINT records, dropped ones included */
	__u64 dropped; /* POINT records dropped */
	__u64 tick;
	__u32 cause; /* enum etalon_hw_end_cause */
	__u32 causes; /* ETALON_HW_CAUSE_* latched, when TRIPPED */
	__u32 crc; /* CRC-32C over bytes 24..size of every POINT record not dropped, in sequence order */
	__u32 edges_missed;
	__u32 edges_early;
	__u32 flags; /* 0 from a board; ETALON_HW_END_FLAG_HOST */
};

enum etalon_hw_sequencer_state {
	ETALON_HW_SEQUENCER_IDLE = 0, /* nothing loaded */
	ETALON_HW_SEQUENCER_READY = 1, /* program loaded */
	ETALON_HW_SEQUENCER_WAITING = 2, /* for the start edge */
	ETALON_HW_SEQUENCER_RUNNING = 3,
	ETALON_HW_SEQUENCER_ENDED = 4, /* END record produced; the program may be started again */
};

/* ------------------------------------------------------------------------------------
 * 5. Safety
 *
 * OFF -ARM-> ARMED -EMIT-> DELAY (indicator on, emission_delay_ns) -> EMITTING; any -> TRIPPED by a cause,
 * any but TRIPPED -OFF-> OFF; TRIPPED -CLEAR-> OFF. The hardware chain is the safety system.
 *
 * Trip causes are level inputs into a set-dominant latch: a cause that is active while a source may emit (ARMED,
 * DELAY, EMITTING) trips; CLEAR is refused with the live causes while any is active; CLEAR never re-arms. The
 * watchdog runs in ARMED, DELAY and EMITTING. Leaving those states for any reason means Off:
 * gate shut within off_gate_ns, every port below -40 dBm within off_port_ns, emitting currents at 0 by
 * their slew limit within off_current_ns, heaters ramp to zero, temperature control holds.
 *
 * The gate opens in EMITTING only; it shuts by itself with any other state. EMITTING with the gate shut keeps
 * the laser warm, shows the indicator, and needs no new delay when the gate opens.
 *
 * ARM is refused while a cause is live, with a watchdog period outside its limits or with unwritten limits of
 * any emitting source, or (REFUSED_LIMIT) while an emitting source's setpoint lies outside its limits. Limits and
 * watchdog are writable in OFF only; leaving TRIPPED keeps them. A cause is latched only while a source may emit, or in
 * TRIPPED. A setpoint other than 0 of an emitting source that is safe at 0 (safe action RAMP_ZERO), or of a gate, is
 * refused (REFUSED_STATE) but in EMITTING: nothing lights up by itself at the end of DELAY.
 */
enum etalon_hw_state {
	ETALON_HW_STATE_OFF = 0,
	ETALON_HW_STATE_ARMED = 1,
	ETALON_HW_STATE_DELAY = 2,
	ETALON_HW_STATE_EMITTING = 3,
	ETALON_HW_STATE_TRIPPED = 4,
};

#define ETALON_HW_CAUSE_INTERLOCK (1U << 0) /* remote interlock open */
#define ETALON_HW_CAUSE_KEY (1U << 1) /* key switch off */
#define ETALON_HW_CAUSE_WATCHDOG (1U << 2) /* no kick within the period; not live after the trip */
#define ETALON_HW_CAUSE_LINK (1U << 3) /* cable, link down, bus or USB reset, suspend */
#define ETALON_HW_CAUSE_OVER_TEMPERATURE (1U << 4)
#define ETALON_HW_CAUSE_COMPARATOR (1U << 5)
#define ETALON_HW_CAUSE_COMPLIANCE (1U << 6)
#define ETALON_HW_CAUSE_FAULT (1U << 7) /* the board found itself wrong */
#define ETALON_HW_CAUSE_LOCAL_RESET (1U << 8) /* key or interlock was opened: a local act is due (capability) */
#define ETALON_HW_CAUSE_HOST (1U << 31) /* in LAST_OFF_CAUSE only: COMMAND OFF or HALT */

#define ETALON_HW_STATUS_INDICATOR (1U << 0) /* emission indicator is on */
#define ETALON_HW_STATUS_GATE_OPEN (1U << 1)
#define ETALON_HW_STATUS_DURATION_IS_BOUND (1U << 2) /* PROGRAM_DURATION_NS is a lower bound */
#define ETALON_HW_STATUS_KEY_ON (1U << 3)
#define ETALON_HW_STATUS_INTERLOCK_CLOSED (1U << 4)

/* ------------------------------------------------------------------------------------
 * 6. PCIe
 *
 * Identity of prototypes 1234:e7a1; ETALON_REG_MAGIC is checked before bus mastering is enabled. MSI-X or MSI
 * with 1..3 vectors, one for each event that is enabled; with fewer vectors they share the last. Messages are
 * edges without acknowledge. The ring holds RING_PAGES pages; record s lies at byte (s x stride) modulo the
 * largest multiple of stride that fits the ring, and never straddles its end. The page table is an array of 64-bit bus
 * addresses. After the payload is in memory, the board writes `producer` of the control block.
 * Steady state costs no register access: the board reads `consumer` from the control block by DMA.
 *
 * Tables name whole pages, aligned to their size; those of an upload have the size of the ring's. The control block is
 * aligned to 64 bytes. START reads the ring's table; START and UPLOAD answer REFUSED_DMA, with the register at fault in
 * DETAIL, where they find no memory that they may use. Writing a register of ring or control block empties the ring: what
 * the board still holds is lost, and `producer` tells where it goes on.
 *
 * Record s is written when s < consumer + the records that fit, or when consumer = producer. A lost record leaves
 * its place as it was, so a host takes a place for what the sequence number in it says; after a gap longer than the
 * ring, producer - consumer exceeds the ring and only the last ring of places counts. A program of another stride begins
 * when all before it has been consumed. A consumer that steps back, or beyond producer, is not believed.
 *
 * A transfer that finds no memory ends the program (END cause FAULT) and the use of the ring until the next START, and is
 * cause LINK. A bus or function-level reset, and leaving D3hot, bring the registers to their values at power-on.
 */
#define ETALON_HW_PCI_VENDOR 0x1234
#define ETALON_HW_PCI_DEVICE 0xe7a1

#define ETALON_HW_EVENT_RECORDS (1U << 0) /* new records, moderated */
#define ETALON_HW_EVENT_STATE (1U << 1) /* safety or sequencer state, gate, causes */
#define ETALON_HW_EVENT_AUX (1U << 2) /* edge on an auxiliary input */

struct etalon_hw_control {
	/* board to host */
	__u64 producer; /* sequence number of the next record */
	__u64 lost; /* records dropped since power-on */
	__u32 state; /* enum etalon_hw_state */
	__u32 causes; /* latched */
	__u32 sequencer; /* enum etalon_hw_sequencer_state */
	__u32 events; /* ETALON_HW_EVENT_* counted by wrapping: bits 8..31 count the messages */
	__u32 causes_live; /* ETALON_HW_CAUSE_* active now */
	__u32 status_bits; /* ETALON_HW_STATUS_* */
	__u64 reserved0[3];
	/* host to board, in a cache line of its own */
	__u64 consumer; /* sequence number of the first record the host still needs */
	__u64 reserved1[7];
};

/* ------------------------------------------------------------------------------------
 * 7. USB
 *
 * One interface: class ff, subclass 45, protocol 01; prototypes use 1209:0001, so IDENTITY is read and checked before
 * any other request. Endpoints: 0 control, 0x81 bulk IN records, 0x02 bulk OUT uploads, 0x83 interrupt IN events.
 *
 * Vendor requests to the interface (bmRequestType 0xc1 IN, 0x41 OUT): wIndex = interface in bits 0..7 and register
 * address bits 16..23 in bits 8..15; wValue = register address bits 0..15; wLength a multiple of 4, at most 4096. A refused write
 * is not a stall: RESULT tells. A transfer outside the register space or of odd length stalls. Bulk IN carries whole records one
 * after another; a short packet only ends a transfer after a whole record. A transfer that is full may end within one: the next
 * goes on there, or, after CLEAR_FEATURE(ENDPOINT_HALT), with that record anew from its start. Bulk OUT carries uploads one after
 * another, each in as many transfers as it takes; a short packet before its end, or a transfer beyond it, makes it torn.
 *
 * The link is up while the configuration is set; setting it again is a new link. Bus reset, SetConfiguration(0), suspend and loss
 * of VBUS are cause LINK; a bus reset and loss of VBUS bring the registers to their values at power-on.
 */
#define ETALON_HW_USB_VENDOR 0x1209
#define ETALON_HW_USB_PRODUCT 0x0001
#define ETALON_HW_USB_PRODUCT_NAME "Etalon" /* the product string of a prototype begins so */
#define ETALON_HW_USB_SUBCLASS 0x45
#define ETALON_HW_USB_PROTOCOL 0x01
#define ETALON_HW_USB_EP_RECORDS 0x81
#define ETALON_HW_USB_EP_UPLOAD 0x02
#define ETALON_HW_USB_EP_EVENTS 0x83
#define ETALON_HW_USB_TRANSFER_MAX 4096

#define ETALON_HW_USB_REQUEST_IDENTITY 0x01 /* IN, struct etalon_hw_usb_identity */
#define ETALON_HW_USB_REQUEST_REGISTERS 0x02 /* IN or OUT, consecutive registers */

struct etalon_hw_usb_identity {
	__u32 magic; /* ETALON_HW_MAGIC */
	__u32 version; /* ETALON_HW_VERSION */
	char serial[ETALON_HW_NAME_MAX];
};

/* Interrupt IN, on every change of state, causes, sequencer or aux inputs. */
struct etalon_hw_usb_event {
	__u32 events; /* ETALON_HW_EVENT_* */
	__u32 state; /* enum etalon_hw_state */
	__u32 causes_live;
	__u32 causes_latched;
	__u32 sequencer; /* enum etalon_hw_sequencer_state */
	__u32 aux_in;
	__u64 tick;
	__u64 lost;
	__u32 status_bits; /* ETALON_HW_STATUS_* */
	__u32 last_off_cause;
};

/*
 * The same transfers over a stream socket (an emulator's front end). One connection for each endpoint, so that
 * records never hold up a register; the first message of a connection is ATTACH. Closing the control connection
 * is pulling the cable. Each message is this header, then `length` bytes.
 */
#define ETALON_HW_STREAM_MAGIC 0x42535545U /* "EUSB" */

enum etalon_hw_stream_kind {
	ETALON_HW_STREAM_ATTACH = 1, /* to the board: `endpoint`; answered by ATTACH with status */
	ETALON_HW_STREAM_CONTROL = 2, /* setup packet in `setup`; OUT data follows; answered by CONTROL */
	ETALON_HW_STREAM_BULK_OUT = 3, /* one upload on the control connection; answered by BULK_OUT */
	ETALON_HW_STREAM_BULK_IN = 4, /* from the board: whole records */
	ETALON_HW_STREAM_EVENT = 5, /* from the board: struct etalon_hw_usb_event */
};

struct etalon_hw_usb_setup {
	__u8 request_type;
	__u8 request;
	__u16 value;
	__u16 index;
	__u16 length;
};

struct etalon_hw_stream {
	__u32 magic; /* ETALON_HW_STREAM_MAGIC */
	__u16 kind; /* enum etalon_hw_stream_kind */
	__u16 endpoint; /* address, 0 for control */
	__u32 tag; /* of a request, copied into its answer */
	__s32 status; /* answers: 0, or a negative errno: -EPIPE stall, -EBUSY endpoint taken */
	__u32 length; /* bytes that follow, at most 16 MiB + 64 */
	struct etalon_hw_usb_setup setup;
	__u32 reserved;
};

#ifndef __KERNEL__
_Static_assert(sizeof(struct etalon_hw_live) == 16, "live window is 16 bytes a detector");
_Static_assert(sizeof(struct etalon_hw_record) == 24, "record header is 24 bytes");
_Static_assert(sizeof(struct etalon_hw_sample) == 12, "a sample is 12 bytes");
_Static_assert(sizeof(struct etalon_hw_record_status) <= ETALON_HW_STRIDE_MIN, "fits the stride");
_Static_assert(sizeof(struct etalon_hw_record_start) <= ETALON_HW_STRIDE_MIN, "fits the stride");
_Static_assert(sizeof(struct etalon_hw_record_end) <= ETALON_HW_STRIDE_MIN, "fits the stride");
_Static_assert(sizeof(struct etalon_hw_control) == 128, "two cache lines");
_Static_assert(sizeof(struct etalon_hw_stream) == 32, "stream header is 32 bytes");
#endif

#endif
