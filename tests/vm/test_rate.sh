#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The driver at the highest rate, and with a reader that cannot keep up (guest/rate.sh); what its
# sweeps cost is counted by the board itself, too. ETALON_DEEP: ten minutes instead of one.
. "$(dirname "$0")/level.sh"
require_testbed

kernel=6.12 # nothing of this depends on it
work=$PWD/$vm_build/rate
seconds=${ETALON_DEEP:+600}
seconds=${seconds:-60}
rate_max=(--set pcie_record_rate_max=100000 --set period_min_us=9)
# Patient, too: what is measured here is no holder that hangs.
delay=(--set emission_delay_ms=20 --unsafe-fast-arming --set watchdog_max_ms=4000)

boot_rate() {
	boots --kernel $kernel --test tests/vm/guest/rate.sh --pcie "$board_socket" --timeout $((seconds * 2 + 300)) \
		--append iomem=relaxed --with tests/vm/guest/modules.sh --with "$modules/etalon.ko" \
		--with "$modules/etalon_pci.ko" --with "$modules/needs" --with "$work/sweep" \
		--with "$work/stall" --with "$work/too_fast" --with "$work/seconds"
}

# Accesses between the marks of guest/sweep.c, one line a sweep, with its kicks. To leave the second mark
# costs a read, whether there is a board, and the write.
accesses() { # board's log
	sed -n -E -e 's/.*"event":"write","address":12,"value":([0-9]+),.*/mark \1/p' \
		-e 's/.*"event":"accesses","reads":([0-9]+),"writes":([0-9]+),"kicks":([0-9]+).*/count \1 \2 \3/p' "$1" |
		awk '$1 == "mark" { marked = 1; next }
			!marked { next }
			{ marked = 0; sum = $2 + $3; if (++marks % 2 == 0) print sum - before - 2, $4 - kicks; before = sum; kicks = $4 }'
}

cost_alike() {
	accesses "$work/board.log" | tee "$work/accesses"
	awk '{ if (NR > 1 && $1 != first) differs = 1; first = $1 } END { exit !(NR == 3 && !differs && first <= 64) }' "$work/accesses"
}

promise "the host's programs compile" build_host_programs
promise "the guest's programs compile" build_guest_programs "$work" "sweep=client.c marks.c" \
	stall=client.c too_fast=client.c
echo $seconds >"$work/seconds"
modules=$(build_modules kmod $kernel) && copy_needs "$modules" || { echo "0 passed, 1 failed"; exit 1; }
with_board "$work" pcie "${rate_max[@]}" "${delay[@]}" -- boot_rate
promise "the board counts at most 64 accesses a sweep, and the same for each" cost_alike
sed 's/^/  accesses, kicks: /' "$work/accesses"
finish
