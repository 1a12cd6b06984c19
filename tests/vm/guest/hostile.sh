#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# A board that says anything, for $etalon_steps register reads and records in rounds: it is
# used, and bound again when the driver has given it up, until it is itself again; then it has
# to work. How often it lies differs from round to round.
. ./check.sh
. ./modules.sh
. ./random.sh

round_steps=2500
# Lines of the kernel's log that a round may cost, beside two for each try to bind: one call
# site says ten in five seconds at most.
lines_per_5s=10

again() {
	[ ! -e $board/driver ] || unbind
	bind
}

lines() {
	dmesg | grep -c -E 'etalon(_pci|[0-9])'
}

use_board() {
	rm -f up
	draw 1000000
	./endure $drawn up enough >>said 2>&1 &
	client=$!
}

in_use() {
	[ -n "$client" ] && kill -0 $client 2>/dev/null
}

ended_well() {
	[ -z "$client" ] || wait $client || return
	client=''
}

# Without a client that has the board, the driver thinks that it is gone.
go_on() {
	if in_use; then
		sleep 0.2
		return
	fi
	ended_well || return
	tries=$((tries + 1))
	if again 2>/dev/null && within 5 has_node; then
		use_board
	fi
}

is_up() {
	[ -e up ] || ! in_use
}

round() { # one-in
	rm -f enough said
	tries=1
	began=$(date +%s) lines=$(lines)
	use_board
	within 30 is_up && [ -e up ] || return
	draw 300
	host fault hostile count:$round_steps one_in:$1 || return
	until host hostile_ends $((rounds + 1)); do
		go_on || return
		[ $(($(date +%s) - began)) -lt 120 ] || { echo "a round does not end"; return 1; }
	done
	touch enough
	ended_well || return
	[ -e /dev/etalon0 ] && ./sweep --points 100 >/dev/null 2>&1 || again
	said=$(($(lines) - lines))
	allowed=$((2 * tries + lines_per_5s * (($(date +%s) - began) / 5 + 2)))
	[ $said -le $allowed ] || { echo "$said lines in the log, at most $allowed"; return 1; }
	within 10 has_node && ./sweep --points 1000
}

rounds_of_lies() {
	rounds=0
	until [ $((rounds * round_steps)) -ge "$etalon_steps" ]; do
		case $((rounds % 5)) in
		0) one_in=1 ;;
		1) one_in=10 ;;
		2) one_in=100 ;;
		3) one_in=1000 ;;
		4) one_in=10000 ;;
		esac
		round $one_in || { cat said; break; }
		rounds=$((rounds + 1))
	done
	echo "COUNT $((rounds * round_steps)) of $etalon_steps hostile steps, seed $etalon_seed" >counts
	[ $((rounds * round_steps)) -ge "$etalon_steps" ]
}

check "the modules load" load_modules
check "the board has its node" within 30 has_node
check "a board that lies does no harm, and works when it is honest again" rounds_of_lies
cat counts
check "light that it lied about is off" ./sweep --points 2000 --light
check "the modules unload" rmmod etalon_pci etalon
finish
