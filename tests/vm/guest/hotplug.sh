#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The board goes at random moments of running sweeps, with files open and mapped, and comes
# back: in the ways and as often as $etalon_ways says, for instance unbind:30,unplug:30.
. ./check.sh
. ./modules.sh
. ./random.sh

unbind_out() {
	unbind
}

unbind_in() {
	bind
}

unplug_out() {
	host unplug
}

unplug_in() {
	host plug
}

# Who touches nothing learns of a dead board only when its slot is emptied.
kill_out() {
	host kill_board || return
	[ -z "$quiet" ] || host unplug
}

kill_in() {
	[ -n "$quiet" ] || host unplug || return
	within 10 lacks_board && host start_board && host plug
}

lacks_board() {
	[ ! -e $board ]
}

has_made() { # file
	[ -e "$1" ] || ! kill -0 $client 2>/dev/null
}

# One in four does nothing but sweep. Files stay open for a while after the board has gone,
# until it is back or not.
work_until_gone() {
	draw 1000000
	seed=$drawn
	draw 4
	quiet=''
	[ $drawn -gt 0 ] || quiet=quiet
	draw 1500
	./until_gone $seed up told $drawn $quiet &
	client=$!
}

cycle() { # way
	rm -f up told
	work_until_gone
	within 60 has_made up && [ -e up ] || return
	pause 500
	"$1_out" || return
	within 60 has_made told && [ -e told ] || return
	"$1_in" && within 30 has_node && ./sweep --points 1000 && wait $client
}

# An error of the bus, told by the kernel's injector. The board forgets and stays: error_detected
# revokes control, slot_reset and resume bring it back. No fatal one: the kernel then resets the
# link, and QEMU's port does not say that it is up again.
inject() {
	draw 2
	case $drawn in
	0) status='\000\100\000\000' ;; # completion timeout
	1) status='\000\200\000\000' ;; # completer abort
	esac
	printf '\001\000\000\000'"$status"'%024d' 0 | tr 0 '\000' >/dev/aer_inject
}

recoveries() {
	dmesg | grep -c 'device recovery successful'
}

aer_cycle() {
	before=$(recoveries)
	rm -f up
	./lifetime reset up &
	client=$!
	within 60 has_made up && [ -e up ] || return
	pause 500
	inject && wait $client && [ "$(recoveries)" = $((before + 1)) ] && ./sweep --points 1000
}

repeat() { # count command...
	count=$1 done=0
	shift
	while [ $done -lt "$count" ]; do
		"$@" || break
		done=$((done + 1))
	done
	echo "COUNT $done of $count times $what, seed $etalon_seed" | tee counts
	[ $done = "$count" ]
}

go_and_come() { # way:count
	case $1 in
	unbind:*) what="unbind and bind" ;;
	unplug:*) what="device_del and device_add" ;;
	kill:*) what="emulator killed, device_del, device_add of a fresh one" ;;
	aer:*) what="an error of the bus and recovery" ;;
	esac
	case $1 in
	aer:*) check "${1#*:} times $what" repeat "${1#*:}" aer_cycle ;;
	*) check "${1#*:} times $what" repeat "${1#*:}" cycle "${1%:*}" ;;
	esac
	cat counts
}

check "the modules load" load_modules
check "the board has its node" within 30 has_node
for way in $(echo "$etalon_ways" | tr , ' '); do
	go_and_come "$way"
done
check "the modules unload" rmmod etalon_pci etalon
check "the node is gone" lacks_node
finish
