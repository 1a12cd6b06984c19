# SPDX-License-Identifier: GPL-3.0-or-later
#
# The host's side of a running guest. The test in the guest prints lines; "host: REQUEST
# WORDS..." asks for host_REQUEST here and is answered by "done" or "refused". A test adds
# requests of its own with boot.sh --host FILE. QMP is spoken over a pair of pipes.

qmp_time_out_s=30
usb_reconnect_ms=200 # to an emulator that was gone

qmp_read() { # words to wait for in the event or answer
	local line
	while read -r -t $qmp_time_out_s -u "$from_qmp" line; do
		echo "$line" >>"$log/qmp.log"
		case $line in
		*'"error"'*) echo "qmp: $line" >&2; return 1 ;;
		*"$1"*) return 0 ;;
		esac
	done
	echo "qmp: no $1 within $qmp_time_out_s s" >&2
	return 1
}

qmp() { # command [arguments as JSON]
	printf '{"execute":"%s"%s}\n' "$1" "${2:+,\"arguments\":$2}" >&"$to_qmp"
	qmp_read '"return"'
}

# A guest lets a PCIe device go; a USB device is gone when the command returns, and the event may be in front of that.
host_unplug() {
	qmp device_del '{"id":"board0"}' || return
	[ -n "$usb" ] || qmp_read '"DEVICE_DELETED", "data": {"device": "board0"'
}

# Its connection goes with a USB device.
host_plug() {
	[ -z "$usb" ] || qmp chardev-add '{"id":"board","backend":{"type":"socket","data":{"server":false,
		"reconnect-ms":'$usb_reconnect_ms',"addr":{"type":"unix","data":{"path":"'$usb'"}}}}}' || return
	qmp device_add "$device"
}

# Writes into the guest's memory as an emulated board does: through the descriptor that QEMU shares.
host_canary() { # page words...
	local page=$1 memory
	shift
	for memory in "/proc/$qemu_pid/fd"/*; do
		case $(readlink "$memory") in
		/memfd:memory-backend-memfd*)
			printf '%s' "$*" | dd of="$memory" bs=4096 seek="$page" conv=notrunc status=none
			return ;;
		esac
	done
	echo "host: QEMU has no memory in a memfd" >&2
	return 1
}

answer() { # request words...
	local request=$1
	shift
	# The canary looks at its memory alone and reads no answer.
	if [ "$request" = canary ]; then
		host_canary "$@"
	elif declare -F "host_$request" >/dev/null && "host_$request" "$@"; then
		echo done >&"$to_guest"
	else
		echo "host: refused: $request $*" >&2
		echo refused >&"$to_guest"
	fi
}

# Follows the test until it ends, QEMU is gone or time is up; sets $guest_status.
converse() { # deadline in SECONDS
	local line='' piece
	guest_status=''
	while [ -z "$guest_status" ] && [ $SECONDS -lt "$1" ]; do
		if ! IFS= read -r -t 1 -u "$from_guest" piece; then
			line+=$piece
			kill -0 "$qemu_pid" 2>/dev/null || return 0
			continue
		fi
		line+=${piece%$'\r'}
		case $line in
		'host: '*) answer ${line#host: } ;;
		'guest: exit '*) guest_status=${line#guest: exit } ;;
		*) echo "$line" | tee -a "$log/test.log" | sed 's/^/  /' ;;
		esac
		line=''
	done
}
