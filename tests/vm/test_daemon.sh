#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The whole product in a Debian guest, as its packages would install it: the driver as DKMS built it,
# udev, systemd and D-Bus, etalond behind them, and an emulated board on the PCIe bus. What
# guest/daemon.sh promises; what is measured there is compared with what the emulated link measures.
. "$(dirname "$0")/level.sh"
. tests/vm/dkms.sh
require_testbed

work=$PWD/$vm_build/daemon
build=$(realpath -m "${BUILD:-build}")
# MSI: QEMU can not unplug a device that has MSI-X. No test waits out a real emission delay.
# What the board itself holds is little, so that a reader that stalls loses records soon.
board_options=(--seed 7 --unsafe-fast-arming --set emission_delay_ms=200 --set fifo_records=4096 --log-kicks)
rm -rf "$work"
mkdir -p "$work/emulated" "$work/package"
# Guests run on emulated processors, beside other tests: patience where no time is measured.
echo 'watchdog_ms: 1000' >"$work/etalond.conf"

observe_emulated() {
	(cd "$work/emulated" && ln -s "$build/tests/vm/raw" raw && PATH=$build:$PATH dbus-run-session -- bash -uc '
		. "$1/observe.sh"
		export ETALON_BUS=$DBUS_SESSION_BUS_ADDRESS
		etalond --session --emulate "$2" --store runs.db --config ../etalond.conf &
		etalonctl wait board --timeout 20s && observe expected runs.db --address="$ETALON_BUS"
		status=$?
		kill %1
		wait %1 && exit $status' - "$OLDPWD/tests/vm/guest" "$board_socket")
}

boot_daemon() { # kernel package
	boots --kernel "$1" --root full --memory 1024 --timeout 600 --pcie "$board_socket" \
		--test tests/vm/guest/daemon.sh --host tests/vm/host_light.sh \
		--with tests/vm/guest/installed.sh --with tests/vm/guest/observe.sh \
		--with "$work/etalond.conf" --with "$work/emulated/expected" \
		--with "$programs/tests/vm/raw" --with "$programs/tests/vm/lines" --with "$2/package"
}

promise "the host's programs compile" build_host_programs
programs=$(build_programs all vm-tools install "DESTDIR=$work/package") || { echo "0 passed, 1 failed"; exit 1; }
promise "the emulated link measures" with_board "$work/emulated" socket "${board_options[@]}" -- observe_emulated
for kernel in 6.12 7.2; do
	release=$(cat "$(kernel_file $kernel release)")
	driver=$(dkms_modules $kernel) && index_modules "$driver" "$release" || { failed=$((failed + 1)); continue; }
	mkdir -p "$work/$kernel"
	cp -r "$work/package" "$work/$kernel/"
	cp -r "$driver/lib" "$work/$kernel/package/usr/"
	export board_log=$work/$kernel/board.log
	with_board "$work/$kernel" pcie --msi "${board_options[@]}" -- boot_daemon "$kernel" "$work/$kernel"
done
finish
