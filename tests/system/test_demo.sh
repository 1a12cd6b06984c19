#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The demo as a newcomer meets it: the README's session is what it prints, its files are there,
# and a spectrum of one's own takes the ring's place, as does each of the measured ones.
set -u
cd "$(dirname "$0")/../.." || exit 1
work=$(mktemp -d "${TMPDIR:-/tmp}/etalon-test-demo.XXXXXX")
trap 'rm -rf "$work"' EXIT
export OUT=$work/out LC_ALL=C.UTF-8
passed=0 failed=0

check() { # promise, command...
	local promise=$1
	shift
	if "$@"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAILED: $promise"
	fi
}

demo() { # log exit-status VARIABLE=VALUE...
	local log=$1 wanted=$2 status=0
	shift 2
	env "$@" tests/demo.sh >"$work/$log" 2>&1 || status=$?
	[ $status = "$wanted" ] || { echo "exit $status, not $wanted"; tail -n 20 "$work/$log"; false; }
}

# As it is typed: make does the set-up, builds what is missing and hands the words on.
make_demo() { # log exit-status VARIABLE=VALUE...
	local log=$1 wanted=$2 status=0
	shift 2
	env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS -u DUT -u CHANNEL make demo ${BUILD:+BUILD="$BUILD"} "$@" >"$work/$log" 2>&1 || status=$?
	[ $status = "$wanted" ] || { echo "exit $status, not $wanted"; tail -n 20 "$work/$log"; false; }
}

# Not a terminal: the share of the points and their number, a line a second, the last one whole.
progress_is_told() { # log points
	local lines
	lines=$(grep -c -E "^ *[0-9]+ %  [0-9]+/$2 " "$work/$1")
	if [ "$lines" -lt 2 ] || ! grep -q -E "^100 %  $2/$2  " "$work/$1"; then
		tail -n 20 "$work/$1"
		return 1
	fi
}

# Last digits may differ where another compiler or mathematical library computes the plant; and so may
# dots of the picture.
masked() { sed -E -e 's/[0-9]+/#/g' -e 's/ +/ /g' -e 's/ $//' | grep -v '[│┤└▼]' | grep -v '^$'; }

# Each line of the first file stands in the second one, in this order.
in_order() {
	awk 'NR == FNR { want[n++] = $0; next } at < n && $0 == want[at + 0] { at++ }
	     END { if (at < n) { print "not printed: " want[at + 0]; exit 1 } }' "$1" "$2"
}

readme_session() {
	sed -n '/^\$ etalonctl sweep/,/^```$/p' README.md | sed '/^```$/,$d' | masked >"$work/readme"
	masked <"$work/default.log" >"$work/printed"
	[ "$(wc -l <"$work/readme")" -gt 18 ] && in_order "$work/readme" "$work/printed"
}

files_are_there() {
	local f
	for f in csv oedf h5 svg; do
		[ -s "$OUT/ring.$f" ] || return 1
	done
	[ "$(grep -v -c '^#' "$OUT/ring.csv")" = 20002 ]
}

says() { grep -q -F -- "$2" "$work/$1" || { tail -n 20 "$work/$1"; false; }; }

own_spectrum() {
	awk 'BEGIN { print "\"wavelength, nm\",\"weak, dBm\",\"strong, dBm\""
		for (i = 0; i <= 3000; i++) {
			x = 1549 + 0.001 * i; u = (x - 1550.2) / 0.015
			printf "%.4f,%.4f,%.4f\n", x, -60, -8 + 10 * log(1 - 0.9 / (1 + u * u)) / log(10)
		} }' >"$work/own spectrum.csv"
}

# ---- measured spectra: file:channel with light ----

data=${ETALON_DATA:-../shared/data}
measured="ring-r10um-gap140nm:1 ring-r10um-gap70nm:1 ring-r6um-gap140nm:1 mzi-a:2 mzi-b:2 loopback-calibration:2"
points=20000

