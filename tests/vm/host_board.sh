# SPDX-License-Identifier: GPL-3.0-or-later
#
# More requests of a test in a guest to its host: what happens to the emulated board, and to the
# guest itself. For boot.sh --host. The board says in its environment where it is:
#   BOARD_FAULTS   its fault socket
#   BOARD_PIDFILE  its process
#   BOARD_COMMAND  what starts it again, in words
#   BOARD_LOG      what it logs

freeze_s=0.9 # longer than any watchdog of these tests

host_fault() { # name member:value...
	local name=$1 members
	shift
	members=$(printf ', "%s": %s' $(tr : ' ' <<<"$*"))
	"${BUILD:-build}/tests/vm/tell" "$BOARD_FAULTS" "{\"fault\": \"$name\"${1:+$members}}" >>"$log/faults.log"
}

host_freeze() {
	qmp stop && sleep $freeze_s && qmp cont
}

# QEMU 11.1 does not survive when the connection ends in the middle of an access (error_setv: Assertion
# `*errp == NULL'), and once did not although the guest stood still, it seems because of bytes that the
# board had not read: the guest stands still, and the board has had time to read, before it goes.
while_still() { # command...
	local status
	qmp stop && sleep 0.2 || return
	"$@"
	status=$?
	sleep 0.2 # the connection has ended, and QEMU has seen it
	qmp cont
	return $status
}

kill_emulator() {
	local pid
	pid=$(cat "$BOARD_PIDFILE") && kill -KILL "$pid" && rm "$BOARD_PIDFILE"
}

host_kill_board() {
	while_still kill_emulator
}

host_pull_cable() {
	while_still host_fault cable
}

# It must not outlive the guest.
host_start_board() {
	local i
	setpriv --pdeathsig KILL $BOARD_COMMAND >>"$log/emulator.log" 2>&1 &
	disown
	for ((i = 0; i < 100; i++)); do
		[ ! -s "$BOARD_PIDFILE" ] || return 0
		sleep 0.1
	done
	return 1
}

# Whether the board has been hostile, and itself again, so many times.
host_hostile_ends() { # count
	[ "$(grep -c '"hostile-end"' "$BOARD_LOG")" -ge "$1" ]
}
