#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Every allocation of the driver fails once, in each of its operations: those that it makes itself
# and those of the kernel's functions that it calls, slab memory and pages. Afterwards all works.
# Lost slab memory shows in the debug kernel's leak detector at the end; lost pages do not.
#
# A probe makes some hundred allocations, most of them in loops: of the kernel's over files in sysfs,
# of the driver's over the ring's pages. Of these that come from the same call stack one fails; all of
# them where a file "deep" came along. What the kernel's own threads allocate for a probe fails too.
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

# What may fail: all, or what has the driver among its callers.
let_fail() { # all|driver
	for kind in failslab fail_page_alloc; do
		case $1 in
		all) set_range $kind/require 0 0xffffffffffffffff ;;
		driver) set_range $kind/require "$(lowest_address)" 0xffffffffffffffff ;;
		esac || return
		echo 32 >/sys/kernel/debug/$kind/stacktrace-depth || return # the most that it looks at
	done
}

# Of all code of the driver, which is the only one in modules that allocates here.
lowest_address() {
	sort /sys/module/etalon*/sections/.*text* | head -n 1
}

# One of each call stack, of the task below the write to "bind" and of the kernel's threads anywhere;
# where KASAN and kmemleak keep call stacks of their own is nobody's.
let_fail_sites() { # task|threads
	is_loaded etalon_sites || insmod etalon_sites.ko || return
	set_parameter reject $(addresses_of stack_depot_save_flags) || return
	case $1 in
	task) set_parameter threads N && set_parameter within $(addresses_of bind_store) ;;
	threads) set_parameter threads Y && set_parameter within 0 0xffffffffffffffff ;;
	esac
}

set_parameter() { # name values...
	parameter=/sys/module/etalon_sites/parameters/$1
	shift
	echo "$*" | tr ' ' , >"$parameter"
}

load_with_small_ring() {
	load_needs && insmod etalon.ko ring_mib=1 && insmod etalon_pci.ko && within 5 has_node
}

unload() {
	rmmod etalon_pci etalon && lacks_node
}

allocations() { # operation each|sites
	check "allocations of $1 may fail: $2" ./failures "$@"
	sed 's/^/# /' /run/check.out
}

operations="open-control open-capture map start live arm release-control release-capture"

check "failures can be injected" prepare_injection
check "the modules load" load_with_small_ring
for which in driver all; do
	check "what may fail: $which" let_fail $which
	for operation in $operations; do
		allocations $operation each
	done
done
check "unbind" unbind
check "what may fail: sites below bind" let_fail_sites task
allocations probe sites
check "what may fail: sites of the kernel's threads" let_fail_sites threads
allocations probe-by-threads sites
check "what may fail: driver" let_fail driver
[ ! -e deep ] || allocations probe each
allocations remove each
check "bind" bind
check "a program runs" ./sweep --points 2000 --light
check "the modules unload" unload
finish
