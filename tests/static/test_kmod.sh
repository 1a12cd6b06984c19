#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The driver as a kernel developer looks at it: built without a warning (W=1) for the installed headers,
# nothing found by sparse, no structure of the uapi with a hole that has no name.
. "$(dirname "$0")/level.sh"

# ---- builds, in a copy: the checkout stays as it is ----
build() { # headers arguments of make...
	local headers=$1 log=$work/build.log
	shift
	rm -rf "$work/usr"
	make -s -C kmod dkms-source "DESTDIR=$work" || return
	if ! make -C "$work"/usr/src/etalon-* KDIR="$headers" W=1 "$@" >"$log" 2>&1 ||
		grep -qE '(warning|error):' "$log"; then
		grep -E '(warning|error|Error)' "$log" | sed 's/^/  /'
		return 1
	fi
}

mapfile -t kernels < <(ls -d /lib/modules/*/build 2>/dev/null)
for headers in "${kernels[@]}"; do
	[ -e "$headers/Makefile" ] || continue
	release=$(basename "$(dirname "$headers")")
	build "$headers"
	verdict "W=1 for $release" $?
	if command -v sparse >/dev/null; then
		build "$headers" C=2
		verdict "sparse for $release" $?
	else
		skip "sparse is not installed"
	fi
done
[ ${#kernels[@]} -gt 0 ] || skip "no kernel headers below /lib/modules"

# ---- the uapi; for other architectures, and checkpatch: tests/vm/test_modules.sh ----
if command -v pahole >/dev/null; then
	tests/static/uapi_layout.sh gcc "gcc -m32"
	verdict "uapi for 64-bit and 32-bit programs: no hole, the same layout" $?
else
	skip "holes in the uapi: pahole is not installed"
fi

finish
