# SPDX-License-Identifier: GPL-3.0-or-later
#
# For the driver's tests in a bare guest: its modules, and what of the kernel's they need.
board=/sys/bus/pci/devices/0000:01:00.0

is_loaded() {
	grep -q "^$1 " /proc/modules
}

# Of the kernel, numbered in the order to load them in; its first stage may have some.
load_needs() {
	for module in needs/*.ko; do
		[ -e "$module" ] || continue
		name=${module##*/}
		name=${name#*-}
		is_loaded "${name%.ko}" || insmod "$module" || return
	done
}

load_modules() {
	load_needs && insmod etalon.ko && insmod etalon_pci.ko
}

has_node() {
	[ -c /dev/etalon0 ]
}

lacks_node() {
	! has_node
}

unbind() {
	echo "${board##*/}" >/sys/bus/pci/drivers/etalon_pci/unbind
}

bind() {
	echo "${board##*/}" >/sys/bus/pci/drivers/etalon_pci/bind
}
