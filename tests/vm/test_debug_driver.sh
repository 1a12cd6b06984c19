#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The driver on the debug kernel, where a use after free, locks in two orders, a sleep under a
# spinlock, a wrong use of DMA or lost memory fails a guest: the KUnit suites of its core, what
# guest/driver.sh and guest/lifetime.sh promise, by MSI-X and by MSI, and allocations failing one by
# one at every site.
. "$(dirname "$0")/level.sh"
require_testbed debug

seed=7
work=$PWD/$vm_build/debug-driver
mkdir -p "$work"

build_all() {
	build_guest_programs "$work" "sweep=client.c marks.c" lifetime=client.c \
		"failures=client.c operations.c sites.c" distrust=client.c aux=client.c &&
		build_host_programs
}

# In the driver's own folder, which the toolchain sees.
build_test_module() { # kunit|sites, folder of the driver's modules
	cp -ru "tests/vm/$1" "$2" || return
	in_toolchain "$2" make -C "$1" -j2 W=1 "KMOD=$2" "KDIR=$(kernel_headers debug)" >"$2/$1.log" 2>&1 &&
		! grep -q 'warning:' "$2/$1.log" && return
	cat "$2/$1.log"
	return 1
}

keep_reference() { # dark|light
	"${BUILD:-build}/tests/vm/reference" "$board_socket" "$1" 2000 "$work/$1.records"
}

boot_driver() { # test emulator's arguments...
	local test=$1
	shift
	with_board "$work/board-$test" pcie --seed $seed "$@" -- boot "$test"
}

boot() { # test
	local device=()
	[ -z "${board_socket:-}" ] || device=(--pcie "$board_socket")
	[ -z "${ETALON_DEEP:-}" ] || { touch "$work/deep"; device+=(--with "$work/deep"); }
	boots --kernel debug --test "tests/vm/guest/$1.sh" "${device[@]}" --timeout ${ETALON_DEEP:+3}600 \
		--with tests/vm/guest/modules.sh --with "$modules/etalon.ko" --with "$modules/etalon_pci.ko" \
		--with "$modules/kunit/etalon_kunit.ko" --with "$modules/sites/etalon_sites.ko" \
		--with "$work/sweep" --with "$work/lifetime" --with "$work/failures" --with "$work/distrust" --with "$work/aux" \
		--host tests/vm/host_board.sh --with "$work/dark.records" --with "$work/light.records"
}

promise "the clients and the reference compile" build_all
for light in dark light; do
	promise "the emulated link gives records, $light" \
		with_board "$work/reference-$light" socket --seed $seed -- keep_reference $light
done
modules=$(build_modules kmod debug) || { echo "$passed passed, $((failed + 1)) failed"; exit 1; }
promise "the KUnit suites compile" build_test_module kunit "$modules"
promise "what chooses allocations to fail compiles" build_test_module sites "$modules"
board_socket='' boot kunit
boot_driver driver
boot_driver lifetime --msi
# Many attempts arm, and none is about the delay that comes before light.
boot_driver failures --unsafe-fast-arming --set emission_delay_ms=50
finish
