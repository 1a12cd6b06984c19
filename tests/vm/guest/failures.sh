#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Every allocation of the driver fails once, in each of its operations; afterwards all works. What
# was lost shows in the debug kernel's leak detector at the end. Where a file "deep" came along,
# what the kernel allocates far below the driver, and around it, fails, too.
. ./check.sh
. ./modules.sh

# Allocations that may sleep fail, too, and single pages; those of the leak detector are nobody's.
# Their number says enough: no stack.
prepare_injection() {
	for kind in failslab fail_page_alloc; do
		echo N >/sys/kernel/debug/$kind/ignore-gfp-wait || return
		echo 0 >/sys/kernel/debug/$kind/verbose || return
	done
	echo N >/sys/kernel/debug/fail_page_alloc/ignore-gfp-highmem || return
	echo 0 >/sys/kernel/debug/fail_page_alloc/min-order || return
	for cache in /sys/kernel/slab/*; do
		[ "${cache##*/}" = kmemleak_object ] || echo 1 >"$cache/failslab" || return
	done
	echo Y >/sys/kernel/debug/failslab/cache-filter
}

load_with_small_ring() {
	load_needs && insmod etalon.ko ring_mib=1 && insmod etalon_pci.ko
}

# Which allocations count: those that have the driver among their nearest callers, the allocator's
# own three or four included; of these those with a function among them, those without it, or all.
callers=7

limit_to() { # require|reject|all function-of-etalon.ko
	for kind in failslab fail_page_alloc; do
		settings=/sys/kernel/debug/$kind
		set_range $settings/reject 0 0 || return
		if [ -e deep ]; then
			set_range $settings/require 0 0xffffffffffffffff
		else
			echo $callers >$settings/stacktrace-depth && set_range $settings/require $(addresses)
		fi || return
		[ "$1" = all ] || set_range "$settings/$1" $(addresses_of "$2") || return
	done
}

set_range() { # settings' prefix, start, end
	[ $# = 3 ] && echo "$2" >"$1-start" && echo "$3" >"$1-end"
}

addresses_of() { # function
	sort /proc/kallsyms | awk -v name="$1" 'found { print "0x" $1; exit }
		$3 == name && $4 == "[etalon]" { printf "0x%s ", $1; found = 1 }'
}

# Of all code of the driver: above it lies none.
addresses() {
	grep -E ' [tT] .*\[etalon(_pci)?\]' /proc/kallsyms | sort |
		awk '{ print "0x" $1, "0xffffffffffffffff"; exit }'
}

each_site() { # operation, and those left out
	check "each allocation of $1 may fail" ./failures "$@"
	sed 's/^/# /' /run/check.out
}

# The pages of the ring are one site for a page: the first ones and the last are enough.
each_site_of_probe() {
	check "all but the ring's pages" limit_to reject etalon_memory_alloc
	each_site probe
	check "the ring's alone" limit_to require etalon_memory_alloc
	each_site probe 5 250
	check "all again" limit_to all
}

check "failures can be injected" prepare_injection
check "the modules load" load_with_small_ring
check "the board has its node" within 5 has_node
check "the driver's allocations are known" limit_to all
for operation in open-control open-capture map start live arm release-control release-capture; do
	each_site $operation
done
check "unbind" unbind
each_site_of_probe
each_site remove
check "bind" bind
check "a program runs" ./sweep --points 2000 --light
check "the modules unload" rmmod etalon_pci etalon
check "the node is gone" lacks_node
finish