all_named() {
	local file
	while read -r file; do
		[[ " $measured " == *" $(basename "$file" .csv):"* ]] || { echo "$file is not"; return 1; }
	done < <(grep -l -s '"channel_1, ' "$data"/*.csv)
}

measure_all() { # each waits most of its time, for emission delay and sweep: all wait together
	local spectrum file began=$SECONDS count=0
	for spectrum in $measured; do
		file=${spectrum%:*}
		[ -r "$data/$file.csv" ] || continue
		demo "$file.log" 0 DUT="$data/$file.csv" CHANNEL="channel_${spectrum#*:}" OUT="$work/$file" \
			>"$work/$file.status" &
		count=$((count + 1))
	done
	wait
	echo "COUNT $count measured spectra as the device, $((SECONDS - began)) s"
}

has_measured() { # file
	[ ! -s "$work/$1.status" ] || { cat "$work/$1.status"; false; }
}

ledger_is_whole() { # file
	says "$1.log" "ledger  produced $points  received $points  dropped 0  crc ok   saturated 0"
}

four_files() { # file
	local out=$work/$1
	[ "$(grep -v -c '^#' "$out/ring.csv")" = $((points + 1)) ] &&
		[ "$(sed '1,/^\.\.\.$/d' "$out/ring.oedf" | wc -l)" = $((points + 1)) ] &&
		[ "$(head -n 1 "$out/ring.oedf")" = "# openEPDA DATA FORMAT" ] &&
		[ "$(od -An -c -N 8 "$out/ring.h5" | tr -d ' ')" = '211HDF\r\n032\n' ] &&
		[ "$(stat -c %s "$out/ring.h5")" -gt $((points * 8)) ] &&
		grep -q '<svg' "$out/ring.svg" && tail -n 1 "$out/ring.svg" | grep -q '</svg>'
}

# What was measured is what the file says, where it is light and no steep flank: within what laser, front end and
# log do to it.
same_spectrum() { # file channel
	awk -F, -v column=$(($2 + 1)) -v file="$1" '
		/^#/ || /^$/ { next }
		NR == FNR { if (FNR > 1) { nm[n] = $1; db[n++] = $column } next }
		!header { header = split($0, name, /","/); for (i in name) if (name[i] == "through, dBm") at = i; next }
		{ k = m++; if (k < 1 || k >= n - 1 || db[k] < -40 || (db[k + 1] - db[k - 1]) ^ 2 > 0.01) next
		  off = $at - db[k]; sum += off; seen++; if (off * off > 0.25) far++
		  if (($1 - nm[k]) ^ 2 > 0.05 ^ 2) astray++ }
		END { printf "%s: %d points, mean %.3f dB, %d beyond 0.5 dB, %d off by 50 pm\n", file, seen, sum / seen, far, astray
		      exit !(at && m == n && seen > 1000 && (sum / seen) ^ 2 < 0.3 ^ 2 && far < seen / 100 && !astray) }
		' "$data/$1.csv" "$work/$1/ring.csv"
}

dips_found() { # file
	awk -F, -v file="$1.csv" '
		NR == FNR { if ($1 == file) dip[n++] = $2; next }
		match($0, /^ *[0-9]+ +1[45][0-9][0-9]\.[0-9]+ /) { split($0, word, " "); found[m++] = word[2] }
		END { for (i = 0; i < n; i++) { near = 0
				for (k = 0; k < m; k++) if ((found[k] - dip[i]) ^ 2 < 0.01 ^ 2) near = 1
				if (!near) { print "no resonance at " dip[i]; bad = 1 } }
		      exit bad }' "$data/dips.csv" "$work/$1.log"
}

check_measured() {
	local spectrum file
	for spectrum in $measured; do
		file=${spectrum%:*}
		if [ ! -r "$data/$file.csv" ]; then
			echo "SKIP $file.csv is not there to be measured: no folder of measured spectra at $data"
			continue
		fi
		check "$file is measured" has_measured "$file"
		check "all of its points came" ledger_is_whole "$file"
		check "its files are written" four_files "$file"
		check "they hold the spectrum" same_spectrum "$file" "${spectrum#*:}"
		check "with the dips that are known" dips_found "$file"
	done
}

check "the demo measures" demo default.log 0
check "its progress is told meanwhile" progress_is_told default.log 20001
check "the README's session is what the demo prints" readme_session
check "its files are written" files_are_there
check "the truth stands beside the result" says default.log "truth of the emulated add-drop"
own_spectrum
check "a spectrum of one's own is measured" demo own.log 0 DUT="$work/own spectrum.csv" CHANNEL=strong RANGE=2mA
check "and its resonance found" says own.log "1    1550.19"
export RANGE=2mA
check "make puts it behind the board, too" make_demo made.log 0 DUT="$work/own spectrum.csv" CHANNEL=strong
unset RANGE
check "finds the same" says made.log "1    1550.19"
check "tells its progress" progress_is_told made.log 3001
check "in the column that was named" says made.log "own spectrum-strong"
check "make fails when the demo is refused" make_demo made-none.log 2 DUT="$work/own spectrum.csv" CHANNEL=nope
check "and says why" says made-none.log "it has: weak, strong"
check "too strong for the usual range" demo strong.log 3 DUT="$work/own spectrum.csv" CHANNEL=strong
check "is said" says strong.log "take a less sensitive range"
check "without CHANNEL it is said which column was taken" demo first.log 0 DUT="$work/own spectrum.csv"
check "and which there are" says first.log "another of: weak, strong"
check "a column that is not there is refused" demo none.log 2 DUT="$work/own spectrum.csv" CHANNEL=nope
check "with those that are" says none.log "it has: weak, strong"
check "a file that is not there is refused" demo nofile.log 2 DUT="$work/nothing.csv"
check "every measured spectrum is among them" all_named
measure_all
check_measured
echo "demo: $passed passed, $failed failed"
[ $failed = 0 ]
