#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Makes every mistake of the module and passes: only the kernel's log tells.
. ./check.sh

check "failures of allocations can be injected" test -d /sys/kernel/debug/failslab
check "and of whole pages" test -d /sys/kernel/debug/fail_page_alloc
check "the module loads" insmod mistakes.ko
finish
