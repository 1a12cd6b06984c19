# SPDX-License-Identifier: GPL-3.0-or-later
#
# What the test scripts of this level share: the test bed, modules for a kernel, the
# project's programs for the guest, and one tally. Leaves the shell at the top of the checkout.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
. tests/vm/testbed/prepare.sh

passed=0 failed=0

# A machine that cannot have the test bed skips; one that can and fails to build it does not.
require_testbed() { # "debug" when its kernel is needed
	local obstacle
	obstacle=$(testbed_obstacle)
	if [ -n "$obstacle" ]; then
		echo "SKIP no virtual machines here: $obstacle"
		exit 0
	fi
	prepare_testbed "${1:-}" || { echo "0 passed, 1 failed"; exit 1; }
}

promise() { # what command...
	local what=$1 output
	shift
	if output=$("$@" 2>&1); then
		passed=$((passed + 1))
		echo "ok - $what"
	else
		failed=$((failed + 1))
		echo "not ok - $what"
		sed 's/^/  | /' <<<"$output"
	fi
}

# Of two counts the one that is asked for: ETALON_DEEP is set, or not.
deep_or() { # deep shallow
	if [ -n "${ETALON_DEEP:-}" ]; then echo "$1"; else echo "$2"; fi
}

# boot.sh closes with its own count, which the runner of the tests adds up like this one.
boots() { # boot.sh's arguments...
	tests/vm/boot.sh "$@" || guests_failed=yes
}

# The emulator, what compares and what tells it of faults: here, not in the guest.
build_host_programs() {
	one_at_a_time make --no-print-directory -j2 all vm-tools
}

# Programs of guest/ that know the driver's contract, for any guest; of $guest_cc, if that is set.
build_guest_programs() { # folder name="further sources"...
	local folder=$1 name sources
	shift
	mkdir -p "$folder"
	for name in "$@"; do
		sources=(${name#*=})
		name=${name%%=*}
		"${guest_cc:-gcc}" -O2 -Wall -Wextra -Werror -static -pthread -D_GNU_SOURCE \
			-D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64 -Ikmod -o "$folder/$name" \
			"tests/vm/guest/$name.c" "${sources[@]/#/tests/vm/guest/}" || return
	done
}

# Adds the words in front of "--" to an array; $taken is how many to shift, "--" among them.
take_words() { # array words... -- whatever
	local -n taken_into=$1
	local word
	taken=0
	shift
	for word in "$@"; do
		taken=$((taken + 1))
		[ "$word" != -- ] || return 0
		taken_into+=("$word")
	done
	echo "take_words: no -- behind: $*" >&2
	exit 2
}

# An emulated board that lives as long as the command, which finds it at $board_socket; what the
# requests of host_board.sh need is in the environment.
with_board() { # folder-for-logs pcie|socket emulator's arguments... -- command...
	local log=$1 arguments=("--$2") emulator status i
	board_socket=$(mktemp -u)
	export BOARD_FAULTS=$board_socket.faults BOARD_PIDFILE=$log/board.pid BOARD_LOG=$log/board.log BOARD_COMMAND
	arguments+=("$board_socket" --log "$BOARD_LOG")
	arguments+=(--fault-socket "$BOARD_FAULTS" --pidfile "$BOARD_PIDFILE")
	shift 2
	take_words arguments "$@"
	shift "$taken"
	mkdir -p "$log"
	rm -f "$BOARD_LOG"
	BOARD_COMMAND="${BUILD:-build}/etalon-emulator ${arguments[*]}"
	$BOARD_COMMAND >"$log/emulator.log" 2>&1 &
	emulator=$!
	for ((i = 0; i < 100; i++)); do
		[ ! -S "$board_socket" ] || break
		sleep 0.1
	done
	"$@"
	status=$?
	kill $emulator 2>/dev/null
	wait $emulator 2>/dev/null
	rm -f "$board_socket" "$BOARD_FAULTS"
	return $status
}

finish() {
	echo "$passed passed, $failed failed"
	[ $failed = 0 ] && [ -z "${guests_failed:-}" ]
	exit
}
