#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What the driver lets nobody do: go beyond limits, hand in what has no meaning, read what is not
# meant for him; and who may do nothing at all, with nodes as the rules of udev say.
. ./check.sh
. ./modules.sh

# Numbers of this test: nothing here knows names.
daemon=900 # user and group _etalond
stranger=1000
etalon=901 # the group of those whom the bus lets act

board_nodes() {
	echo /dev/etalon0
	for chip in $board/etalon/etalon0/gpiochip*; do
		[ -e "$chip/dev" ] && echo "/dev/${chip##*/}"
	done
}

# The rule's own words for a subsystem.
rule_of() { # SUBSYSTEM KEY
	sed -n "s/^SUBSYSTEM==\"$1\".*$2=\"\([^\"]*\)\".*/\1/p" 70-etalon.rules | head -n 1
}

apply_rules() {
	[ "$(rule_of etalon OWNER):$(rule_of etalon GROUP)" = root:_etalond ] &&
		[ "$(rule_of gpio OWNER):$(rule_of gpio GROUP)" = root:_etalond ] || return
	for node in $nodes; do
		case $node in
		/dev/gpio*) mode=$(rule_of gpio MODE) ;;
		*) mode=$(rule_of etalon MODE) ;;
		esac
		chown 0:$daemon "$node" && chmod "$mode" "$node" && ls -l "$node" || return
	done
}

check "the modules load" load_modules
check "the board has its node" within 5 has_node
check "answers are written whole, and nobody else's memory shows" ./zeroed # before any run
check "flags, reserved fields, tails and other sizes are refused" ./refused
check "nothing behind an argument, or what it points to, is touched" ./edges
check "limits can be narrowed alone, and hold" ./limits
nodes=$(board_nodes)
check "the board has lines, too" test "$(echo "$nodes" | wc -l)" = 2
check "nodes as the rules of udev say" apply_rules
check "a member of the group etalon opens none" ./denied $stranger $etalon $nodes
check "nobody opens one" ./denied 65534 65534 $nodes
ln -s denied granted
check "the daemon opens each" ./granted $daemon $daemon $nodes
check "the modules unload" rmmod etalon_pci etalon
finish
