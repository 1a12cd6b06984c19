#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The main job on the emulated board: starts a private bus, emulator and daemon in a
# temporary folder, runs the sweep, shows the result beside the truth, writes demo-output/.
#
#   DUT      a measured spectrum (CSV or openEPDA) as the device instead of the ring
#   CHANNEL  its column, for instance channel_1
#   RANGE    of its detector, for instance 2mA: the usual 100 uA saturates at -10 dBm
#   SEED     of the emulated board's noise, default 1
#   OUT      where the files go, default demo-output/
set -euo pipefail
cd "$(dirname "$0")/.."
bin=$PWD/${BUILD:-build}
out=${OUT:-$PWD/demo-output}
work=$(mktemp -d "${TMPDIR:-/tmp}/etalon-demo.XXXXXX")
pids=()

finish() {
	local status=$?
	trap - EXIT INT TERM
	for ((i = ${#pids[@]} - 1; i >= 0; i--)); do
		kill "${pids[i]}" 2>/dev/null && wait "${pids[i]}" 2>/dev/null
	done
	rm -rf "$work"
	exit $status
}
trap finish EXIT
trap 'exit 130' INT TERM

wait_for() { # what, command...
	local what=$1 i
	shift
	for ((i = 0; i < 200; i++)); do
		"$@" >/dev/null 2>&1 && return
		sleep 0.05
	done
	echo "demo: $what did not come up; its messages:" >&2
	tail -n 20 "$work"/emulator.log "$work"/etalond.log >&2
	exit 6
}

truth_of() { # key, format
	printf "$2" "$(sed -n "s/^ *\"$1\": \([0-9.]*\).*/\1/p" "$work/truth.json")"
}

list_of() { # key of an array of texts
	tr -d '\n' <"$work/truth.json" | sed -n "s/.*\"$1\": \[ *\([^]]*\)\].*/\1/p" | sed 's/[" ]//g; s/,/, /g'
}

cat >"$work/bus.conf" <<XML
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path=$work/bus</listen>
  <policy context="default"><allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/></policy>
</busconfig>
XML
export ETALON_BUS=unix:path=$work/bus

device=(--device add-drop)
aliases='[{name: through, channel: pd1}, {name: drop, channel: pd2}]'
if [ -n "${DUT:-}" ]; then
	[ -r "$DUT" ] || { echo "demo: cannot read DUT=$DUT" >&2; exit 2; }
	device=(--device "$DUT" ${CHANNEL:+--device-channel "$CHANNEL"})
	aliases='[{name: through, channel: pd1}]'
fi
"$bin/etalon-emulator" "${device[@]}" --truth 1540 1560 >"$work/truth.json" || exit 2
# The longest watchdog: no eye is near this light, and a busy machine must not end the demo.
printf 'default_power: 0 dBm\nwatchdog_ms: 1000\naliases: %s\n' "$aliases" >"$work/etalond.conf"

dbus-daemon --config-file="$work/bus.conf" --nofork --nopidfile >"$work/bus.log" 2>&1 &
pids+=($!)
"$bin/etalon-emulator" --socket "$work/board" --seed "${SEED:-1}" "${device[@]}" >"$work/emulator.log" 2>&1 &
pids+=($!)
wait_for "the private bus" test -S "$work/bus"
wait_for "the emulated board" test -S "$work/board"
"$bin/etalond" --bus "$ETALON_BUS" --emulate "$work/board" --store "$work/runs.db" \
	--config "$work/etalond.conf" >"$work/etalond.log" 2>&1 &
pids+=($!)
wait_for "the daemon" "$bin/etalonctl" wait board --timeout 5s

if [ -n "${DUT:-}" ]; then
	# The file's own grid: nothing is extrapolated, so the sweep ends where the file does.
	start=$(truth_of start_nm %.4f)
	stop=$(truth_of stop_nm %.4f)
	points=$(truth_of points %.0f)
	sweep=("${start}nm" "${stop}nm" --points "$points" --power 0dBm -d through ${RANGE:+--range "$RANGE"})
	label=$(basename "${DUT%.*}")${CHANNEL:+-$CHANNEL}
else
	sweep=(1540nm 1560nm --step 1pm --power 0dBm -d through,drop)
	label=ring40
fi

if [ -n "${DUT:-}" ] && [ -z "${CHANNEL:-}" ]; then
	echo "demo: the first column of $(basename "$DUT") is the device; CHANNEL=NAME takes another of: $(list_of channels)"
fi
mkdir -p "$out"
echo "\$ etalonctl sweep wavelength ${sweep[*]} --label $label"
status=0
"$bin/etalonctl" sweep wavelength "${sweep[@]}" --label "$label" \
	--truth "$work/truth.json" --force \
	--save "$out/ring.csv" --save "$out/ring.oedf" --save "$out/ring.h5" --plot "$out/ring.svg" || status=$?
echo
(cd "$out" && ls -l ring.csv ring.oedf ring.h5 ring.svg)
exit $status
