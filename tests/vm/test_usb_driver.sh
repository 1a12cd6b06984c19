#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The driver with its board on USB, at high speed: guest/usb_driver.sh, on Debian's kernel. ETALON_DEEP: at
# super speed, on the newest kernel and on the debug kernel, too.
#
# usage: tests/vm/test_usb_driver.sh [KERNEL MBIT/S]
. "$(dirname "$0")/level.sh"
require_testbed "${1:-$(deep_or debug 6.12)}"

seed=7
work=$PWD/$vm_build/usb-driver
mkdir -p "$work"

build_clients() {
	build_guest_programs "$work" "sweep=client.c marks.c" lifetime=client.c too_fast=client.c \
		usb_reset= &&
		build_host_programs
}

keep_reference() { # dark|light
	"${BUILD:-build}/tests/vm/reference" "$board_socket" "$1" 2000 "$work/$1.records"
}

# The host controller's driver is a module of Debian's; the debug kernel has it.
build_driver() { # kernel
	modules=$(build_modules kmod "$1") && copy_needs "$modules" || return
	rm -rf "$work/needs"
	cp -r "$modules/needs" "$work/needs" || return
	[ "$1" = debug ] || copy_modules "$(cat "$modules/release")" "$work/needs" xhci_pci
}

boot_driver() { # kernel Mbit/s
	boots --kernel "$1" --test tests/vm/guest/usb_driver.sh --usb "$board_socket" --timeout 600 \
		--append "etalon_usb_speed=$2" --log "${BUILD:-build}/test-logs/vm-usb-driver-$1-$2" \
		--host tests/vm/host_board.sh --with tests/vm/guest/modules.sh --with tests/vm/guest/usb.sh \
		--with "$modules/etalon.ko" --with "$modules/etalon_usb.ko" --with "$work/needs" \
		--with "$work/sweep" --with "$work/lifetime" --with "$work/usb_reset" --with "$work/too_fast" \
		--with "$work/dark.records" --with "$work/light.records"
}

drive() { # kernel Mbit/s
	local speed=super
	[ "$2" = 5000 ] || speed=high
	build_driver "$1" || { failed=$((failed + 1)); return; }
	with_board "$work/$1-$speed" usb --usb-speed $speed --seed $seed -- boot_driver "$1" "$2"
}

promise "the clients and the reference compile" build_clients
# The same board and seed behind the emulated link say what the records have to be.
for light in dark light; do
	promise "the emulated link gives records, $light" \
		with_board "$work/reference-$light" socket --seed $seed -- keep_reference $light
done
if [ $# -gt 1 ]; then
	drive "$1" "$2"
else
	drive 6.12 480
	[ -z "${ETALON_DEEP:-}" ] || { drive 6.12 5000; drive 7.2 480; drive debug 480; }
fi
finish
