# SPDX-License-Identifier: GPL-3.0-or-later
#
# For tests in the Debian guest: the product put in place as its packages would, its users, and
# what udev made of the board.
board=/sys/bus/pci/devices/0000:01:00.0

install_package() {
	cp -a package/. / && systemd-sysusers && systemd-hwdb update &&
		mkdir -p /etc/etalon && cp etalond.conf /etc/etalon/ &&
		udevadm control --reload && systemctl daemon-reload && systemctl reload dbus
}

add_users() { # alice may act, bob may look
	useradd --create-home --groups etalon alice && useradd --create-home bob
}


driver_is_bound() {
	[ "$(basename "$(readlink $board/driver)")" = etalon_pci ]
}

# Nodes of the board: it and its auxiliary lines.
nodes() {
	echo /dev/etalon0
	for chip in /sys/class/etalon/etalon0/gpiochip*; do
		[ ! -e "$chip/dev" ] || echo "/dev/${chip##*/}"
	done
}

both_nodes_are_the_daemons() {
	nodes >nodes
	stat -c '%n %U:%G %a' $(cat nodes) | tee modes
	[ "$(wc -l <nodes)" = 2 ] && [ "$(grep -c ' root:_etalond 660$' modes)" = 2 ]
}

is_found_by_serial() {
	[ "$(readlink -f /dev/etalon/by-serial/EMU-1)" = /dev/etalon0 ]
}

# The kernel's own default is "on": a board that came with "auto" shows that the rule acts.
power_is_left_on() {
	echo auto >$board/power/control && udevadm trigger --settle --action=add $board &&
		grep -x on $board/power/control
}

is_in_hwdb() {
	udevadm info $board | grep -x 'E: ID_VENDOR_FROM_DATABASE=Etalon'
}

gets_eacces() { # user
	nodes >nodes
	echo /dev/etalon/by-serial/EMU-1 >>nodes
	while read -r node; do
		for mode in '<' '>' '<>'; do
			! runuser -u "$1" -- sh -c "exec 3$mode$node" 2>refusal || return
			grep "Permission denied" refusal || return
		done
	done <nodes
	[ "$(wc -l <nodes)" = 3 ]
}

daemon_runs_as_its_user() {
	daemon=$(systemctl show -P MainPID etalond)
	stat -c %U "/proc/$daemon" | grep -x _etalond &&
		grep -E "^Groups:[[:space:]]+$(id -g _etalond)[[:space:]]*$" "/proc/$daemon/status"
}
