#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The driver's open files through everything that can happen to their board.
. ./check.sh
. ./modules.sh

remove() {
	echo 1 >$board/remove
}

rescan() {
	echo 1 >/sys/bus/pci/rescan
}

reset_function() {
	echo 1 >$board/reset
}

sleep_and_wake() {
	echo devices >/sys/power/pm_test && echo mem >/sys/power/state
}

# In the middle of a program with open and mapped files.
through() { # case command
	rm -f ready
	./lifetime "$1" ready &
	client=$!
	within 10 test -e ready || return
	sleep 0.3
	"$2" || return
	wait $client
}

check "the modules load" load_modules
check "each fd is one" ./lifetime exclusive
check "arguments are read no further than they say" ./lifetime arguments
check "limits are the holder's alone" ./lifetime limits
check "a holder that hangs loses light and control" ./lifetime expiry
check "a holder that is killed leaves darkness" ./lifetime killed
check "unbind in the middle of a program" through unplugged unbind
check "bind" bind
check "a program runs" ./sweep --points 2000
check "removal in the middle of a program" through unplugged remove
check "the board comes back" rescan
check "it has its node" within 5 has_node
check "a program runs" ./sweep --points 2000
check "a function-level reset in the middle of a program" through reset reset_function
check "a program runs" ./sweep --points 2000
check "suspend in the middle of a program" through reset sleep_and_wake
check "a program runs" ./sweep --points 2000 --light
check "the modules unload" rmmod etalon_pci etalon
check "the node is gone" lacks_node
finish
