#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What the driver refuses, on one kernel: nothing of it depends on which (guest/limits.sh).
. "$(dirname "$0")/level.sh"
require_testbed

kernel=7.2
# What the kernel frees and hands out is not zero by itself, so that a byte which the driver did not write is seen.
poison="init_on_alloc=0 page_poison=1 slub_debug=P"
work=$PWD/$vm_build/limits

boot_limits() {
	boots --kernel $kernel --test tests/vm/guest/limits.sh --pcie "$board_socket" --timeout 300 \
		--append "$poison" --with tests/vm/guest/modules.sh --with "$modules/etalon.ko" --with "$modules/etalon_pci.ko" \
		--with "$modules/needs" --with "$work/limits" --with "$work/denied" --with "$work/refused" \
		--with "$work/zeroed" --with "$work/edges" --with udev/70-etalon.rules
}

promise "the host's programs compile" build_host_programs
promise "the guest's programs compile" build_guest_programs "$work" limits=client.c denied=client.c \
	"refused=arguments.c client.c" "zeroed=arguments.c client.c" "edges=arguments.c client.c"
modules=$(build_modules kmod $kernel) && copy_needs "$modules" || { echo "0 passed, 1 failed"; exit 1; }
with_board "$work" pcie -- boot_limits
finish
