# SPDX-License-Identifier: GPL-3.0-or-later
#
# More requests of the daemon's test to its host: light, answered from the emulated board's own log
# ($board_log), in which is what the board was told before the request; and a hand on its inputs.

strike_line=7 # an input that no test listens to

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

# The moment from which a time runs, in the board's own log and by its own clock.
host_strike() {
	strike_level=$((1 - ${strike_level:-0}))
	host_line $strike_line $strike_level
}

# How light went off after the last strike: times in ms, and whether the driver said so.
end_of_light() {
	awk -v FS='[:,]' '
		function t_ms() { return $2 / 1e6 }
		/"event":"fault"/ { strike = t_ms(); dark = told = 0 }
		/"event":"kick"/ { kick = t_ms() }
		/"event":"command","address":512,"value":(7|9),/ { told = 1 }
		/"event":"port-below"/ && !dark { dark = t_ms(); kicked = kick }
		END { if (strike && dark) printf "%.1f %.1f %s\n", dark - strike, dark - kicked, told ? "told" : "alone" }
	' "$board_log"
}

# The port was dark so soon after the strike, and so soon after the last kick; told: by the driver.
host_dark_within() { # what after-strike-ms after-kick-ms told|any
	local i after_strike after_kick how
	for ((i = 0; i < 100; i++)); do
		! host_dark || break
		sleep 0.1
	done
	read -r after_strike after_kick how <<<"$(end_of_light)"
	echo "  $1: dark ${after_strike:-?} ms after it, at most $2; ${after_kick:-?} ms after the last kick, at most $3; ${how:-?}"
	[ -n "$how" ] && [ "${4/any/$how}" = "$how" ] &&
		awk "BEGIN { exit !($after_strike <= $2 && $after_kick <= $3) }"
}
