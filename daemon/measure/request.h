/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a client asks for: one JSON object, the same on the bus (as a{sv}), in the store and in a
 * dry run. Layer: measure.
 *
 * Setpoints are multiples of the source's resolution, or the request is refused with the nearest two. Two
 * exceptions take the nearest themselves, because people can not know it: optical power (meant in dBm) and sources
 * whose step is no 1, 2 or 5 times a power of ten (a converter's). The plan's request shows what was taken.
 *
 * Common keys
 *  kind        "wavelength-sweep" | "sweep" | "dark"
 *  detectors   [name...]: names of the board or site aliases; the order is the order of columns
 *  ranges      {detector: "100 uA"}; absent: the range's default
 *  label device wafer die note operator   strings
 *  parent      run number that this repeats
 *  expectations [{quantity, method, channel, low, high, unit, guard}]: limits of the verdict
 *  analyse     false: no analysis (default true for wavelength-sweep)
 *  limits      {source: {min, max, by}}: limits of the device under test or the job besides those of board and
 *              site; `by` says whose in messages, absent: "this job"
 * wavelength-sweep
 *  start_fm stop_fm points     points includes both ends; (stop - start) need not divide evenly here:
 *                              the setpoint rule of hw.h holds; the CLI refuses steps that do not divide the span
 *  power_fw                    absent: the site's default, which the plan names
 *  speed_fm_per_s | dwell_ns   RAMP at this speed, or STEP with this dwell at each point; absent: RAMP at
 *                              the laser's default speed
 *  aperture_ns                 absent: 0.8 x period for RAMP, the dwell less the settle time for STEP
 *  average                     passes, 1..1000, averaged at reading
 *  both_ways                   true: each pass forward and back
 *  reference                   "none" | "latest" | run number; absent: "latest" if one matches, else none
 *  purpose                     "reference": this run is to be a reference
 * sweep (any program over any sources and detectors)
 *  axes        outermost first: [{sources: [{source, start, stop} | {source, values: [...]}], points, mode: "step"|"ramp"|
 *              "wait", direction: "forward"|"reverse"|"serpentine"|"up-down", settle_ns, window, hold_ns, slope, timeout_ns}]
 *  period_ns delay_ns aperture_ns
 *              no sources: repeats what is inside. Mode "wait" needs window, slope, timeout_ns. Absent: mode step,
 *              direction forward
 *              delay absent: the settle time of the innermost sources; period absent: delay + aperture
 *  set         {source: value}: made before the first point, in the unit of the source
 *  emission    true: light is needed; gate: "open"|"shut"|"keep"; dark: true: dark before and after
 *              gate absent: open with emission, but kept when only sources without a gate emit
 *  comparators [{detector, kind: "above"|"below"|"falls", action: "flag"|"end-axis"|"end-program"|"trip", threshold}]
 *  start_input the trigger input whose rising edge starts; absent: at once
 *  clock       "internal"|"edge"|"source"; clock_input, clock_timeout_ns (0: none) with "edge"
 *  outputs     [of trigger output 0, 1]: "low"|"start"|"point"|"aperture"|"axis-end"|"end"|"emission"
 * dark (zero)
 *  points period_ns aperture_ns: gate shut, every detector named
 */
#ifndef ETALON_MEASURE_REQUEST_H
#define ETALON_MEASURE_REQUEST_H

#define REQUEST_POINTS_MAX 1000000000ULL /* points of one run; more is refused with this number */

#endif
