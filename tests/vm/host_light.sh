# SPDX-License-Identifier: GPL-3.0-or-later
#
# More requests of the daemon's test to its host: light, answered from the emulated board's own log
# ($board_log), in which is what the board was told before the request; and a hand on its inputs.

last_of() { # events as an expression
	grep -E "\"event\":\"($1)\"" "$board_log" | tail -n 1
}

host_lit() {
	last_of 'port-above|port-below' | grep -q port-above
}

# No light at the port, the gate shut, and the laser itself off.
host_dark() {
	last_of 'port-above|port-below' | grep -q port-below &&
		last_of 'gate-commanded' | grep -q '"open":false' &&
		last_of 'state' | grep -q -E '"to":"(off|tripped)"'
}

host_line() { # number level
	"${BUILD:-build}/tests/vm/tell" "$BOARD_FAULTS" \
		"{\"fault\": \"aux-in\", \"line\": $1, \"level\": $2}"
}
