#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Runs test programs and counts what they did. Each argument is one program with its
# arguments in one word. A program passes when it exits 0 and says how many tests it ran,
# as Check does ("100%: Checks: 3, Failures: 0, Errors: 0") or in the plain form
# "3 passed, 0 failed". A line that starts with "SKIP" is a skip with its reason: it is
# shown and counted; one that starts with "COUNT" tells how much of something was done, and is
# shown. Logs go to $LOGS (default: build/test-logs).
#
# RUN_PREFIX  a command before each program (valgrind ...)
# RUN_LABEL   shown before each name
# RUN_TIMEOUT seconds for one program, default 600
# RUN_TALLY   file that collects "passed failed skipped" lines over several calls
set -u

logs=${LOGS:-${BUILD:-build}/test-logs}
label=${RUN_LABEL:-}
mkdir -p "$logs"
passed=0 failed=0 skipped=0

run_one() { # command words
	local name log status began took cpu counts ran bad skips TIMEFORMAT=%0U+%0S
	name=$(basename "${1%% *}")
	log="$logs/${label:+$label-}$name.log"
	began=$(date +%s)
	# A program has a process group of its own, and ends with whoever runs it all the same.
	# shellcheck disable=SC2086
	cpu=$({ time setpriv --pdeathsig TERM timeout -k 10 "${RUN_TIMEOUT:-600}" ${RUN_PREFIX:-} $1 >"$log" 2>&1 </dev/null; } 2>&1)
	status=$?
	took=$(($(date +%s) - began))
	counts=$(sed -n -E \
		-e 's/^[0-9]+%: Checks: ([0-9]+), Failures: ([0-9]+), Errors: ([0-9]+).*/\1 \2 \3/p' \
		-e 's/^([a-z-]+: )?([0-9]+) passed, ([0-9]+) failed.*/\2 \3 plain/p' "$log" |
		awk '$3 == "plain" { r += $1 + $2; b += $2; next } { r += $1; b += $2 + $3 } END { print r + 0, b + 0 }')
	read -r ran bad <<<"$counts"
	skips=$(grep -c '^SKIP' "$log")
	grep '^SKIP' "$log" | sed "s|^|  $name: |"
	sed -n "s|^ *COUNT |  $name: |p" "$log"
	skipped=$((skipped + skips))
	if [ $status = 0 ] && [ "$bad" = 0 ] && [ $((ran + skips)) -gt 0 ]; then
		printf 'ok      %-12s %-34s %4d tests %4d s, CPU %4d s\n' "$label" "$name" "$ran" "$took" $((cpu))
		passed=$((passed + ran))
		return
	fi
	[ "$bad" -gt 0 ] || bad=1
	failed=$((failed + bad))
	[ "$ran" -le "$bad" ] || passed=$((passed + ran - bad))
	printf 'FAILED  %-12s %-34s exit %d, %d s, CPU %d s, log %s\n' "$label" "$name" "$status" "$took" $((cpu)) "$log"
	[ $status != 124 ] || echo "  timed out after ${RUN_TIMEOUT:-600} s"
	[ $((ran + skips)) -gt 0 ] || echo "  ran no test"
	tail -n 40 "$log" | sed 's/^/  | /'
}

for command in "$@"; do
	run_one "$command"
done
[ -z "${RUN_TALLY:-}" ] || echo "$passed $failed $skipped" >>"$RUN_TALLY"
[ $failed = 0 ]
