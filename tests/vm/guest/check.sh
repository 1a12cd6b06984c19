# SPDX-License-Identifier: GPL-3.0-or-later
#
# For the test scripts that run inside a guest, on dash or busybox: one line of TAP for each
# promise, and the plan at the end, so that a test that broke off is seen.

checks=0
broken=0

check() { # promise command...
	promise=$1
	shift
	checks=$((checks + 1))
	if "$@" >/run/check.out 2>&1; then
		echo "ok $checks - $promise"
	else
		broken=$((broken + 1))
		echo "not ok $checks - $promise"
		sed 's/^/# /' /run/check.out
	fi
}

finish() {
	echo "1..$checks"
	exit $((broken > 0))
}

# Waits until a command succeeds.
within() { # seconds command...
	tries=$(($1 * 10))
	shift
	until "$@"; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || return 1
		sleep 0.1
	done
}

# Asks the host for something and waits until it is done: see tests/vm/host.sh.
host() { # request words...
	echo "host: $*" >/dev/ttyS1
	read -r answer </dev/ttyS1
	[ "$answer" = done ]
}
