#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The KUnit suites of the driver's core: loading their module runs them, and what they say is in
# the kernel's log as KTAP.
. ./check.sh
. ./modules.sh

# What was planned, case by case, has passed.
cases_passed() {
	dmesg | sed 's/^\[[^]]*\] //' >ktap
	planned=$(awk '/^ +1\.\.[0-9]+$/ { sub(/.*\.\./, ""); n += $0 } END { print n + 0 }' ktap)
	passed=$(grep -c -E '^ +ok [0-9]+ [a-z_]+$' ktap)
	echo "$passed of $planned cases passed"
	grep -E '^ *(not ok|#)' ktap
	[ "$planned" -gt 0 ] && [ "$passed" = "$planned" ]
}

check "what the core needs loads" load_needs
check "the core loads" insmod etalon.ko
check "the suites run" insmod etalon_kunit.ko
check "each case passed" cases_passed
sed -n 's/cases passed/& in KUnit/p' /run/check.out | sed 's/^/# /'
check "the suites unload" rmmod etalon_kunit
check "and the core with all that they left" rmmod etalon
finish
