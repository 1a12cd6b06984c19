#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The emulated board on a guest's USB bus, with no driver of ours: what it says it is, that its records
# come, and that it comes and goes. Its speed in Mbit/s is in the kernel's parameters.
. ./check.sh
. ./modules.sh

speed=$(sed -n 's/.*etalon_usb_speed=\([0-9]*\).*/\1/p' /proc/cmdline)

# The device with our ids, the only one of them.
find_board() {
	for device in /sys/bus/usb/devices/*; do
		grep -qs 1209 "$device/idVendor" || continue
		board=$device
		return 0
	done
	return 1
}

# Configured: an interface is there.
has_board() {
	find_board && [ -e "$board/$(basename "$board"):1.0/bInterfaceClass" ]
}

lacks_board() {
	! find_board
}

is() { # attribute value
	[ "$(cat "$board/$1")" = "$2" ] || { echo "$1: $(cat "$board/$1")"; return 1; }
}

has_identity() {
	is idVendor 1209 && is idProduct 0001 && is product "Etalon ERB-1" &&
		is manufacturer Etalon && is serial USB-1 && is bDeviceClass 00
}

has_interface() {
	interface=$(basename "$board"):1.0
	is "$interface/bInterfaceClass" ff && is "$interface/bInterfaceSubClass" 45 &&
		is "$interface/bInterfaceProtocol" 01 && is "$interface/bNumEndpoints" 03
}

# address type bytes-of-a-packet
has_endpoint() {
	is "$interface/ep_$1/type" "$2" && is "$interface/ep_$1/wMaxPacketSize" "$3"
}

has_endpoints() {
	packet=0200
	[ "$speed" != 5000 ] || packet=0400
	has_endpoint 81 Bulk $packet && has_endpoint 02 Bulk $packet && has_endpoint 83 Interrupt 0040 &&
		is "$interface/ep_83/interval" 1ms
}

# With transfers in flight, and the same as behind the emulated link.
gives_records() {
	node=$(printf /dev/bus/usb/%03d/%03d "$(cat "$board/busnum")" "$(cat "$board/devnum")")
	./usb_bare "$node" "$(cat points)" here && cmp here dark.records
}

# As a kernel's driver does it: a reset, and the configuration again.
bounces() {
	echo 0 >"$board/bConfigurationValue" && echo 1 >"$board/bConfigurationValue" && has_board
}

check "the drivers of the USB bus load" load_needs
check "the board is on the bus" within 30 has_board
check "it has our ids and strings" has_identity
check "it runs at $speed Mbit/s" is speed "$speed"
check "its interface is the one of the contract" has_interface
check "its endpoints are those of the contract" has_endpoints
check "its records come, those of the emulated link" gives_records
check "it loses its configuration and gets it again" bounces
check "the cable is pulled" host fault cable
check "it comes back by itself" within 30 has_board
check "its records come again" gives_records
check "the host takes it away" host unplug
check "it leaves the bus" within 10 lacks_board
check "the host puts it back" host plug
check "it comes back to the bus" within 30 has_board
finish
