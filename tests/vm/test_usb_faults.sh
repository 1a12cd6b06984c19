#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# A board on USB at its worst, on Debian's kernel and on the debug kernel: guest/usb_faults.sh. In the long
# run, or as told.
#
# usage: tests/vm/test_usb_faults.sh [KERNEL WAY:COUNT,... [SEED]]   ways: cable kill unplug unbind
. "$(dirname "$0")/level.sh"
if [ $# = 0 ] && [ -z "${ETALON_DEEP:-}" ]; then
	echo "SKIP a board on USB at its worst takes hours: make check-deep"
	exit 0
fi
require_testbed "${1:-debug}"

ways=cable:300,kill:300,unplug:300,unbind:300
seed=${3:-$(date +%s)}
work=$PWD/$vm_build/usb-faults
mkdir -p "$work"

# The host controller's driver is a module of Debian's; the debug kernel has it.
build_driver() { # kernel
	modules=$(build_modules kmod "$1") && copy_needs "$modules" || return
	rm -rf "$work/needs"
	cp -r "$modules/needs" "$work/needs" || return
	[ "$1" = debug ] || copy_modules "$(cat "$modules/release")" "$work/needs" xhci_pci
}

boot_faults() { # kernel ways
	boots --kernel "$1" --test tests/vm/guest/usb_faults.sh --usb "$board_socket" \
		--timeout "$(deep_or 7200 1200)" --append "etalon_seed=$seed etalon_ways=$2 log_buf_len=4M" \
		--host tests/vm/host_board.sh --with tests/vm/guest/modules.sh --with tests/vm/guest/usb.sh \
		--with tests/vm/guest/random.sh --with "$modules/etalon.ko" --with "$modules/etalon_usb.ko" \
		--with "$work/needs" --with "$work/until_gone" --with "$work/sweep" --with "$work/lossy" \
		--with "$work/too_fast"
}

faults() { # kernel ways
	build_driver "$1" || { failed=$((failed + 1)); return; }
	# A watchdog that kicks from a guest on a busy host meet.
	with_board "$work/$1" usb --usb-speed high --seed 7 --unsafe-fast-arming --set emission_delay_ms=20 \
		--set watchdog_max_ms=4000 --set high_speed_record_rate_max=1000000 --set period_min_us=2 \
		-- boot_faults "$1" "$2"
}

promise "the host's programs compile" build_host_programs
promise "the guest's programs compile" build_guest_programs "$work" \
	until_gone=client.c lossy=client.c too_fast=client.c "sweep=client.c marks.c"
if [ $# -gt 1 ]; then
	faults "$1" "$2"
else
	faults 6.12 "$ways"
	faults debug "$ways"
fi
finish
