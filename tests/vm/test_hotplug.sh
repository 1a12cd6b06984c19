#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The board goes and comes at random moments of running sweeps: by hot-plug over ACPI, by the
# death of its emulator, by unbind and bind, and by errors of the bus, on Debian's kernel; by unbind
# and bind on the debug kernel, too, where each takes seconds. ETALON_DEEP: more often, and there
# by native hot-plug.
#
# usage: tests/vm/test_hotplug.sh [KERNEL WAY:COUNT,... [SEED]]   ways: unbind unplug kill aer
. "$(dirname "$0")/level.sh"

acpi=$(deep_or unbind:400,unplug:400,kill:100,aer:100 unbind:30,unplug:30,kill:30,aer:4)
native=$(deep_or unbind:100,unplug:50 unbind:3)
seed=${3:-$(date +%s)}
require_testbed "${1:-debug}"
work=$PWD/$vm_build/hotplug

boot_hotplug() { # kernel ways
	boots --kernel "$1" --test tests/vm/guest/hotplug.sh --pcie "$board_socket" \
		--host tests/vm/host_board.sh --timeout "$(deep_or 7200 1200)" \
		--append "etalon_seed=$seed etalon_ways=$2 log_buf_len=4M" \
		--with tests/vm/guest/modules.sh --with tests/vm/guest/random.sh \
		--with "$modules/etalon.ko" --with "$modules/etalon_pci.ko" --with "$work/needs" \
		--with "$work/until_gone" --with "$work/lifetime" --with "$work/sweep"
}

# The injector of bus errors is a module of Debian's; the debug kernel, without ACPI, has none.
build_driver() { # kernel
	modules=$(build_modules kmod "$1") && copy_needs "$modules" || return
	rm -rf "$work/needs"
	cp -r "$modules/needs" "$work/needs" || return
	[ "$1" = debug ] || copy_modules "$(cat "$modules/release")" "$work/needs" aer_inject
}

hotplug() { # kernel ways
	build_driver "$1" || { failed=$((failed + 1)); return; }
	# A watchdog that kicks from a guest on a busy host meet.
	with_board "$work/$1" pcie --msi --seed 7 --unsafe-fast-arming --set emission_delay_ms=20 \
		--set watchdog_max_ms=4000 -- boot_hotplug "$1" "$2"
}

promise "the host's programs compile" build_host_programs
promise "the guest's programs compile" build_guest_programs "$work" \
	until_gone=client.c lifetime=client.c "sweep=client.c marks.c"
if [ $# -gt 1 ]; then
	hotplug "$1" "$2"
else
	hotplug 6.12 "$acpi"
	hotplug debug "$native"
fi
finish
