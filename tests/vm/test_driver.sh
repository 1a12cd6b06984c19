#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The driver on the kernels that guests boot, against the emulated board as a PCIe device: what
# guest/driver.sh promises, the records compared with those of the emulated link.
. "$(dirname "$0")/level.sh"
require_testbed

seed=7
work=$PWD/$vm_build/driver
mkdir -p "$work"

build_client() {
	gcc -O2 -Wall -Wextra -static -pthread -D_GNU_SOURCE -Ikmod -o "$work/sweep" \
		tests/vm/guest/sweep.c tests/vm/guest/client.c &&
		make --no-print-directory -j2 all "${BUILD:-build}/tests/vm/reference"
}

keep_reference() { # dark|light
	"${BUILD:-build}/tests/vm/reference" "$board_socket" "$1" 2000 "$work/$1.records"
}

boot_driver() { # kernel modules
	boots --kernel "$1" --test tests/vm/guest/driver.sh --pcie "$board_socket" --timeout 300 \
		--with "$2/etalon.ko" --with "$2/etalon_pci.ko" --with "$2/needs" \
		--with "$work/sweep" --with "$work/dark.records" --with "$work/light.records"
}

promise "the client and the reference compile" build_client
# The same board and seed behind the emulated link say what the records have to be.
for light in dark light; do
	promise "the emulated link gives records, $light" \
		with_board "$work/reference-$light" socket --seed $seed -- keep_reference $light
done
for kernel in 6.12 7.2; do
	modules=$(build_modules kmod "$kernel") && copy_needs "$modules" || { failed=$((failed + 1)); continue; }
	with_board "$work/$kernel" pcie --seed $seed -- boot_driver "$kernel" "$modules"
done
finish
