#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What the daemon's tests stand on, seen from inside the Debian guest: systemd, udev and
# D-Bus run, the kernel's own modules load by name and ours too.
. ./check.sh

no_unit_failed() {
	units=$(systemctl --failed --no-legend --plain)
	echo "$units"
	[ -z "$units" ]
}

udev_rule_acts() {
	mkdir -p /run/udev/rules.d
	echo 'KERNEL=="null", SYMLINK+="etalon-test-link"' >/run/udev/rules.d/99-etalon-test.rules
	udevadm control --reload && udevadm trigger --settle --action=add /sys/class/mem/null &&
		[ "$(readlink /dev/etalon-test-link)" = null ]
}

libraries_resolve() { # each program of the project that came along
	missing=$(ldd ./* 2>/dev/null | grep 'not found')
	echo "$missing"
	[ -z "$missing" ]
}

check "systemd is the first process" grep -qx systemd /proc/1/comm
check "no unit failed" no_unit_failed
check "D-Bus answers on the system bus" busctl --system --timeout=10 call org.freedesktop.DBus /org/freedesktop/DBus org.freedesktop.DBus GetId
check "systemd answers on it" busctl --system --timeout=10 get-property org.freedesktop.systemd1 /org/freedesktop/systemd1 org.freedesktop.systemd1.Manager Version
check "a rule of udev acts" udev_rule_acts
check "a module of the kernel loads by name" modprobe i2c-stub chip_addr=0x48
check "a module of our build loads" insmod trivial.ko
check "every program that came along finds its libraries" libraries_resolve
check "and starts" ./etalonctl --version
finish
