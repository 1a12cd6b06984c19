#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# A board on USB that repeats and skips records, holds them back, answers nothing for ten seconds;
# and one that goes at random moments of running sweeps, in the ways and as often as $etalon_ways says,
# for instance cable:30,kill:30. Nothing is restarted, and the next sweep works.
. ./check.sh
. ./usb.sh
. ./random.sh

told() { # fault members... -- command...
	faults=
	while [ "$1" != -- ]; do
		faults="$faults $1"
		shift
	done
	shift
	# shellcheck disable=SC2086
	host fault $faults && "$@"
}

is_logged() { # words
	dmesg | grep -F "$1"
}

holds_back() {
	rm -f up
	./lossy 200000 0 up &
	client=$!
	within 30 test -e up && host fault stall-records && sleep 5 && host fault resume-records || return
	wait $client && is_logged "the pipe was cleared"
}

# In the middle of a program: it ends by itself, and every number that is missing is told.
through() { # fault members...
	rm -f up
	./lossy 60000 any up &
	client=$!
	within 30 test -e up && sleep 0.5 && host fault "$@" && wait $client
}

upload_stalls() {
	host fault usb-stall 'endpoint:"upload"' && ! ./sweep --points 1000 && ./sweep --points 1000
}

# KICK fails, the holder ends, OFF is not heard: the board is dark by its own watchdog and by a reset of its port.
answers_nothing() {
	./sweep --points 400000 --armed >hung 2>&1 &
	client=$!
	sleep 4
	if ! kill -0 $client || ! host fault hang for_ms:10000 || wait $client; then
		cat hung
		return 1
	fi
	cat hung
	sleep 10
	within 60 has_node && within 30 ./sweep --points 2000 && ./sweep --points 2000 --light
}

cable_out() {
	host fault cable
}

cable_in() {
	:
}

kill_out() {
	host kill_board
}

kill_in() {
	host start_board
}

unplug_out() {
	host unplug
}

unplug_in() {
	host plug
}

unbind_out() {
	unbind
}

unbind_in() {
	bind
}

has_made() { # file
	[ -e "$1" ] || ! kill -0 $client 2>/dev/null
}

# One in four does nothing but sweep. Files stay open for a while after the board has gone, until it is back or not.
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
	"$1_in" && within 60 has_node && ./sweep --points 1000 && wait $client
}

repeat() { # count way
	done=0
	while [ $done -lt "$1" ]; do
		cycle "$2" || break
		done=$((done + 1))
	done
	echo "COUNT $done of $1 times $2, seed $etalon_seed" | tee counts
	[ $done = "$1" ]
}

check "the modules load" load_modules
check "the board has its node" within 30 has_node
check "a rate that the board can and the bus cannot is refused" ./too_fast
check "a record that comes twice counts once" told duplicate-record at_point:500 -- ./lossy 2000 0
check "a number that is skipped is told by a GAP" told skip-sequence at_point:700 -- ./lossy 2000 1
check "a record that is lost is told by a GAP" told drop-record at_point:900 -- ./lossy 2000 1
check "records that are held back for 5 s come, and nothing is lost" holds_back
check "records stall" through usb-stall 'endpoint:"records"'
check "records end with a short packet" through usb-short
check "records babble" through usb-babble
check "an upload stalls" upload_stalls
check "a board that answers nothing for 10 s works again" answers_nothing
for way in $(echo "$etalon_ways" | tr , ' '); do
	check "${way#*:} times ${way%:*}" repeat "${way#*:}" "${way%:*}"
	cat counts
done
check "the modules unload" unload_modules
check "the node is gone" lacks_node
finish
