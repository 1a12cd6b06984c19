#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Every test, level by level; prints one closing line "N passed, N failed, N skipped" and exits
# with 1 when anything failed. `make check` has built build/ (plain) and build-asan/ before.
#
# usage: tests/check.sh [LEVEL...]   levels: static unit memory fuzz bus system vm
set -u
cd "$(dirname "$0")/.." || exit 1

plain=${BUILD:-build}
levels=("$@")
[ ${#levels[@]} -gt 0 ] || levels=(static unit memory fuzz bus system vm)
RUN_TALLY=$(mktemp)
export RUN_TALLY
finish() {
	[ -z "${testbed:-}" ] || kill -- "-$testbed" 2>/dev/null
	[ -z "${patient:-}" ] || kill -- "-$patient" 2>/dev/null
	rm -f "$RUN_TALLY"
}
trap finish EXIT
trap 'exit 130' INT TERM
export CK_VERBOSITY=normal LC_ALL=C.UTF-8
export ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1 UBSAN_OPTIONS=print_stacktrace=1

programs() { # build-folder level
	local f
	for f in tests/"$2"/test_*.c; do
		[ -e "$f" ] && echo "$1/${f%.c}"
	done
}

scripts() { # level
	local f
	for f in tests/"$1"/test_*.sh tests/"$1"/test_*.py; do
		[ -e "$f" ] && echo "$f"
	done
}

# Of the paths on stdin those whose test a file names, or, with -v, the others. Names are whole: one may begin
# like another.
listed() { # [-v] file
	local file=${*: -1}
	grep "${@:1:$#-1}" -E "/($(grep '^test_' "$file" | paste -sd '|'))(\.sh)?\$"
}

# Its own level has come: nothing else is left to run beside it.
hasten_testbed() {
	renice -n 0 -g "$testbed" >/dev/null 2>&1
	wait "$testbed" 2>/dev/null
}

# What only computes does so in what the levels from its own on leave idle.
start_patient() {
	local list
	mapfile -t list < <(programs "$plain" system | listed tests/system/patient)
	set -m
	RUN_TIMEOUT=${RUN_TIMEOUT:-2400} run_level system "nice -n 19" "${list[@]}" &
	patient=$!
	set +m
}

await_patient() {
	[ -z "${patient:-}" ] || wait "$patient"
	patient=''
}

run_level() { # label prefix command...
	local label=$1 prefix=$2
	shift 2
	[ $# -gt 0 ] || return 0
	echo "--- $label"
	printf '%s\n' "$@" | RUN_LABEL=$label RUN_PREFIX=$prefix xargs -d '\n' -n 1 -P "${RUN_JOBS:-1}" tests/run.sh
	case $? in
	0 | 123) ;; # each has told what failed
	*) echo "FAILED  $label ended early"; echo "0 1 0" >>"$RUN_TALLY" ;;
	esac
}

# What the guests need takes minutes to build from nothing: beside the levels in front of theirs,
# in what those leave idle. The level itself waits for it, or builds what this could not.
if [[ " ${levels[*]} " == *" vm "* && ${levels[0]} != vm ]]; then
	mkdir -p "$plain/test-logs"
	set -m
	nice -n 19 tests/vm/testbed.sh >"$plain/test-logs/vm-testbed.log" 2>&1 </dev/null &
	testbed=$!
	set +m
fi

for level in "${levels[@]}"; do
	case $level in
	static) mapfile -t list < <(scripts static); run_level static "" "${list[@]}" ;;
	unit) mapfile -t list < <(programs "$plain-asan" unit); RUN_JOBS=$(nproc) run_level unit-asan "" "${list[@]}" ;;
	memory)
		# Forked servers and the long statistics would take hours under valgrind: those say so.
		mapfile -t list < <(programs "$plain" unit | listed -v tests/memory-excluded)
		CK_FORK=no RUN_TIMEOUT=${RUN_TIMEOUT:-1500} RUN_JOBS=$(nproc) run_level valgrind \
			"valgrind -q --fair-sched=try --error-exitcode=9 --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite" \
			"${list[@]}" ;;
	fuzz) mapfile -t list < <(programs "$plain-asan" fuzz); RUN_JOBS=$(nproc) run_level fuzz-asan "" "${list[@]}" ;;
	# From here on most wait for a board's time, which passes beside another's.
	bus) mapfile -t list < <(programs "$plain-asan" bus; scripts bus); RUN_JOBS=$(nproc) run_level bus-asan "" "${list[@]}" ;;
	system)
		start_patient
		mapfile -t list < <(programs "$plain" system | listed -v tests/system/patient; scripts system)
		RUN_TIMEOUT=${RUN_TIMEOUT:-1500} RUN_JOBS=$(nproc) run_level system "" "${list[@]}" ;;
	vm)
		[ -z "${testbed:-}" ] || hasten_testbed
		# Guests wait for half of their time: they run side by side.
		mapfile -t list < <(scripts vm | listed -v tests/vm/alone)
		RUN_TIMEOUT=${RUN_TIMEOUT:-2400} RUN_JOBS=$(nproc) run_level vm "" "${list[@]}"
		await_patient
		mapfile -t list < <(scripts vm | listed tests/vm/alone)
		RUN_TIMEOUT=${RUN_TIMEOUT:-2400} run_level vm "" "${list[@]}" ;;
	*) echo "check: no level '$level'; levels: static unit memory fuzz bus system vm" >&2; exit 2 ;;
	esac
done
await_patient

awk '{ p += $1; f += $2; s += $3 } END { printf "%d passed, %d failed, %d skipped\n", p, f, s; exit f > 0 || p == 0 }' "$RUN_TALLY"
