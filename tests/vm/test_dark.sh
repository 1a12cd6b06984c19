#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Light goes off in order and in time, whatever ends it: each way many times, at random moments of a
# sweep, read from the emulator's log afterwards. ETALON_DEEP: ten times as many.
. "$(dirname "$0")/level.sh"
require_testbed

work=$PWD/$vm_build/dark
watchdog_ms=500 # of the trials that wait for it
times=${ETALON_DEEP:+10}
times=${times:-1}
# Short, because no test of light shall wait for it.
delay=(--set emission_delay_ms=20 --unsafe-fast-arming --log-kicks)

build_all() {
	build_guest_programs "$work" "dark=client.c holder.c marks.c" || return
	build_host_programs
}

boot_dark() { # kernel modules
	boots --kernel "$1" --test tests/vm/guest/dark.sh --pcie "$board_socket" --timeout $((600 * times)) \
		--append iomem=relaxed --host tests/vm/host_board.sh \
		--with tests/vm/guest/modules.sh --with tests/vm/guest/latency.sh --with "$2/etalon.ko" \
		--with "$2/etalon_pci.ko" --with "$2/needs" --with "$work/dark" --with "$work/trials" \
		--with "$work/events"
}

judge() { # folder kind=count...
	local folder=$1
	shift
	"${BUILD:-build}/tests/vm/light_log" "$folder/board.log" $watchdog_ms "$@" >"$folder/light.log"
}

# Whenever it is let at the host's memory, all that the board knows of it is what this driver has said: by the
# writes of its control block's address, 0x410.
masters_only_what_is_there() { # folder
	sed -n -E -e 's/.*"event":"bus-master","on":([a-z]+).*/\1/p' -e 's/.*"event":"(reset|power-on)".*/forgets/p' \
		-e 's/.*"event":"write","address":1040,"value":([0-9]+),.*/knows \1/p' "$1/board.log" |
		awk '/knows/ { knows = $2 != 0; fresh = 1 }
			/forgets/ { knows = 0 }
			/false/ { fresh = 0 }
			/true/ { masters++; if (knows && !fresh) stale++ }
			END { print masters + 0, "times bus master,", stale + 0, "of them with old addresses"; exit !(masters && !stale) }'
}

# Boots one guest for all of these ends of light, so many of which are the driver's own work, then
# reads what the light did.
darkness() { # kernel events emulator's-arguments... -- kind=count...
	local kernel=$1 events=$2 log=$work/$1 arguments=() asked=() judged=() pair
	shift 2
	take_words arguments "$@"
	shift "$taken"
	for pair in "$@"; do
		asked+=("${pair%=*}=$((${pair#*=} * times))")
		[ "${pair%=*}" != shutdown ] || asked[-1]=$pair # a guest is shut down once
		# What a board does that was killed nobody can tell.
		[ "${pair%=*}" = lost ] || judged+=("${asked[-1]}")
	done
	printf '%s\n' "${asked[@]/=/ }" >"$work/trials"
	echo $((events * times)) >"$work/events"
	modules=$(build_modules kmod "$kernel") && copy_needs "$modules" || { failed=$((failed + 1)); return; }
	with_board "$log" pcie "${delay[@]}" "${arguments[@]}" -- boot_dark "$kernel" "$modules"
	promise "$kernel: light was off in order and in time" judge "$log" "${judged[@]}"
	sed 's/^/  /' "$log/light.log"
	promise "$kernel: the board was let at no memory of an earlier driver" masters_only_what_is_there "$log"
}

promise "the guest's programs and the judge compile" build_all
darkness 6.12 224 -- close=50 kill=50 off=25 halt=25 stop=20 unbind=12 rmmod=12 suspend=20 reset=10 shutdown=1
# MSI, because QEMU cannot unplug a board with MSI-X.
darkness 7.2 71 --msi -- close=10 kill=10 unbind=8 rmmod=8 suspend=5 stop=10 freeze=10 interlock=5 \
	key=5 cable=5 lost=5 shutdown=1
finish
