#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Every speed and memory claim against its limit: a ratio to something measured in the same run,
# or a fixed time where it is a hardware sweep that sets it. Exits with 1 when one is missed. usage: tests/bench/run.sh [NAME...]
set -u
cd "$(dirname "$0")/../.." || exit 1
missed=0
for source in tests/bench/bench_*.c tests/bench/bench_*.sh; do
	name=$(basename "${source%.*}")
	[ $# -eq 0 ] || [[ " $* " == *" $name "* ]] || continue
	echo "--- $name"
	case $source in
	*.sh) "$source" || missed=1 ;;
	*) "${BUILD:-build}/tests/bench/$name" || missed=1 ;;
	esac
done
exit $missed
