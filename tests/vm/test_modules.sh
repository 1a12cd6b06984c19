#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Modules compile without a warning against the headers of every kernel that is promised.
. "$(dirname "$0")/level.sh"
require_testbed

while read -r kernel _; do
	promise "a module compiles for $kernel" build_modules tests/vm/guest/trivial "$kernel"
done <<<"$kernels"
finish
