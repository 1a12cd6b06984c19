#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# House rules that a machine can hold: every file names its licence, dependencies point one
# way, the licence texts are there, nothing in the tree speaks of one machine, XML and shell parse.
set -u
cd "$(dirname "$0")/../.." || exit 1
passed=0 failed=0

verdict() { # name, what is wrong ("" = nothing)
	if [ -z "$2" ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		printf 'FAILED: %s\n%s\n' "$1" "$2"
	fi
}

if git rev-parse --git-dir >/dev/null 2>&1; then
	mapfile -t files < <(git ls-files --cached --others --exclude-standard)
else
	mapfile -t files < <(find . -type f -not -path './build*' | sed 's|^\./||')
fi

wrong=$(for f in "${files[@]}"; do
	case $f in LICENSES/*|VERSION|tests/memory-excluded) continue ;; esac
	[ -e "$f" ] || continue
	head -n 4 "$f" | grep -q SPDX-License-Identifier || echo "  $f"
done)
verdict "every file has an SPDX line" "$wrong"

wrong=$(cat "${files[@]}" 2>/dev/null | grep -h 'SPDX-License-Identifier:' |
	grep -o -E '\b(GPL|LGPL|BSD|MIT|CC|Apache|Linux)[A-Za-z0-9.-]*[A-Za-z0-9]' | sort -u |
	while read -r id; do
		[ -e "LICENSES/$id.txt" ] || echo "  no LICENSES/$id.txt"
	done)
verdict "every licence named has its text" "$wrong"

# Folder: folders whose headers it may include. hw.h (the board contract) is open to all below bus.
declare -A may=(
	[base]="base"
	[data]="base data"
	[export]="base data export"
	[link]="base link uapi"
	[measure]="base data link calibrate measure"
	[calibrate]="base data link calibrate"
	[store]="base data link measure calibrate store"
	[analyse]="base data export analyse"
	[emulator]="base data export emulator"
	[etalond]="base data link measure calibrate store etalond"
	[bus]="base data link measure calibrate store etalond bus"
	[cli]="base data export cli"
)
wrong=$(for f in "${files[@]}"; do
	case $f in daemon/*/*.[ch]) ;; *) continue ;; esac
	folder=${f#daemon/}
	folder=${folder%%/*}
	allowed=" ${may[$folder]:-} "
	# The program's main wires the bus to the daemon; nothing else of etalond may know it.
	[ "$f" = daemon/etalond/main.c ] && allowed="$allowed bus "
	grep -n -o -E '^#include "[a-z0-9_]+/' "$f" | sed 's|#include "||; s|/$||' | while IFS=: read -r line to; do
		case $allowed in *" $to "*) ;; *) echo "  $f:$line: $folder must not know $to" ;; esac
	done
	case $folder in
	cli|export|data|analyse) grep -n '#include "hw.h"' "$f" | sed "s|^|  $f:|; s|\$| (the board contract ends at the store)|" ;;
	esac
	case $folder in
	etalond|bus|cli) ;;
	*) grep -n -E '#include <systemd/' "$f" | sed "s|^|  $f:|; s|\$| (nothing below the daemon knows the bus)|" ;;
	esac
done)
verdict "dependencies point one way" "$wrong"

wrong=$(for f in "${files[@]}"; do
	[ -e "$f" ] && grep -n -E '(^|[^a-z_.])/(work|farm|root|home/[a-z]+)/' "$f" | sed "s|^|  $f:|"
done | grep -v '^  tests/static/test_layers.sh')
verdict "no path of one machine" "$wrong"

wrong=$(for f in "${files[@]}"; do
	case $f in *.xml) python3 -c 'import sys, xml.dom.minidom as m; m.parse(sys.argv[1])' "$f" 2>&1 | tail -n 1 | sed "s|^|  $f: |" ;; esac
done)
verdict "XML is well-formed" "$wrong"

wrong=$(for f in "${files[@]}"; do
	case $f in *.sh|.ci/run) bash -n "$f" 2>&1 | sed 's|^|  |' ;; esac
done)
verdict "shell scripts parse" "$wrong"

wrong=$(grep -n -i -w -E 'TODO|FIXME|XXX' $(printf '%s\n' "${files[@]}" | grep -E '\.(c|h)$') 2>/dev/null | sed 's|^|  |')
verdict "no unfinished marks" "$wrong"

echo "$passed passed, $failed failed"
[ $failed = 0 ]
