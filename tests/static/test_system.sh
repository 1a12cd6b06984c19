#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The files that tell a system about Etalon: udev rules and hwdb, users, the unit. Each is given
# to the program that will read it, in a folder of its own; the rules' promises are looked for one by one.
. "$(dirname "$0")/level.sh"
rules=udev/70-etalon.rules

# Lines of the rules that match all patterns.
lines_with() {
	local lines pattern
	lines=$(grep -v '^#' $rules)
	for pattern; do
		lines=$(grep -E -- "$pattern" <<<"$lines")
	done
	[ -n "$lines" ] && echo "$lines"
}

# ---- udev rules ----

# udev knows it from 254 on; the one of the guests always does (tests/vm/guest/daemon.sh).
if udevadm verify --help >/dev/null 2>&1; then
	udevadm verify --resolve-names=never $rules >"$work/log" 2>&1 || ! cat "$work/log"
	verdict "udevadm verify" $?
fi
item='([A-Z_]+(\{[a-zA-Z_/.]+\})?(==|!=|\+=|=)"[^"]*")'
! grep -v -E -n "^(#.*|$item(, $item)*|)$" $rules
verdict "each line is a list of match and assignment" $?

lines_with 'SUBSYSTEM=="etalon"' 'OWNER="root"' 'GROUP="_etalond"' 'MODE="0660"' 'TAG\+="systemd"' \
	'SYSTEMD_WANTS\}\+="etalond.service"' >/dev/null
verdict "nodes are root:_etalond 0660 and start the daemon" $?
lines_with 'SUBSYSTEM=="etalon"' 'SYMLINK\+="etalon/by-serial/\$attr\{serial\}"' >/dev/null
verdict "boards are found by serial number" $?
for bus in pci usb; do
	lines_with "SUBSYSTEM==\"$bus\"" 'ATTR\{power/control\}="on"' >/dev/null
	verdict "no power management on $bus" $?
done
lines_with 'SUBSYSTEM=="usb"' 'ATTR\{product\}=="Etalon\*"' >/dev/null &&
	! lines_with 'SUBSYSTEM=="usb"' 'MODE=' | grep -v -F 'ATTR{product}=="Etalon*"'
verdict "a shared USB id alone is not enough" $?
interface=ff$(sed -n -E 's/^#define ETALON_HW_USB_(SUBCLASS|PROTOCOL) 0x([0-9a-f]+)$/\2/p' kmod/hw.h | tr -d '\n')
lines_with 'SUBSYSTEM=="usb"' "ENV\\{ID_USB_INTERFACES\\}==\"\\*:$interface:\\*\"" 'OWNER="root"' 'GROUP="_etalond"' >/dev/null
verdict "the USB interface is that of the board contract" $?
! lines_with 'MODE="' | grep -v -F 'MODE="0660"'
verdict "no node is open to everybody" $?
! lines_with 'GROUP="etalon"'
verdict "the group etalon owns no device" $?
read -r vendor device <<<"$(sed -n -E 's/^#define ETALON_HW_PCI_(VENDOR|DEVICE) (0x[0-9a-f]+)$/\2/p' kmod/hw.h | tr '\n' ' ')"
lines_with "ATTR\\{vendor\\}==\"$vendor\"" "ATTR\\{device\\}==\"$device\"" >/dev/null
verdict "the PCI ids are those of the board contract" $?

# ---- hwdb ----

if command -v systemd-hwdb >/dev/null; then
	mkdir -p "$work/etc/udev/hwdb.d"
	cp udev/70-etalon.hwdb "$work/etc/udev/hwdb.d/"
	systemd-hwdb --strict --root="$work" update >"$work/log" 2>&1 || ! cat "$work/log"
	verdict "hwdb compiles" $?
	id=$(printf 'pci:v%08Xd%08Xsv00000000sd00000000bc11sc80i00' "$vendor" "$device")
	systemd-hwdb --root="$work" query "$id" | grep -q '^ID_VENDOR_FROM_DATABASE=Etalon$'
	verdict "hwdb names the board" $?
	systemd-hwdb --root="$work" query "usb:v1209p0001:Etalon ERB-1" | grep -q '^ID_VENDOR_FROM_DATABASE=Etalon$' &&
		! systemd-hwdb --root="$work" query "usb:v1209p0001:Another" | grep -q Etalon
	verdict "hwdb names the board on USB, and nobody else with its id" $?
else
	skip "hwdb: systemd-hwdb is not installed"
fi

# ---- users ----

if command -v systemd-sysusers >/dev/null; then
	mkdir -p "$work/users/etc"
	touch "$work/users/etc/passwd" "$work/users/etc/group"
	systemd-sysusers --root="$work/users" "$PWD/daemon/system/etalon.sysusers" >"$work/log" 2>&1 || ! cat "$work/log"
	verdict "users and groups can be made" $?
	grep -q -E '^_etalond:[^:]*:[0-9]+:$' "$work/users/etc/group" && grep -q -E '^etalon:[^:]*:[0-9]+:$' "$work/users/etc/group"
	verdict "both groups are there and have no members" $?
	grep -q -E '^_etalond:.*:/usr/sbin/nologin$' "$work/users/etc/passwd"
	verdict "the daemon's user can not log in" $?
else
	skip "users: systemd-sysusers is not installed"
fi

# ---- unit ----

if command -v systemd-analyze >/dev/null; then
	sed 's|^ExecStart=.*|ExecStart=/bin/true|' daemon/system/etalond.service >"$work/etalond.service"
	systemd-analyze verify --man=no --recursive-errors=no "$work/etalond.service" >"$work/log" 2>&1
	! grep -F etalond.service "$work/log"
	verdict "the unit is understood" $?
else
	skip "unit: systemd-analyze is not installed"
fi

finish
