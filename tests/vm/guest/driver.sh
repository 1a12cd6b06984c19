#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# First light of the driver: it loads, binds, runs programs whose records are those of the
# other transports, and leaves.
. ./check.sh
. ./modules.sh

costs_the_same() {
	few=$(./sweep --points 1000 --period 20000 | tee -a costs | sed -n 's/^accesses //p')
	many=$(./sweep --points 100000 --period 20000 | tee -a costs | sed -n 's/^accesses //p')
	cat costs
	[ -n "$few" ] && [ "$few" = "$many" ] && [ "$few" -le 64 ]
}

same_records() { # sweep's arguments
	./sweep "$@" --keep here && cmp here "$expected"
}

# Of a board that holds back records and lies.
end_keeps_its_place() {
	rm -f runs told resumed
	./distrust runs told resumed &
	client=$!
	within 20 test -e runs && host fault stall-records && sleep 0.2 &&
		host fault corrupt-index && within 20 test -e told &&
		host fault resume-records && : >resumed
	wait $client
}

# Line 4 rises before anybody listens to it, and falls later; line 5 makes the board tell of edges.
edges_are_new() {
	rm -f listens quiet
	host fault aux-in line:4 level:1 || return
	./aux edges 4 5 listens quiet &
	client=$!
	within 20 test -e listens && host fault aux-in line:5 level:1 &&
		within 20 test -e quiet && host fault aux-in line:4 level:0
	wait $client
}

check "the modules load" load_modules
check "the board has its node" within 5 has_node
check "it tells who it is" grep -x EMU-1 /sys/class/etalon/etalon0/serial
check "its temperature is in hwmon" cat /sys/class/etalon/etalon0/hwmon*/temp1_input
check "a dark program runs whole, read from the mapping" ./sweep --points 2000
check "a dark program runs whole, by pread()" ./sweep --points 2000 --pread
check "a sweep costs the same accesses for few points and many" costs_the_same
expected=dark.records
check "dark records are those of the emulated link" same_records --points 2000
expected=light.records
check "records with light are those of the emulated link" same_records --points 2000 --light
check "END of the kernel keeps its place, and the next holder's board works" end_keeps_its_place
check "a listener to a line hears of no edge from before" edges_are_new
check "outputs are what they were after a reset" ./aux reset $board/reset
check "the modules unload" rmmod etalon_pci etalon
check "the node is gone" lacks_node
check "they load again" load_modules
check "and the board is back" within 5 has_node
finish
