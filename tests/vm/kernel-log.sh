#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Looks for trouble in a kernel's log: a splat of any kind fails, whoever caused it. Prints
# what it found and ends with 1.
#
# usage: tests/vm/kernel-log.sh FILE
set -u

trouble='\bBUG\b|WARNING|KASAN:|KFENCE:|UBSAN:|KCSAN:|ODEBUG:|Oops|Kernel panic'
trouble+='|general protection fault|divide error|[Uu]nable to handle|stack segment|double fault'
trouble+='|possible (circular|recursive|irq lock)|inconsistent lock state|suspicious RCU'
trouble+='|INFO: (trying to register|lockdep is turned off)|bad unlock balance|held lock freed'
trouble+='|sleeping function called|scheduling while atomic|blocked for more than|hard LOCKUP'
trouble+='|detected stalls|self-detected stall|nobody cared|refcount_t:|list_(add|del) corruption'
trouble+='|kmemleak: [0-9]+ new|unreferenced object|page dumped because|Object .* overwritten'
trouble+='|DMA-API: [^ ]+ [^ ]+: '
# A checker that gave up checks nothing more.
trouble+='|DMA-API: debugging out of memory|kmemleak: .*(Cannot allocate|detector disabled)'
# A KUnit suite reports in the kernel's log.
trouble+='|^(\[[^]]*\])? *not ok [0-9]'

found=$(tr -d '\r' <"$1" | grep -a -n -E -A 30 "$trouble") || exit 0
echo "trouble in the kernel's log $1:"
head -n 80 <<<"$found"
exit 1
