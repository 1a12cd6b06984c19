#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What the set-up says to somebody who is not root: the exact lines to type, on Debian 12 with and
# without backports and on Debian 13, before and after the first `apt-get update`. Nothing is installed
# here: dpkg-query, apt and id are stand-ins.
set -u
cd "$(dirname "$0")/../.." || exit 1
passed=0 failed=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/bin" "$work/sources.list.d"

stand_in() { # program, reads its lines
	{ echo '#!/bin/sh'; cat; } >"$work/bin/$1"
	chmod +x "$work/bin/$1"
}

stand_in id <<<'echo 1000'
stand_in dpkg-query <<'E'
case "$*" in *"$INSTALLED"*) echo 'installed 999' ;; *) exit 1 ;; esac
E
stand_in apt-cache <<'E'
[ -n "$CANDIDATE" ] && printf '%s:\n  Installed: (none)\n  Candidate: %s\n' "$2" "$CANDIDATE"
E
stand_in apt-get <<'E'
for suite in $SUITES; do
	case $3 in
	*REPO_URI*) echo "http://archive/debian/ $suite" ;;
	*) echo "$suite" ;;
	esac
done
E

setup() { # codename candidate's-version suites [installed]
	echo "VERSION_CODENAME=$1" >"$work/os-release"
	OS_RELEASE=$work/os-release ETC_APT=$work CANDIDATE=$2 SUITES=$3 INSTALLED=${4-nothing} \
		PATH=$work/bin:$PATH tests/setup.sh build >"$work/said" 2>&1
}

check() { # what, 0: it is so
	if [ "$2" = 0 ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAILED: $1"
		sed 's/^/  | /' "$work/said"
	fi
}

says() { # what, fixed words; 1: not
	grep -qF -- "$2" "$work/said"
	check "$1" $(($? != ${3:-0}))
}

setup bookworm '' bookworm
check "missing packages end it" $(($? != 1))
says "Debian 12 without backports: how to have them" "echo 'deb http://archive/debian/ bookworm-backports main' >/etc/apt/sources.list.d/backports.list"
says "and what to take from there" "-t bookworm-backports libgpiod-dev"
says "and what not" "apt-get install --no-install-recommends gcc make"
echo 'deb [arch=amd64] http://mirror/debian bookworm main' >"$work/sources.list"
setup bookworm '' ''
says "also before the first update" "echo 'deb http://mirror/debian bookworm-backports main'"
printf 'Types: deb\nURIs: http://other/\nSuites: bookworm bookworm-backports\n' >"$work/sources.list.d/a.sources"
setup bookworm '' bookworm
says "Debian 12 with backports: what to take from there" "-t bookworm-backports libgpiod-dev"
says "Debian 12 with backports: nothing to add" backports.list 1
setup trixie '' trixie
says "Debian 13: no backports" backports 1
says "all at once" "libcairo2-dev libgpiod-dev libusbredirparser-dev dbus-daemon"
setup trixie 300 trixie
says "also after an update" backports 1
setup trixie '' trixie ''
check "nothing missing: nothing to do" $?
check "nor to say" "$(wc -c <"$work/said")"
echo "$passed passed, $failed failed"
[ $failed = 0 ]
