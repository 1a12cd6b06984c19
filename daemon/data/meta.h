/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Keys of the JSON object that describes a run, wherever a run goes: the store, the
 * bus, frames, exported files. Layer: data. Units are in the keys.
 *
 *  run              integer, number in the store           (absent in foreign files)
 *  kind             "wavelength-sweep", "dark", "sweep"
 *  label device wafer die note operator   strings, absent when not given
 *  created          ISO 8601 with zone
 *  board            {model, serial, firmware, link}
 *  settings         {power_w, speed_nm_per_s, period_ns, aperture_ns, delay_ns, mode: "ramp"|"step",
 *                    both_ways: bool, average: n, start_nm, stop_nm, points, span_nm}
 *  axis             {column: "wavelength", provenance: "nominal"|"wavemeter"|"etalon"|"etalon+gas",
 *                    random_pm: per point (1 sigma), systematic_pm: common to the axis (1 sigma; includes
 *                    the sweep-to-sweep part), calibration_id, calibrated: ISO date}
 *  channels         array of {column, detector, unit, role: "signal"|"monitor"|..., range: "100 uA",
 *                    full_scale_a, bandwidth_hz, group_delay_ns, noise_density_a_per_rthz,
 *                    noise_a: expected 1-sigma of one point with no light, responsivity_a_per_w: at the centre,
 *                    dark_before_a, dark_after_a, dark_sigma_a, saturated: n, below_floor: n;
 *                    of kind "dark": dark_a, dark_random_a instead of those and below_floor}
 *  monitor          column name of the power monitor, absent when there is none
 *  laser            {rin_db_per_hz}
 *  environment      {chip_temperature_c, chip_temperature_sigma_c: absent when it was swept}
 *  reference        {run, age_s, reasons: [why it is not to be trusted]} or absent: then the columns are power,
 *                    not loss
 *  flags            {"unsettled": points, "mode-hop": points, ...}: of the measurement's points, only what occurs
 *  ledger           {complete: bool, produced, received, dropped, gaps: [{first, count}], crc: "ok"|"mismatch"|
 *                    "unknown", cause: "done"|"cancelled"|..., saturated, below_floor}
 *  verdict          "measured"|"pass"|"fail"|"marginal"|"untrustworthy"
 *  reasons          array of strings: why untrustworthy or fail
 *  ended_early      why a run that is not complete ended, as its taker saw it
 *  recovered        why a run was closed by others than its taker: a crash, a full disk
 *  purpose          "reference": the run is to be one
 *  parent           run number this one repeats
 *  truth            what an emulated device is (demo, tests), absent on real boards
 */
#ifndef ETALON_DATA_META_H
#define ETALON_DATA_META_H

#define META_RUN "run"
#define META_KIND "kind"
#define META_LABEL "label"
#define META_DEVICE "device"
#define META_WAFER "wafer"
#define META_DIE "die"
#define META_NOTE "note"
#define META_OPERATOR "operator"
/* What people write on a run, in the order in which it is shown. */
#define META_LABELS META_LABEL, META_DEVICE, META_WAFER, META_DIE, META_NOTE, META_OPERATOR
#define META_CREATED "created"
#define META_BOARD "board"
#define META_SETTINGS "settings"
#define META_AXIS "axis"
#define META_CHANNELS "channels"
#define META_MONITOR "monitor"
#define META_LASER "laser"
#define META_ENVIRONMENT "environment"
#define META_REFERENCE "reference"
#define META_FLAGS "flags"
#define META_LEDGER "ledger"
#define META_VERDICT "verdict"
#define META_REASONS "reasons"
#define META_ENDED_EARLY "ended_early"
#define META_RECOVERED "recovered"
#define META_PURPOSE "purpose"
#define META_PARENT "parent"

#endif
