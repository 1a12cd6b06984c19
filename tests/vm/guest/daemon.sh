#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The product as installed: udev, systemd and D-Bus bring etalond and the board together; what it
# measures is what the emulated link measures; users have their rights and no more; a board that
# is pulled, a daemon that dies and one that stalls are each told for what they are.
. ./check.sh
. ./installed.sh
. ./observe.sh

same() { # file of observe()
	cmp "expected/$1" "seen/$1" && return
	diff "expected/$1" "seen/$1"
	cmp -l "expected/$1" "seen/$1" | head -n 40
	return 1
}

sweep() { # more arguments of etalonctl
	etalonctl sweep wavelength 1549nm 1550nm --step 10pm --power 0dBm -d pd1 --no-plot "$@"
}

may_sweep() { # user
	runuser -u "$1" -- etalonctl sweep wavelength 1549nm 1550nm --step 10pm --power 0dBm -d pd1 --no-plot
}

may_observe() { # user
	runuser -u "$1" -- etalonctl list | grep EMU-1 &&
		runuser -u "$1" -- etalonctl show 1 | grep 'complete' &&
		runuser -u "$1" -- etalonctl off
}

may_not_act() { # user command...
	user=$1
	shift
	runuser -u "$user" -- etalonctl "$@" >refusal 2>&1
	status=$?
	cat refusal
	[ $status = 4 ] && grep "join the group etalon" refusal
}

# The daemon's period, of which nobody knows before the last kick when it ends; the client's is as
# long. Besides, for what runs in the guest: a turn of the daemon's loop, and the way there.
period_ms=1000 turn_ms=500 port_ms=2

# ---- losses: each in the middle of a sweep of ten seconds ----

begin_sweep() {
	etalonctl sweep wavelength 1540nm 1560nm --step 10pm --speed 2nm/s --power 0dBm -d pd1 \
		--no-plot >client.out 2>&1 &
	client=$!
	etalonctl wait state light --timeout 30s && host lit && sleep 1
}

# The run is kept with what was taken before, and says why it ended.
kept_partial() { # the client's exit code, why
	wait $client
	status=$?
	etalonctl show | tee shown
	echo "exit $status"
	cat client.out
	[ $status = "$1" ] && grep -E '^run .* partial' shown && grep -E "$2" shown &&
		grep -E '^ledger .*received [1-9]' shown
}

goes_and_comes() {
	host unplug && etalonctl wait state gone --timeout 10s && host plug &&
		etalonctl wait board --timeout 20s
}

# The board is asked for before it goes: the driver has its time.
pulled_in_a_sweep() {
	begin_sweep && host strike && host unplug && etalonctl wait state gone --timeout 10s &&
		host dark && host dark_within board-unplug $((period_ms + turn_ms)) $((period_ms + port_ms)) told
}

comes_back() {
	host plug && etalonctl wait board --timeout 20s
}

killed_in_a_sweep() {
	begin_sweep || return
	daemon=$(systemctl show -P MainPID etalond)
	host strike && kill -KILL "$daemon" || return
	while [ -e "/proc/$daemon" ]; do :; done
	host dark && host dark_within daemon-KILL $turn_ms $((period_ms + port_ms)) told
}

is_restarted() {
	etalonctl wait board --timeout 20s && [ "$(systemctl show -P MainPID etalond)" != "$daemon" ] &&
		[ "$(systemctl show -P NRestarts etalond)" = 1 ]
}

# ---- who keeps light on dies or hangs, in the middle of such a sweep ----

struck_in_a_sweep() { # client|daemon signal within-ms told|any
	begin_sweep || return
	struck=$client
	[ "$1" = client ] || struck=$(systemctl show -P MainPID etalond)
	host strike && kill "-$2" "$struck" &&
		host dark_within "$1-$2" "$3" $((period_ms + port_ms)) "$4"
	status=$?
	[ "$2" = KILL ] || kill -CONT "$struck"
	return $status
}

# The daemon's link in the daemon's place and as its user.
lines_go_through_the_link() {
	systemctl stop etalond || return
	setpriv --reuid=_etalond --regid=_etalond --init-groups \
		./lines /dev/etalon0 6 /tmp/ready /tmp/risen &
	client=$!
	within 10 test -e /tmp/ready && host line 6 1 && within 10 test -e /tmp/risen &&
		host line 6 0 && wait $client && systemctl start etalond &&
		etalonctl wait board --timeout 20s
}

