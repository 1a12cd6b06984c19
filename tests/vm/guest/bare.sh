#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What the driver's tests stand on, seen from inside a guest of busybox alone: modules of
# ours load, and a device comes, goes and comes again.
. ./check.sh

is_loaded() {
	grep -q "^$1 " /proc/modules
}

has_board() { # any function behind the root port
	ls /sys/bus/pci/devices/0000:01:00.0/config
}

lacks_board() {
	! has_board
}

check "the kernel is the one that the module was built for" grep -qx "$(uname -r)" release
check "a module of our build loads" insmod trivial.ko
check "it is there" is_loaded trivial
check "it unloads" rmmod trivial
check "the board is on the bus" has_board
check "the host takes it away" host unplug
check "it leaves the bus" within 10 lacks_board
check "the host puts it back" host plug
check "it comes back to the bus" within 10 has_board
finish
