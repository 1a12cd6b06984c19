# SPDX-License-Identifier: GPL-3.0-or-later
#
# What the test scripts of this level share: a folder for their work, and one tally. Leaves the shell at the
# top of the checkout.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
passed=0 failed=0 skipped=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

verdict() { # name, exit status of what was tried
	if [ "$2" = 0 ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAILED: $1"
	fi
}

skip() { # what, and why
	echo "SKIP $1"
	skipped=$((skipped + 1))
}

finish() {
	echo "$passed passed, $failed failed, $skipped skipped"
	[ $failed = 0 ]
	exit
}
