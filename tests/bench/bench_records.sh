#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Processor time that a record of the PCIe board costs its reader, on a Debian kernel in a virtual machine: in place
# from the mapping, and by pread(), which copies it. The emulated board is the same, and so is what is done with it.
# A processor that is emulated, too, copies slowly: on a real one the ratio is nearer to 1.
. "$(dirname "$0")/../vm/level.sh"
require_testbed

kernel=6.12
limit=0.5
work=$PWD/$vm_build/bench-records

boot_cost() {
	boots --kernel $kernel --test tests/vm/guest/cost.sh --pcie "$board_socket" --log "$work/guest" \
		--with tests/vm/guest/modules.sh --with "$modules/etalon.ko" --with "$modules/etalon_pci.ko" \
		--with "$modules/needs" --with "$work/cost"
}

figure() { # name
	sed -n "s/^$1 //p" "$work/guest/test.log"
}

build_guest_programs "$work" cost=client.c && modules=$(build_modules kmod $kernel) && copy_needs "$modules" || exit 1
rm -rf "$work/guest"
with_board "$work" pcie -- boot_cost
awk -v mapped="$(figure mapped)" -v copied="$(figure pread)" -v limit=$limit 'BEGIN {
	if (!mapped || !copied) { print "no figures"; exit 1 }
	printf "a record in place       %6d ns\nthe same by pread()     %6d ns\nratio %.2f, limit %.2f%s\n",
		mapped, copied, mapped / copied, limit, (mapped > limit * copied) ? "  MISSED" : ""
	exit (mapped > limit * copied)
}'
