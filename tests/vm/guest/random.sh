# SPDX-License-Identifier: GPL-3.0-or-later
#
# Numbers that $etalon_seed repeats, for tests that do things at random moments.
random_state=${etalon_seed:?}

draw() { # end: sets $drawn to one of 0..end-1
	random_state=$(((random_state * 1103515245 + 12345) % 2147483648))
	drawn=$((random_state / 65536 * $1 / 32768))
}

pause() { # at most so many milliseconds
	draw "$1"
	sleep "$(printf '%d.%03d' $((drawn / 1000)) $((drawn % 1000)))"
}
