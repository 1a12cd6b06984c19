#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The driver with a board that says anything: so many register reads and
# records of it, ten times as many on the debug kernel with ETALON_DEEP.
#
# usage: tests/vm/test_hostile.sh [STEPS [KERNEL [SEED]]]
. "$(dirname "$0")/level.sh"

steps=${1:-$(deep_or 1000000 100000)} kernel=${2:-$(deep_or debug 6.12)} seed=${3:-$(date +%s)}
require_testbed "$kernel"
work=$PWD/$vm_build/hostile

boot_hostile() {
	boots --kernel "$kernel" --test tests/vm/guest/hostile.sh --pcie "$board_socket" \
		--host tests/vm/host_board.sh --timeout $((300 + steps / 200)) \
		--append "etalon_seed=$seed etalon_steps=$steps log_buf_len=4M" \
		--with tests/vm/guest/modules.sh --with tests/vm/guest/random.sh \
		--with "$modules/etalon.ko" --with "$modules/etalon_pci.ko" --with "$modules/needs" \
		--with "$work/endure" --with "$work/sweep"
}

promise "the host's programs compile" build_host_programs
promise "the guest's programs compile" build_guest_programs "$work" \
	endure=client.c "sweep=client.c marks.c"
modules=$(build_modules kmod "$kernel") && copy_needs "$modules" || { echo "0 passed, 1 failed"; exit 1; }
with_board "$work" pcie --seed "$seed" --unsafe-fast-arming --set emission_delay_ms=20 -- boot_hostile
finish
