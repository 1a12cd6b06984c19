# SPDX-License-Identifier: GPL-3.0-or-later
#
# More requests of a test in a guest to its host: what happens to the emulated board, and to the
# guest itself. For boot.sh --host. The board says in its environment where it is:
#   BOARD_FAULTS   its fault socket
#   BOARD_PIDFILE  its process
#   BOARD_COMMAND  what starts it again, in words

freeze_s=0.9 # longer than any watchdog of these tests

host_fault() { # name
	"${BUILD:-build}/tests/vm/tell" "$BOARD_FAULTS" "{\"fault\": \"$1\"}" >>"$log/faults.log"
}

host_freeze() {
	qmp stop && sleep $freeze_s && qmp cont
}

host_kill_board() {
	kill -KILL "$(cat "$BOARD_PIDFILE")" && rm "$BOARD_PIDFILE"
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
