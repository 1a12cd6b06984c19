#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# At the highest rate that the link declares: nothing is lost, and what it costs; a higher one is
# refused. A reader that stands still too long is told what it lost. The file `seconds` says for how
# long the rate is kept up.
. ./check.sh
. ./modules.sh

rate=100000 # points/s, of four detectors
period_ns=$((1000000000 / rate))

value() { # name file
	sed -n "s/^$1 //p" "$2"
}

whole_sweep() { # points mark
	./sweep --points "$1" --period $period_ns --armed --mark "$2" >"sweep-$1"
	status=$?
	cat "sweep-$1"
	return $status
}

interrupts_are_few() {
	[ "$(value interrupts "$longest")" -le "$(value milliseconds "$longest")" ]
}

kicks_are_few() {
	took=$(value milliseconds "$longest")
	[ -n "$took" ] || return
	[ "$(value kicks "$longest")" -le $(((took / $(value watchdog_ms "$longest") + 1) * 4)) ]
}

costs_the_same() {
	few=$(value accesses sweep-1000)
	many=$(value accesses sweep-1000000)
	echo "$few and $many accesses"
	[ -n "$few" ] && [ "$few" = "$many" ] && [ "$few" -le 64 ]
}

smaller_ring() {
	rmmod etalon_pci etalon && insmod etalon.ko ring_mib=1 && insmod etalon_pci.ko && within 5 has_node
}

told() { # promise command...
	check "$@"
	sed 's/^/# /' /run/check.out
}

seconds=$(cat seconds)
longest=sweep-$((seconds * rate))
check "the modules load" load_modules
check "the board has its node" within 5 has_node
told "$rate points/s for $seconds s, nothing lost" whole_sweep $((seconds * rate)) 1
check "with at most one interrupt each millisecond" interrupts_are_few
check "with at most four kicks each period" kicks_are_few
told "1000 points" whole_sweep 1000 2
told "1000000 points" whole_sweep 1000000 3
told "they cost the same accesses to registers" costs_the_same
told "a rate above the declared one is refused" ./too_fast
check "a smaller ring" smaller_ring
for how in mapped pread; do
	told "a stall, few records dropped, read by $how" ./stall drop 1 $how
	told "a stall, more dropped than the ring holds, read by $how" ./stall drop 20000 $how
	told "a stall that stops the program, read by $how" ./stall stop 1 $how
done
finish
