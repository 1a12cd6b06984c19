#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Boots one guest, runs one test script in it and judges: prints what the test printed, then
# every reason why it failed. Ends with 0 only when the test ended with 0, each check of its
# plan was made and the kernel's log is free of trouble.
#
# usage: tests/vm/boot.sh --kernel SERIES [--root none|full] --test SCRIPT [OPTION...]
#   --kernel SERIES   a kernel of the test bed, for instance 6.12, or `debug`
#   --root full       Debian with systemd, udev and D-Bus; none: busybox alone (default)
#   --test SCRIPT     runs in the guest, in /run/etalon, with guest/check.sh beside it
#   --with PATH       copied there too (repeat)
#   --pcie SOCKET     the board: a PCIe device from an emulator that listens there
#   --usb SOCKET      the board: a USB device from an emulator that listens there, now or later
#   --device JSON     any other device instead of it, with id board0 on bus rp1
#   --host FILE       more requests of the test to the host: functions named host_REQUEST
#   --share off       unshared memory, in which DMA of a board is lost
#   --memory MIB, --cpus N, --timeout S, --append "KERNEL PARAMETERS", --log FOLDER
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/vm/testbed/prepare.sh
. tests/vm/host.sh

kernel='' root=none test='' device='' usb='' share=on memory=512 cpus=2 timeout=120 append='' log=''
with=()

usage() {
	sed -n 's/^# \{0,1\}//; /^usage/,/^set/p' "$0" | sed '/^set/d' >&2
	exit 2
}

while [ $# -gt 0 ]; do
	[ $# -gt 1 ] || usage
	case $1 in
	--kernel | --root | --test | --device | --share | --memory | --cpus | --timeout | --append | --log)
		declare "${1#--}=$2" ;;
	--with) with+=("$2") ;;
	--pcie) device='{"driver":"vfio-user-pci","bus":"rp1","id":"board0","socket":{"type":"unix","path":"'$2'"}}' ;;
	--usb)
		usb=$2
		device='{"driver":"usb-redir","bus":"xhci.0","id":"board0","chardev":"board"}' ;;
	--host) . "$2" ;;
	*) usage ;;
	esac
	shift 2
done
[ -n "$kernel" ] && [ -f "$test" ] || usage
[ "$kernel/$root" != debug/full ] || { echo "boot: the debug kernel knows no disks: no --root full" >&2; exit 2; }
# Above 2 GiB the machine's memory is in two parts, and the canary's page elsewhere.
[ "$memory" -le 2048 ] || { echo "boot: --memory is at most 2048" >&2; exit 2; }

log=${log:-${BUILD:-build}/test-logs/vm-$kernel-$root-$(basename "$test" .sh)}
rm -rf "$log"
mkdir -p "$log"
log=$(realpath "$log")
prepare_testbed "$kernel" 2>"$log/testbed.log" || { cat "$log/testbed.log" >&2; exit 1; }

qemu_pid=''
scratch=$(mktemp -d)
finish() {
	[ -z "$qemu_pid" ] || kill -KILL "$qemu_pid" 2>/dev/null || true
	rm -rf "$scratch"
}
trap finish EXIT
trap 'exit 130' INT TERM