# A ring of 1 MiB: 8192 of these records, 0.3 s. Dark work is not armed: no dead man ends it.
small_ring() {
	systemctl stop etalond && rmmod etalon_pci etalon && modprobe etalon ring_mib=1 &&
		modprobe etalon_pci && etalonctl wait board --timeout 20s
}

stalls() {
	daemon=$(systemctl show -P MainPID etalond)
	etalonctl zero pd1 --points 100000 --period 40us >client.out 2>&1 &
	client=$!
	etalonctl wait state off --timeout 5s && sleep 1.5 && kill -STOP "$daemon" && sleep 1.5 &&
		kill -CONT "$daemon"
}

tells_the_loss() {
	kept_partial 5 '^ledger .*dropped [1-9]' && etalonctl show --json | tee shown.json &&
		grep -E '"gap_count": [1-9]' shown.json
}

check "the package is put in place" install_package
check "udev understands the rules" udevadm verify /usr/lib/udev/rules.d/70-etalon.rules
check "there are users" add_users
check "etalond does not run before there is a board" sh -c '! systemctl is-active etalond'
check "modprobe etalon_pci" modprobe etalon_pci
check "it binds" driver_is_bound
check "udev has settled" udevadm settle
check "nodes are root:_etalond 0660" both_nodes_are_the_daemons
check "the board is found by its serial number" is_found_by_serial
check "its power is left on" power_is_left_on
check "its maker is known" is_in_hwdb
check "the board starts etalond" within 20 systemctl is-active etalond
check "which runs as its own user, with no other groups" daemon_runs_as_its_user
check "and finds the board" etalonctl wait board --timeout 20s
check "which is listed" sh -c 'etalonctl list | tee /dev/stderr | grep EMU-1'

check "a sweep over D-Bus" observe seen /var/lib/etalon/runs.db --system
check "raw counts are those of the emulated link, bit for bit" same raw
check "so are the results" same result
check "and the objects on the bus" same objects
check "their interfaces" same interfaces
check "the board as it tells of itself" same board
check "the run as it is kept" same run

check "a member of etalon may sweep" may_sweep alice
check "and gets EACCES on every node" gets_eacces alice
check "who is none may look, and turn light off" may_observe bob
check "but not sweep" may_not_act bob sweep wavelength 1549nm 1550nm --step 10pm --power 0dBm
check "nor set anything" may_not_act bob set h1 1V
check "and gets EACCES on every node" gets_eacces bob

check "the board goes and comes while etalond runs" goes_and_comes
check "a sweep after that" sweep
check "the board goes in a sweep, and the light with it" pulled_in_a_sweep
check "the run is kept, partial, and says why" kept_partial 5 'board is gone'
check "the board comes back" comes_back
check "a sweep after that" sweep
check "etalond is killed in a sweep: dark before its files are closed" killed_in_a_sweep
check "systemd starts it again" is_restarted
check "the run is kept, partial, and says why" kept_partial 6 'etalond ended'
check "a sweep after that" sweep
check "a client is killed in a sweep: dark at the daemon's next turn" \
	struck_in_a_sweep client KILL $turn_ms told
check "the run is kept, partial, and says why" kept_partial 137 'lease'
check "a client hangs in a sweep: dark when its period is over" \
	struck_in_a_sweep client STOP $((period_ms + turn_ms)) told
check "the run is kept, partial, and says why" kept_partial 5 'lease'
check "etalond hangs in a sweep: dark when its period is over" \
	struck_in_a_sweep daemon STOP $((period_ms + turn_ms)) any
check "the run is kept, partial, and says why" kept_partial 5 'watchdog'
check "the trip is cleared" etalonctl fault clear
check "a sweep after that" sweep
check "auxiliary lines, set and read, and their edges" lines_go_through_the_link
check "the driver is loaded again, with a small ring" small_ring
check "etalond stalls past the ring" stalls
check "the run tells what was lost" tells_the_loss
check "a sweep after that" sweep
check "the system is in order" sh -c '! systemctl --failed --no-legend --plain | grep .'
finish
