#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# QEMU takes the emulated board as a USB device, of super and of high speed, and Debian's kernel sees
# what the contract says: guest/usb_bus.sh. No driver of ours is in it.
. "$(dirname "$0")/level.sh"
require_testbed

kernel=6.12
work=$PWD/$vm_build/usb-bus

# Those of the host controller, which need those of the bus.
collect_modules() {
	rm -rf "$work/needs"
	mkdir -p "$work/needs"
	copy_modules "$(cat "$(kernel_file $kernel release)")" "$work/needs" xhci_pci
}

boot_bus() { # Mbit/s
	boots --kernel $kernel --test tests/vm/guest/usb_bus.sh --usb "$board_socket" \
		--host tests/vm/host_board.sh --append "etalon_usb_speed=$1" \
		--log "${BUILD:-build}/test-logs/vm-usb-bus-$1" \
		--with tests/vm/guest/modules.sh --with "$work/needs"
}

promise "the host's programs compile" build_host_programs
promise "the bus's modules are there" collect_modules
with_board "$work/super" usb --usb-speed super --serial USB-1 -- boot_bus 5000
with_board "$work/high" usb --usb-speed high --serial USB-1 -- boot_bus 480
finish
