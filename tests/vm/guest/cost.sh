#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What a record costs, for the bench on the host, which judges.
. ./check.sh
. ./modules.sh

cost() {
	./cost 3 >figures
}

check "the modules load" load_modules
check "the board has its node" within 5 has_node
check "records are read both ways" cost
cat figures
finish
