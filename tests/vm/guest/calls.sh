#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# So many ioctl() as $etalon_calls says, and an eighth of them by 32-bit programs at the same
# time; the driver is none the worse for it, and serves 32-bit programs as it does others.
. ./check.sh
. ./modules.sh

share32=$((etalon_calls / 8))

hammer_both() {
	./hammer "$etalon_seed" $((etalon_calls - share32)) >counts 2>&1 &
	pid=$!
	./32/hammer $((etalon_seed + 1)) $share32 >counts32 2>&1
	status=$?
	wait $pid || status=1
	cat counts counts32
	return $status
}

same_records() { # sweep's arguments
	./sweep "$@" --keep records64 && ./32/sweep "$@" --keep records32 && cmp records64 records32
}

check "the modules load" load_modules
check "the board has its node" within 30 has_node
check "a 32-bit program runs a sweep, read from the mapping" ./32/sweep --points 2000
check "and by pread()" ./32/sweep --points 2000 --pread
check "and gets the records that a 64-bit program gets" same_records --points 2000
check "and makes light" ./32/sweep --points 2000 --light
check "$etalon_calls calls at once, good and bad, do no harm" hammer_both
cat counts counts32
check "a sweep runs whole afterwards" ./sweep --points 2000
check "one with light, too" ./sweep --points 2000 --light
check "the modules unload" rmmod etalon_pci etalon
check "the node is gone" lacks_node
finish
