# SPDX-License-Identifier: GPL-3.0-or-later
#
# For the driver's tests in a bare guest whose board is on USB: over modules.sh.
. ./modules.sh
driver=/sys/bus/usb/drivers/etalon_usb

load_modules() {
	load_needs && insmod etalon.ko && insmod etalon_usb.ko
}

unload_modules() {
	rmmod etalon_usb etalon
}

# The interface with our class, by the name of its device; the bus may give another one each time.
find_interface() {
	for interface in /sys/bus/usb/devices/*:*; do
		[ "$(cat "$interface/bInterfaceSubClass" 2>/dev/null)" = 45 ] || continue
		interface=${interface##*/}
		board=/sys/bus/usb/devices/${interface%:*}
		return 0
	done
	return 1
}

unbind() {
	find_interface && echo "$interface" >$driver/unbind
}

bind() {
	find_interface && echo "$interface" >$driver/bind
}

reset_port() {
	find_interface && ./usb_reset "/dev/bus/usb/$(printf '%03d/%03d' "$(cat $board/busnum)" "$(cat $board/devnum)")"
}
