#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The driver on the kernels that guests boot, against the emulated board as a PCIe device: what
# guest/driver.sh promises, the records compared with those of the emulated link, and what
# becomes of open files (guest/lifetime.sh). It compiles for every kernel that is promised.
. "$(dirname "$0")/level.sh"
require_testbed

seed=7
work=$PWD/$vm_build/driver
mkdir -p "$work"

build_clients() {
	build_guest_programs "$work" "sweep=client.c marks.c" lifetime=client.c distrust=client.c \
		aux=client.c || return
	build_host_programs
}

keep_reference() { # dark|light
	"${BUILD:-build}/tests/vm/reference" "$board_socket" "$1" 2000 "$work/$1.records"
}

boot_driver() { # kernel modules test
	boots --kernel "$1" --test "tests/vm/guest/$3.sh" --pcie "$board_socket" --timeout 300 \
		--with tests/vm/guest/modules.sh --with "$2/etalon.ko" --with "$2/etalon_pci.ko" \
		--with "$2/needs" --with "$work/sweep" --with "$work/lifetime" \
		--with "$work/distrust" --with "$work/aux" --host tests/vm/host_board.sh \
		--with "$work/dark.records" --with "$work/light.records"
}

promise "the clients and the reference compile" build_clients
promise "the driver compiles for 6.1" build_modules kmod 6.1
# The same board and seed behind the emulated link say what the records have to be.
for light in dark light; do
	promise "the emulated link gives records, $light" \
		with_board "$work/reference-$light" socket --seed $seed -- keep_reference $light
done
for kernel in 6.12 7.2; do
	modules=$(build_modules kmod "$kernel") && copy_needs "$modules" || { failed=$((failed + 1)); continue; }
	for test in driver lifetime; do
		with_board "$work/$kernel-$test" pcie --seed $seed -- boot_driver "$kernel" "$modules" $test
	done
done
finish
