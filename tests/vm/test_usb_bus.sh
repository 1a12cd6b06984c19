#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# QEMU takes the emulated board as a USB device, of super and of high speed, and Debian's kernel sees
# what the contract says, and its records: guest/usb_bus.sh. No driver of ours is in it.
. "$(dirname "$0")/level.sh"
require_testbed

kernel=6.12
seed=7
points=2000
work=$PWD/$vm_build/usb-bus

# Those of the host controller, which need those of the bus.
collect_modules() {
	rm -rf "$work/needs"
	mkdir -p "$work/needs"
	copy_modules "$(cat "$(kernel_file $kernel release)")" "$work/needs" xhci_pci
}

keep_reference() {
	"${BUILD:-build}/tests/vm/reference" "$board_socket" dark $points "$work/dark.records"
}

boot_bus() { # Mbit/s
	boots --kernel $kernel --test tests/vm/guest/usb_bus.sh --usb "$board_socket" \
		--host tests/vm/host_board.sh --append "etalon_usb_speed=$1" --timeout 300 \
		--log "${BUILD:-build}/test-logs/vm-usb-bus-$1" \
		--with tests/vm/guest/modules.sh --with "$work/needs" --with "$work/usb_bare" \
		--with "$work/points" --with "$work/dark.records"
}

promise "the host's programs compile" build_host_programs
promise "the guest's program compiles" build_guest_programs "$work" usb_bare=
promise "the emulated link gives records" \
	with_board "$work/reference" socket --seed $seed -- keep_reference
echo $points >"$work/points"
promise "the bus's modules are there" collect_modules
with_board "$work/super" usb --seed $seed --usb-speed super --serial USB-1 -- boot_bus 5000
with_board "$work/high" usb --seed $seed --usb-speed high --serial USB-1 -- boot_bus 480
finish
