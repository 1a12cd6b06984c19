#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# cppcheck finds nothing that is not explained in cppcheck.suppressions or beside the line.
set -u
cd "$(dirname "$0")/../.." || exit 1
if ! command -v cppcheck >/dev/null; then
	echo "SKIP cppcheck is not installed"
	exit 0
fi
found=$(cppcheck -q -j2 --enable=warning,performance,portability --std=c11 --library=posix --inline-suppr \
	--suppressions-list=tests/static/cppcheck.suppressions --suppress=missingIncludeSystem \
	--include=tests/static/cppcheck.h -Idaemon -Ikmod daemon 2>&1)
if [ -n "$found" ]; then
	echo "$found"
	echo "0 passed, 1 failed"
	exit 1
fi
echo "1 passed, 0 failed"
