#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The debug kernel reports each kind of mistake that it is there for, and a guest in which one
# was reported fails.
. "$(dirname "$0")/level.sh"
require_testbed debug

log=$PWD/$vm_build/debug-kernel

mistakes_fail() {
	! tests/vm/boot.sh --kernel debug --test tests/vm/guest/mistakes.sh --with "$modules/mistakes.ko" \
		--timeout 180 --log "$log"
}

modules=$(build_modules tests/vm/guest/mistakes debug) || { echo "0 passed, 1 failed"; exit 1; }
promise "a guest full of mistakes fails" mistakes_fail
promise "though its checks passed" grep -qx "1\.\.3" "$log/test.log"
promise "no check of it failed" sh -c '! grep "^not ok" "$0"' "$log/test.log"
promise "KASAN reports a use after free" grep -q "BUG: KASAN: slab-use-after-free in mistakes_init" "$log/console.log"
promise "lockdep reports locks in both orders" grep -q "possible circular locking dependency" "$log/console.log"
promise "a sleep under a spinlock is reported" grep -q "sleeping function called from invalid context" "$log/console.log"
promise "kmemleak reports what was lost" grep -q "unreferenced object .*size 256" "$log/console.log"
finish
