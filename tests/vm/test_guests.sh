#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The test bed itself, on every kernel that guests boot: a bare guest and a Debian one come up,
# run a test, load a module of ours and tell what happened. Debian's on one kernel: test_daemon.sh
# boots it on every one. ETALON_DEEP: here, too.
. "$(dirname "$0")/level.sh"
require_testbed

edu='{"driver":"edu","bus":"rp1","id":"board0"}'
programs=$(build_programs) || exit 1

for kernel in 6.12 7.2; do
	modules=$(build_modules tests/vm/guest/trivial "$kernel") || exit 1
	boots --kernel "$kernel" --test tests/vm/guest/bare.sh --device "$edu" \
		--with "$modules/trivial.ko" --with "$modules/release"
	[ "$kernel" = 7.2 ] || [ -n "${ETALON_DEEP:-}" ] || continue
	boots --kernel "$kernel" --root full --memory 1024 --test tests/vm/guest/debian.sh \
		--with "$modules/trivial.ko" \
		--with "$programs/etalond" --with "$programs/etalonctl" \
		--with "$programs/etalon-emulator" --with "$programs/etalon-analyse"
done
finish
