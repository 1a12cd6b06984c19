#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The driver's files against the kernel's own rules of style; prints what was found and ends with 1
# when that is anything.
#
# usage: tests/static/checkpatch.sh CHECKPATCH.pl
set -u
checkpatch=$(realpath "${1:?checkpatch.pl of a kernel}") || exit 2
cd "$(dirname "$0")/../.." || exit 1
work=$(mktemp -d) # it keeps what it learns in the folder it runs in
trap 'rm -rf "$work"' EXIT

# What user space compiles, too, has neither BIT() nor another name for _Static_assert. The board contract is a table of
# registers whose comments stand beside them.
options_of() { # file
	case $1 in
	kmod/uapi/*) echo "--ignore BIT_MACRO,CAMELCASE" ;;
	kmod/hw.h) echo "--ignore BIT_MACRO,CAMELCASE,LONG_LINE_COMMENT,BLOCK_COMMENT_STYLE" ;;
	kmod/usb*.[ch]) echo "--ignore CAMELCASE" ;; # fields of descriptors, named by the bus
	esac
}

# Trace points are written in a form of their own; some files are made by the kernel's make.
files=0 bad=0
for file in kmod/*.[ch] kmod/uapi/*.h; do
	case $file in kmod/trace.h | kmod/*.mod.c | kmod/kernel_features.h) continue ;; esac
	files=$((files + 1))
	# shellcheck disable=SC2046
	(cd "$work" && perl "$checkpatch" --no-tree --strict --terse --no-summary $(options_of "$file") \
		--file "$OLDPWD/$file" 2>errors) && continue
	cat "$work/errors"
	bad=$((bad + 1))
done
[ $files -gt 0 ] && [ $bad = 0 ]
