#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The harness fails when it must: each guest here makes its one check and then goes wrong in a
# way that the check does not see.
. "$(dirname "$0")/level.sh"
require_testbed

how=$(mktemp -d)
trap 'rm -rf "$how"' EXIT

# The run fails, and for the reason that is expected.
is_caught() { # way reason boot.sh's arguments...
	local way=$1 reason=$2 output
	shift 2
	echo "$way" >"$how/how"
	if output=$(tests/vm/boot.sh --kernel 6.12 --with "$how/how" "$@" --log "$vm_build/harness-$way"); then
		echo "the run passed:"
	elif grep -q "fault: .*$reason" <<<"$output"; then
		return
	fi
	echo "$output"
	return 1
}

misbehave=(--test tests/vm/guest/misbehave.sh)
promise "a splat in the kernel's log fails" is_caught splat "trouble in the kernel's log" "${misbehave[@]}"
promise "a panic fails at once" is_caught panic "QEMU is gone" "${misbehave[@]}"
promise "a hang fails when time is up" is_caught hang "did not end within 25 s" "${misbehave[@]}" --timeout 25
promise "an end before the plan fails" is_caught stop "did not end with its plan" "${misbehave[@]}"
promise "an exit status alone fails" is_caught fail "ended with 3" "${misbehave[@]}"
promise "memory that is not shared fails" is_caught share-off "no check was made" --test tests/vm/guest/nothing.sh --share off
promise "and says why" grep -q "DMA does not reach the guest" "$vm_build/harness-share-off/test.log"
finish
