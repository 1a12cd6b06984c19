#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The demo as a newcomer meets it: the README's session is what it prints, its files are there,
# and a spectrum of one's own takes the ring's place.
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

check "the demo measures" demo default.log 0
check "the README's session is what the demo prints" readme_session
check "its files are written" files_are_there
check "the truth stands beside the result" says default.log "truth of the emulated add-drop"
own_spectrum
check "a spectrum of one's own is measured" demo own.log 0 DUT="$work/own spectrum.csv" CHANNEL=strong RANGE=2mA
check "and its resonance found" says own.log "1    1550.19"
check "too strong for the usual range" demo strong.log 3 DUT="$work/own spectrum.csv" CHANNEL=strong
check "is said" says strong.log "take a less sensitive range"
check "without CHANNEL it is said which column was taken" demo first.log 0 DUT="$work/own spectrum.csv"
check "and which there are" says first.log "another of: weak, strong"
check "a column that is not there is refused" demo none.log 2 DUT="$work/own spectrum.csv" CHANNEL=nope
check "with those that are" says none.log "it has: weak, strong"
check "a file that is not there is refused" demo nofile.log 2 DUT="$work/nothing.csv"
echo "demo: $passed passed, $failed failed"
[ $failed = 0 ]