# The test's files become the last part of the archive that the kernel unpacks.
pack_files() { # archive
	local files=$scratch/files/etalon
	mkdir -p "$files"
	cp tests/vm/guest/first-stage "$scratch/files/init"
	cp tests/vm/guest/run-test tests/vm/guest/check.sh "$test" "$files"
	[ ${#with[@]} -eq 0 ] || cp -rL "${with[@]}" "$files"
	gcc -O2 -Wall -Wextra -static -D_GNU_SOURCE -o "$files/canary" tests/vm/guest/canary.c
	(cd "$scratch/files" && find . | "$guest/busybox" cpio -o -H newc 2>/dev/null) >"$scratch/test-files"
	cat "$(kernel_file "$kernel" first-stage)" "$scratch/test-files" >"$1"
}

# The debug kernel has none: ports say themselves what comes and goes, and its clock is told.
do_without_acpi() {
	gcc -O2 -Wall -Wextra -o "$scratch/tsc" tests/vm/tsc.c
	parameters+=" tsc=reliable tsc_early_khz=$("$scratch/tsc")"
	devices+=(-global ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off)
}

start_guest() {
	local parameters devices=()
	parameters="console=ttyS0 panic=-1 oops=panic mitigations=off sysctl.kernel.hung_task_timeout_secs=30"
	parameters+=" etalon_test=$(basename "$test") etalon_root=none"
	if [ "$root" = full ]; then
		parameters=${parameters/%none/vda}
		parameters+=" systemd.show_status=no systemd.unit=multi-user.target"
		devices+=(-drive "file=$guest/root.ext4,format=raw,if=virtio,snapshot=on")
	fi
	[ -z "$usb" ] || devices+=(-device qemu-xhci,id=xhci
		-chardev "socket,id=board,path=$usb,reconnect-ms=$usb_reconnect_ms")
	[ -z "$device" ] || devices+=(-device "$device")
	[ "$kernel" != debug ] || do_without_acpi
	mkfifo "$scratch"/{test,qmp}.{in,out}
	exec {to_guest}<>"$scratch/test.in" {from_guest}<>"$scratch/test.out"
	exec {to_qmp}<>"$scratch/qmp.in" {from_qmp}<>"$scratch/qmp.out"
	# QEMU must not outlive this script, however that ends.
	setpriv --pdeathsig KILL "${qemu[@]}" \
		-accel tcg,thread=multi -cpu max -smp "$cpus" -machine q35,memory-backend=ram -m "$memory" \
		-object "memory-backend-memfd,id=ram,size=${memory}M,share=$share" \
		-nodefaults -no-user-config -display none -no-reboot \
		-chardev "file,id=console,path=$log/console.log" -serial chardev:console \
		-chardev "pipe,id=test,path=$scratch/test" -serial chardev:test \
		-chardev "pipe,id=qmp,path=$scratch/qmp" -mon chardev=qmp,mode=control \
		-device pcie-root-port,id=rp1,chassis=1 "${devices[@]}" \
		-kernel "$(kernel_file "$kernel" vmlinuz)" -initrd "$scratch/initrd" \
		-append "$parameters $append" >"$log/qemu.log" 2>&1 &
	qemu_pid=$!
	qmp_read '"QMP"' && qmp qmp_capabilities
}

await_power_off() { # deadline in SECONDS
	while kill -0 "$qemu_pid" 2>/dev/null; do
		[ $SECONDS -lt "$1" ] || return 1
		sleep 0.1
	done
	wait "$qemu_pid"
	qemu_pid=''
}

fault() { # reason
	failed=$((failed + 1))
	echo "  fault: $1"
}

# The test's TAP, or a program's own closing lines; and what neither of them can say.
judge() {
	local planned made plain
	planned=$(sed -n 's/^1\.\.\([0-9]*\)$/\1/p' "$log/test.log")
	plain=$(sed -n -E 's/^([a-z-]+: )?([0-9]+) passed, ([0-9]+) failed.*/\2 \3/p' "$log/test.log")
	passed=$(awk '/^ok / { n++ } END { print n + 0 }' "$log/test.log")
	failed=$(awk '/^not ok / { n++ } END { print n + 0 }' "$log/test.log")
	passed=$((passed + $(awk '{ n += $1 } END { print n + 0 }' <<<"$plain")))
	failed=$((failed + $(awk '{ n += $2 } END { print n + 0 }' <<<"$plain")))
	made=$((passed + failed))
	[ $made -gt 0 ] || fault "no check was made"
	[ -z "$planned" ] || [ "$planned" = $made ] || fault "$planned checks were planned, $made were made"
	case $guest_status in
	'')
		if kill -0 "$qemu_pid" 2>/dev/null; then
			fault "the test did not end within $timeout s; the last of the console:"
		else
			fault "QEMU is gone before the test ended; the last of the console:"
		fi
		tail -n 15 "$log/console.log" | sed 's/^/  | /' ;;
	0) [ -n "$planned$plain" ] || fault "the test did not end with its plan" ;;
	*) [ $failed -gt 0 ] || fault "the test ended with $guest_status" ;;
	esac
	if tests/vm/kernel-log.sh "$log/console.log" >"$log/trouble.log"; then
		passed=$((passed + 1))
	else
		fault "$(sed '2,$s/^/  | /' "$log/trouble.log")"
	fi
}

began=$SECONDS
pack_files "$scratch/initrd"
start_guest || { sed 's/^/  | /' "$log/qemu.log" >&2; exit 1; }
touch "$log/test.log"
converse $((began + timeout))
powered_off=yes
# First, because the kernel's last words count, too.
if [ -n "$guest_status" ] && ! await_power_off $((SECONDS + 30)); then
	powered_off=no
fi
judge
[ $powered_off = yes ] || fault "the guest did not power off"
echo "  $kernel, root $root, $(basename "$test"): $((SECONDS - began)) s, logs in $log"
echo "$passed passed, $failed failed"
[ $failed = 0 ]
