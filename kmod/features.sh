#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Asks the kernel at hand which form of an interface it has, by compiling a line that needs it, and prints
# kernel_features.h, which only compat.h reads. Version numbers say little about a distribution's kernel.
#
# usage: features.sh COMPILER FLAGS...
set -u

compiles() { # source; the compiler is in "$@" of the caller
	source=$1
	shift
	printf '%s\n' "$source" |
		"$@" -Werror=implicit-function-declaration -Werror=incompatible-pointer-types \
			-DMODULE -DKBUILD_MODNAME='"probe"' -DKBUILD_BASENAME='"probe"' \
			-x c -c -o /dev/null - >/dev/null 2>&1
}

# A probe that fails says "the older form"; one that could not work at all must not.
if ! compiles '#include <linux/module.h>' "$@"; then
	echo "features.sh: the kernel's headers do not compile; is the package of the running kernel's headers complete?" >&2
	exit 1
fi

feature() { # macro source
	name=$1
	source=$2
	shift 2
	if compiles "$source" "$@"; then value=1; else value=0; fi
	echo "#define ETALON_HAVE_$name $value"
}

echo '/* Made by features.sh: what this kernel has. */'
feature HRTIMER_SETUP '
#include <linux/hrtimer.h>
static enum hrtimer_restart f(struct hrtimer *t) { return HRTIMER_NORESTART; }
void probe(struct hrtimer *t) { hrtimer_setup(t, f, CLOCK_MONOTONIC, HRTIMER_MODE_ABS); }' "$@"
feature VM_FLAGS_SET '
#include <linux/mm.h>
void probe(struct vm_area_struct *v) { vm_flags_set(v, VM_DONTDUMP); }' "$@"
feature GPIO_SET_INT '
#include <linux/gpio/driver.h>
static int f(struct gpio_chip *c, unsigned int n, int v) { return 0; }
void probe(struct gpio_chip *c) { c->set = f; }' "$@"
feature USB_SHUTDOWN '
#include <linux/usb.h>
static void f(struct usb_interface *i) { }
void probe(struct usb_driver *d) { d->shutdown = f; }' "$@"
feature USB_DRVWRAP '
#include <linux/usb.h>
struct device_driver *probe(struct usb_driver *d) { return &d->drvwrap.driver; }' "$@"
feature CLASS_CREATE_NAME '
#include <linux/device.h>
struct class *probe(void) { return class_create("probe"); }' "$@"
