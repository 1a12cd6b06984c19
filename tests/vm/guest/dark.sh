#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Light goes off, whatever ends it: the driver's part, seen from inside. What the light did is in
# the emulator's log and for the host to read. The counts come in the file `trials`, a kind of end
# and a number in each line.
. ./check.sh
. ./modules.sh
. ./latency.sh

# Its holder is alive, and kicks, until the kernel shuts its devices down: only the driver can end it.
is_lit_until_shutdown() {
	load_modules && within 5 has_node || return
	./dark shutdown lit &
	within 20 test -e lit
}

check "the modules load" load_modules
check "the driver's trace points are on" start_trace
echo platform >/sys/power/pm_test
echo 0 >/sys/module/suspend/parameters/pm_test_delay
while read -r kind count; do
	[ "$kind" = shutdown ] || check "$kind, $count times" ./dark "$kind" "$count" 1
done <trials
if [ -e events ]; then
	check "the driver is fast" check_latency "$(cat events)" 1000
	sed 's/^/# /' /run/check.out
fi
check "the modules unload" rmmod etalon_pci etalon
if grep -q '^shutdown ' trials; then
	check "the guest goes with light on" is_lit_until_shutdown
fi
finish
