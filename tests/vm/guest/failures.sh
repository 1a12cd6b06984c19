#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Every allocation of the driver fails once, in each of its operations: those that it makes itself
# and those of the kernel's functions that it calls, slab memory and pages. Afterwards all works.
# Lost slab memory shows in the debug kernel's leak detector at the end; lost pages do not.
#
# A probe makes some hundred slab allocations far below the driver, most of them in sysfs, and
# those of the ring's pages: near ones fail, and the ring's first and last pages; all of them where
# a file "deep" came along.
. ./check.sh
. ./modules.sh

# Allocations that may sleep fail, too, and single pages; those of the debug kernel's own observers
# are nobody's, and they would observe no more. Their number says enough: no stack.
prepare_injection() {
	for kind in failslab fail_page_alloc; do
		echo N >/sys/kernel/debug/$kind/ignore-gfp-wait || return
		echo 0 >/sys/kernel/debug/$kind/verbose || return
	done
	echo N >/sys/kernel/debug/fail_page_alloc/ignore-gfp-highmem || return
	echo 0 >/sys/kernel/debug/fail_page_alloc/min-order || return
	for cache in /sys/kernel/slab/*; do
		case ${cache##*/} in
		kmemleak_object | kmemleak_scan_area | debug_objects_cache) ;;
		*) echo 1 >"$cache/failslab" || return ;;
		esac
	done
	echo Y >/sys/kernel/debug/failslab/cache-filter
	# A page that becomes a slab: without it the allocation from the slab fails, which has its turn.
	set_range fail_page_alloc/reject $(addresses_of ___slab_alloc) || return
	# The kernel goes on without a file of /proc/irq/N that it could not make, and warns when it
	# finds none to remove, whatever the driver does.
	set_range failslab/reject $(addresses_of register_irq_proc)
}

addresses_of() { # function of the kernel: of it and the next one
	awk -v name="$1" 'start { print start, "0x" $1; exit } $3 == name { start = "0x" $1 }' /proc/kallsyms
}

set_range() { # setting, start, end
	[ $# = 3 ] && echo "$2" >"/sys/kernel/debug/$1-start" && echo "$3" >"/sys/kernel/debug/$1-end"
}

# What counts of each kind: all, none, or what has the driver among its callers, or its nearest.
let_fail() { # slab: all|driver|near|none, pages: the same
	limit failslab "$1" && limit fail_page_alloc "$2"
}

limit() { # kind, which
	callers=32 # the most that it looks at
	case $2 in
	all) set_range "$1/require" 0 0xffffffffffffffff ;;
	driver | near) set_range "$1/require" "$(lowest_address)" 0xffffffffffffffff ;;
	none) callers=0 && set_range "$1/require" 1 2 ;;
	esac || return
	[ "$2" != near ] || callers=7 # the allocator's own three or four included
	echo $callers >"/sys/kernel/debug/$1/stacktrace-depth"
}

# Of all code of the driver, which is the only one in modules.
lowest_address() {
	sort /sys/module/etalon*/sections/.*text* | head -n 1
}

load_with_small_ring() {
	load_needs && insmod etalon.ko ring_mib=1 && insmod etalon_pci.ko && within 5 has_node
}

unload() {
	rmmod etalon_pci etalon && lacks_node
}

each_site() { # operation how...
	check "allocations of $1 may fail" ./failures "$@"
	sed 's/^/# /' /run/check.out
}

operations="open-control open-capture map start live arm release-control release-capture"

check "failures can be injected" prepare_injection
check "the modules load" load_with_small_ring
for which in driver all; do
	check "what counts: $which" let_fail $which $which
	for operation in $operations; do
		each_site $operation
	done
done
check "unbind" unbind
if [ -e deep ]; then
	check "what counts: slab memory of the driver" let_fail driver none
else
	check "what counts: slab memory near the driver" let_fail near none
fi
each_site probe
check "what counts: pages of the driver" let_fail none driver
if [ -e deep ]; then
	each_site probe
else
	each_site probe 5 250
fi
check "what counts: all of the driver" let_fail driver driver
each_site remove
check "bind" bind
check "a program runs" ./sweep --points 2000 --light
check "the modules unload" unload
finish
