#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The driver as a kernel developer looks at it: built without a warning (W=1) for the installed headers,
# nothing found by sparse and checkpatch, no structure of the uapi with a hole that has no name.
set -u
cd "$(dirname "$0")/../.." || exit 1
passed=0 failed=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

verdict() { # name, exit status of what was tried
	if [ "$2" = 0 ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAILED: $1"
	fi
}

skip() {
	echo "SKIP $1"
}

# ---- builds, in a copy: the checkout stays as it is ----
build() { # headers arguments of make...
	local headers=$1 log=$work/build.log
	shift
	rm -rf "$work/kmod"
	mkdir "$work/kmod"
	cp -r kmod/*.[ch] kmod/uapi kmod/Kbuild kmod/Makefile kmod/features.sh "$work/kmod"
	if ! make -C "$work/kmod" KDIR="$headers" W=1 "$@" >"$log" 2>&1 ||
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

# ---- checkpatch, which comes with a kernel's source alone ----
find_checkpatch() {
	local f
	for f in "${CHECKPATCH:-}" /usr/src/linux-source-*/scripts/checkpatch.pl \
		"${XDG_CACHE_HOME:-$HOME/.cache}"/etalon/vm/*/build/scripts/checkpatch.pl \
		"${XDG_CACHE_HOME:-$HOME/.cache}"/etalon/vm/*/scripts/checkpatch.pl; do
		[ ! -f "$f" ] || { echo "$f"; return; }
	done
}

# What user space compiles, too, has neither BIT() nor another name for _Static_assert. The board contract is a table of
# registers whose comments stand beside them. Trace points are written in a form of their own.
options_of() { # file
	case $1 in
	kmod/uapi/*) echo "--ignore BIT_MACRO,CAMELCASE" ;;
	kmod/hw.h) echo "--ignore BIT_MACRO,CAMELCASE,LONG_LINE_COMMENT,BLOCK_COMMENT_STYLE" ;;
	esac
}

checkpatch=$(find_checkpatch) # keeps what it learns in the folder it runs in
if [ -n "$checkpatch" ]; then
	for file in kmod/*.[ch] kmod/uapi/*.h; do
		case $file in kmod/trace.h | kmod/*.mod.c | kmod/kernel_features.h) continue ;; esac
		# shellcheck disable=SC2046
		found=$(cd "$work" && perl "$checkpatch" --no-tree --strict --terse --no-summary $(options_of "$file") --file "$OLDPWD/$file" 2>/dev/null)
		[ -z "$found" ] || sed 's/^/  /' <<<"$found"
		[ -z "$found" ]
		verdict "checkpatch --strict $file" $?
	done
else
	skip "checkpatch.pl: no source of a kernel is here; set CHECKPATCH to its path"
fi

# ---- the uapi: the same layout and no hole for every kind of program ----
{
	echo '#include "uapi/etalon.h"'
	sed -n 's/^struct \(etalon_[a-z_]*\) {$/struct \1 use_\1;/p' kmod/uapi/etalon.h
} >"$work/uapi.c"
structs=$(grep -c '^struct' "$work/uapi.c")

layout() { # object: what pahole says, without what depends on the file
	pahole --nested_anon_include "$1" 2>/dev/null | grep -v cacheline
}

holes() { # compiler and options...
	"$@" -std=gnu11 -g -Wall -Wextra -Wpadded -Werror -Ikmod -c -o "$work/uapi.o" "$work/uapi.c" || return 1
	layout "$work/uapi.o" >"$work/layout"
	[ "$(grep -c '^struct etalon' "$work/layout")" = "$structs" ] || { echo "  pahole sees other structures"; return 1; }
	! grep -E 'XXX|padding' "$work/layout" || return 1
	[ -e "$work/first" ] || cp "$work/layout" "$work/first"
	diff "$work/first" "$work/layout"
}

if ! command -v pahole >/dev/null; then
	skip "holes in the uapi: pahole is not installed"
else
	headers=/usr/include/$(gcc -print-multiarch)
	holes gcc
	verdict "uapi for $(gcc -print-multiarch): no hole" $?
	if echo 'int x;' | gcc -m32 -fsyntax-only -x c - 2>/dev/null; then
		holes gcc -m32 -ffreestanding -idirafter "$headers"
		verdict "uapi for 32-bit programs: the same" $?
	else
		skip "uapi for 32-bit programs: gcc has no -m32"
	fi
	for cross in aarch64-linux-gnu arm-linux-gnueabihf; do
		if command -v $cross-gcc >/dev/null; then
			holes $cross-gcc -ffreestanding -idirafter "$headers"
			verdict "uapi for $cross: the same" $?
		else
			skip "uapi for $cross: no $cross-gcc"
		fi
	done
fi

echo "$passed passed, $failed failed"
[ $failed = 0 ]
