#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The driver with its board on USB: what guest/driver.sh and guest/lifetime.sh promise on PCIe, the
# records those of every other transport, and what can happen to a cable.
. ./check.sh
. ./usb.sh

speed=$(sed -n 's/.*etalon_usb_speed=\([0-9]*\).*/\1/p' /proc/cmdline)

runs_at_its_speed() {
	find_interface && grep -x "$speed" "$board/speed"
}

is_on_usb() {
	grep -x usb /sys/class/etalon/etalon0/link
}

never_sleeps() {
	find_interface && grep -x active "$board/power/runtime_status" &&
		echo auto >"$board/power/control" && sleep 3 &&
		grep -x active "$board/power/runtime_status" && echo on >"$board/power/control"
}

costs_the_same() {
	few=$(./sweep --points 1000 --period 20000 | tee -a costs | sed -n 's/^accesses //p')
	many=$(./sweep --points 100000 --period 20000 | tee -a costs | sed -n 's/^accesses //p')
	cat costs
	[ -n "$few" ] && [ "$few" = "$many" ] && [ "$few" -le 64 ]
}

same_records() { # sweep's arguments
	./sweep "$@" --keep here && cmp here "$expected"
}

sleep_and_wake() {
	echo devices >/sys/power/pm_test && echo mem >/sys/power/state
}

pull_cable() {
	host fault cable
}

plug_again() {
	host plug && within 20 has_node
}

# In the middle of a program with open and mapped files.
through() { # case command...
	rm -f ready
	./lifetime "$1" ready &
	client=$!
	within 20 test -e ready || return
	sleep 0.3
	shift
	"$@" || return
	wait $client
}


check "the modules load" load_modules
check "the board has its node" within 20 has_node
check "it runs at $speed Mbit/s" runs_at_its_speed
check "it tells who it is" grep -x EMU-1 /sys/class/etalon/etalon0/serial
check "it says that it is on USB" is_on_usb
check "its temperature is in hwmon" cat /sys/class/etalon/etalon0/hwmon*/temp1_input
check "it is not put to sleep where everything else is" never_sleeps
check "a dark program runs whole, read from the mapping" ./sweep --points 2000
check "a dark program runs whole, by pread()" ./sweep --points 2000 --pread
check "a sweep costs the same accesses for few points and many" costs_the_same
expected=dark.records
check "dark records are those of the emulated link" same_records --points 2000
expected=light.records
check "records with light are those of the emulated link" same_records --points 2000 --light
[ "$speed" != 480 ] || check "a rate that the bus cannot carry is refused" ./too_fast
check "each fd is one" ./lifetime exclusive
check "limits are the holder's alone" ./lifetime limits
check "a holder that hangs loses light and control" ./lifetime expiry
check "a holder that is killed leaves darkness" ./lifetime killed
check "unbind in the middle of a program" through unplugged unbind
check "bind" bind
check "a program runs" ./sweep --points 2000
check "device_del in the middle of a program" through unplugged host unplug
check "device_add, and the node is back" plug_again
check "a program runs" ./sweep --points 2000
check "a reset of the port in the middle of a program" through reset reset_port
check "a program runs" ./sweep --points 2000
check "suspend in the middle of a program" through reset sleep_and_wake
check "a program runs" ./sweep --points 2000 --light
check "the cable is pulled in the middle of a program" through unplugged pull_cable
check "it is plugged in again by itself" within 30 has_node
check "a program runs" ./sweep --points 2000
check "the modules unload" unload_modules
check "the node is gone" lacks_node
check "they load again" load_modules
check "and the board is back" within 20 has_node
finish
