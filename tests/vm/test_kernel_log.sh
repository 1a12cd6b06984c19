#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The search for trouble in kernel logs finds each kind and is silent on a healthy boot.
set -u
cd "$(dirname "$0")/../.." || exit 1
passed=0 failed=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT

expect() { # trouble|clean line
	local found=clean
	printf '[    1.000000] before\n%s\n[    1.000002] after\n' "$2" >"$log"
	tests/vm/kernel-log.sh "$log" >/dev/null 2>&1 || found=trouble
	if [ $found = "$1" ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "not ok - $found, not $1: $2"
	fi
}

while IFS= read -r line; do
	[ -z "$line" ] || expect trouble "$line"
done <<'LINES'
[    2.1] BUG: kernel NULL pointer dereference, address: 0000000000000008
[    2.1] BUG: KASAN: slab-use-after-free in etalon_read+0x1e/0x40
[    2.1] BUG: sleeping function called from invalid context at mm/slab.h:300
[    2.1] BUG: scheduling while atomic: sh/77/0x00000002
[    2.1] BUG: KFENCE: out-of-bounds read in etalon_probe+0x10/0x20
[    2.1] BUG kmalloc-64 (Tainted: G    B      O      ): Poison overwritten
[    2.1] kernel BUG at mm/slub.c:500!
[    2.1] WARNING: CPU: 1 PID: 77 at lib/refcount.c:28 refcount_warn_saturate+0xba/0x110
[    2.1] WARNING: lib/debugobjects.c:515 at debug_print_object+0x7f/0xa0, CPU#1: rmmod/80
[    2.1] WARNING: possible circular locking dependency detected
[    2.1] WARNING: suspicious RCU usage
[    2.1] refcount_t: underflow; use-after-free.
[    2.1] UBSAN: array-index-out-of-bounds in etalon/ring.c:7:2
[    2.1] Oops: Oops: 0000 [#1] PREEMPT SMP
[    2.1] Kernel panic - not syncing: Fatal exception
[    2.1] general protection fault, probably for non-canonical address 0xdead000000000122
[    2.1] INFO: task rmmod:80 blocked for more than 30 seconds.
[    2.1] INFO: trying to register non-static key.
[    2.1] watchdog: BUG: soft lockup - CPU#0 stuck for 26s! [sh:77]
[    2.1] rcu: INFO: rcu_preempt self-detected stall on CPU
[    2.1] kmemleak: 2 new suspected memory leaks (see /sys/kernel/debug/kmemleak)
[    2.1] unreferenced object 0xffff888004a3c200 (size 64):
[    2.1] ODEBUG: free active (active state 0) object: 0000 object type: timer_list
[    2.1] irq 24: nobody cared (try booting with the "irqpoll" option)
[    2.1] list_del corruption, ffff888 is LIST_POISON1
[    2.1] DMA-API: pci 0000:01:00.0: device driver has pending DMA allocations while released from device [count=1]
[    2.1] DMA-API: debugging out of memory - disabling
[    2.1] kmemleak: Cannot allocate a kmemleak_object structure
[    2.1] kmemleak: Kernel memory leak detector disabled
[    2.1]     not ok 2 etalon_ring_wraps
LINES

while IFS= read -r line; do
	[ -z "$line" ] || expect clean "$line"
done <<'LINES'
[    0.1] Lock dependency validator: Copyright (c) 2006 Red Hat, Inc., Ingo Molnar
[    0.1] kasan: KernelAddressSanitizer initialized
[    0.1] kmemleak: Kernel memory leak detector initialized (mem pool available: 15632)
[    0.1] DMA-API: preallocated 65536 debug entries
[    0.1] DMA-API: debugging enabled by kernel config
[    0.1] rcu: 	RCU lockdep checking is enabled.
[    0.1] etalon: loading out-of-tree module taints kernel.
[    0.1] Warning: unable to open an initial console.
[    0.1] FAULT_INJECTION: forcing a failure.
[    0.1] x86/mm: Checked W+X mappings: passed, no W+X pages found.
[    0.1]     ok 2 etalon_ring_wraps
[    0.1] debug: unmapping init memory
LINES

report() { # frame lock
	cat <<-LINES
		[    2.1] WARNING: possible circular locking dependency detected
		[    2.1] irq/24-pciehp/27 is trying to acquire lock:
		[    2.1] ffff888004170b00 (&ctrl->reset_lock){.+.+}-{3:3}, at: pciehp_unconfigure_device+0x1d2/0x2c0
		[    2.1] but task is already holding lock:
		[    2.1] ffffffff824ac788 (pci_rescan_remove_lock){+.+.}-{3:3}, at: pci_lock_rescan_remove+0x16/0x20
		[    2.1] -> #1 ($2){+.+.}-{3:3}:
		[    2.1] -> #0 (&ctrl->reset_lock){.+.+}-{3:3}:
		[    2.1]        $1+0x22a/0x290
		[    2.1]  *** DEADLOCK ***
	LINES
}

closing='[    2.1]  </TASK>'
lock=pci_rescan_remove_lock
expect clean "$(report pciehp_ist $lock)
$closing"
expect trouble "$(report etalon_pci_remove $lock)
$closing"
expect trouble "$(report 'remove [etalon_pci]' $lock)
$closing"
expect trouble "$(report pciehp_ist '\&board->lock')
$closing"
expect trouble "$(report pciehp_ist $lock)"
expect trouble "$(report pciehp_ist $lock)
[    2.1] BUG: KASAN: slab-use-after-free in etalon_read+0x1e/0x40
$closing"
expect trouble "$(report pciehp_ist $lock)
$closing
[    2.1] WARNING: possible circular locking dependency detected"

echo "$passed passed, $failed failed"
[ $failed = 0 ]
