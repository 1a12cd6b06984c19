#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The structures of the uapi have no hole without a name, and the same layout for every kind of
# program. Ends with 1 and tells the difference when not.
#
# usage: tests/static/uapi_layout.sh "COMPILER OPTIONS..."...
set -u
cd "$(dirname "$0")/../.." || exit 1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

{
	echo '#include "uapi/etalon.h"'
	sed -n 's/^struct \(etalon_[a-z_]*\) {$/struct \1 use_\1;/p' kmod/uapi/etalon.h
} >"$work/uapi.c"
structs=$(grep -c '^struct' "$work/uapi.c")
# A cross compiler need not have headers of its own: those of the kernel are the same for all.
headers=/usr/include/$(gcc -print-multiarch)

layout() { # object: what pahole says, without what depends on the file
	pahole --nested_anon_include "$1" 2>/dev/null | grep -v cacheline
}

holds() { # compiler and options...
	"$@" -std=gnu11 -ffreestanding -idirafter "$headers" -idirafter /usr/include \
		-g -Wall -Wextra -Wpadded -Werror -Ikmod -c -o "$work/uapi.o" "$work/uapi.c" || return
	layout "$work/uapi.o" >"$work/layout"
	[ "$(grep -c '^struct etalon' "$work/layout")" = "$structs" ] || { echo "pahole sees other structures"; return 1; }
	! grep -E 'XXX|padding' "$work/layout" || return
	[ -e "$work/first" ] || cp "$work/layout" "$work/first"
	diff "$work/first" "$work/layout"
}

[ $# -gt 0 ] && [ "$structs" -gt 0 ] || exit 2
for compiler; do
	# shellcheck disable=SC2086
	holds $compiler || { echo "that was for $compiler"; exit 1; }
done
