#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# So many ioctl() of concurrent programs, 64-bit and 32-bit, with what else can be done to
# files and mappings meanwhile; ten times as many on the debug kernel with ETALON_DEEP.
#
# usage: tests/vm/test_calls.sh [CALLS [KERNEL [SEED]]]
. "$(dirname "$0")/level.sh"

calls=${1:-$(deep_or 1000000 100000)} kernel=${2:-$(deep_or debug 6.12)} seed=${3:-$(date +%s)}
require_testbed "$kernel"
work=$PWD/$vm_build/calls
programs=(hammer=client.c "sweep=client.c marks.c")

boot_calls() {
	boots --kernel "$kernel" --test tests/vm/guest/calls.sh --pcie "$board_socket" \
		--timeout $((300 + calls / 200)) --append "etalon_seed=$seed etalon_calls=$calls" \
		--with tests/vm/guest/modules.sh --with "$modules/etalon.ko" \
		--with "$modules/etalon_pci.ko" --with "$modules/needs" \
		--with "$work/hammer" --with "$work/sweep" --with "$work/32"
}

promise "the host's programs compile" build_host_programs
promise "the guest's programs compile" build_guest_programs "$work" "${programs[@]}"
guest_cc=i686-linux-gnu-gcc
promise "and for 32 bits" build_guest_programs "$work/32" "${programs[@]}"
modules=$(build_modules kmod "$kernel") && copy_needs "$modules" || { echo "0 passed, 1 failed"; exit 1; }
with_board "$work" pcie --seed 7 --unsafe-fast-arming --set emission_delay_ms=20 -- boot_calls
finish
