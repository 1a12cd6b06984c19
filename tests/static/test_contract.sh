#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The board contract stands alone: it compiles as kernel code (W=1, sparse), as C and C++ in
# user space on 64 and 32 bits, and no structure in it has a hole that is not named.
. "$(dirname "$0")/level.sh"

cat >"$work/use.c" <<'C'
#include "hw.h"
struct etalon_hw_program program;
struct etalon_hw_description description;
struct etalon_hw_source source;
struct etalon_hw_detector detector;
struct etalon_hw_range range;
struct etalon_hw_calibration_point calibration;
struct etalon_hw_record_start start;
struct etalon_hw_record_status status;
struct etalon_hw_record_gap gap;
struct etalon_hw_record_end end;
struct etalon_hw_control control;
struct etalon_hw_usb_identity identity;
struct etalon_hw_usb_event event;
struct etalon_hw_stream stream;
struct etalon_hw_upload upload;
C

for bits in 64 32; do
	if echo 'int x;' | gcc -m$bits -fsyntax-only -x c - 2>/dev/null; then
		gcc -m$bits -std=gnu11 -ffreestanding -Wall -Wextra -Wpadded -Werror -Ikmod \
			-idirafter "/usr/include/$(gcc -print-multiarch)" -c -o "$work/use.o" "$work/use.c"
		verdict "no implicit padding with $bits-bit user space" $?
	else
		skip "$bits-bit user space: gcc does not compile with -m$bits"
	fi
done
if command -v g++ >/dev/null; then
	g++ -D_Static_assert=static_assert -Wall -Werror -Wno-pedantic -Ikmod -c -x c++ -o "$work/use.o" "$work/use.c"
	verdict "C++ user space" $?
else
	skip "C++ user space: g++ is not installed"
fi

kernel=$(ls -d /lib/modules/*/build 2>/dev/null | sort -V | tail -n 1)
if [ -n "$kernel" ] && [ -e "$kernel/Makefile" ]; then
	mkdir "$work/module"
	cp kmod/hw.h "$work/module/"
	{
		cat "$work/use.c"
		echo '#include <linux/module.h>'
		echo 'MODULE_LICENSE("GPL");'
	} | sed 's/^struct etalon_hw_\([a-z_]*\) /static struct etalon_hw_\1 __maybe_unused /; 1i #include <linux/kernel.h>' \
		>"$work/module/use.c"
	echo 'obj-m := use.o' >"$work/module/Kbuild"
	make -s -C "$kernel" M="$work/module" W=1 KCFLAGS=-Werror modules >"$work/log" 2>&1 ||
		! cat "$work/log"
	verdict "kernel code with W=1 ($(basename "$(dirname "$kernel")"))" $?
	if command -v sparse >/dev/null; then
		make -s -C "$kernel" M="$work/module" C=2 CHECK=sparse modules >"$work/log" 2>&1
		! grep -E 'hw\.h.*(warning|error)' "$work/log"
		verdict "sparse" $?
	else
		skip "sparse is not installed"
	fi
else
	skip "kernel code: no kernel headers below /lib/modules"
fi

finish
