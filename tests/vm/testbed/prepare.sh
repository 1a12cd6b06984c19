# SPDX-License-Identifier: GPL-3.0-or-later
#
# Puts the pieces together: sets $qemu (array), $toolchain, $guest and $debug to what this host
# has or what the cache holds, building what is missing.

for part in archive cache qemu toolchain enter guest debug; do
	. "tests/vm/testbed/$part.sh"
done

# Prints why this host cannot have the test bed; silent when it can.
testbed_obstacle() {
	local tool
	[ "$(dpkg --print-architecture 2>/dev/null)" = amd64 ] || { echo "the guests' tools are for Debian on amd64"; return; }
	[ "$(id -u)" = 0 ] || { echo "making the roots of the guests needs root"; return; }
	for tool in mmdebstrap mke2fs gcc; do
		command -v $tool >/dev/null || { echo "no $tool; type: tests/setup.sh test"; return; }
	done
	[ -n "$(archive_uri)" ] || { echo "apt has no Debian archive configured; type: apt-get update"; return; }
	if ! testbed_is_cached && ! archive_is_reachable $toolchain_suite; then
		echo "the archive that apt is configured for does not answer, or lacks $toolchain_suite"
	fi
}

toolchain_key() {
	cache_key tests/vm/testbed/toolchain.sh tests/vm/testbed/archive.sh "$project_packages"
}

guest_key() {
	cache_key "$(toolchain_key)" tests/vm/testbed/guest.sh
}

testbed_is_cached() {
	[ -d "$cache_root/debug-$(debug_key)" ] && [ -d "$cache_root/guest-$(guest_key)" ]
}

prepare_testbed() { # kernel that will boot; only "debug" needs the debug kernel
	find_qemu || return
	cached toolchain "$(toolchain_key)" build_toolchain || return
	toolchain=$piece
	cached guest "$(guest_key)" build_guest || return
	guest=$piece
	[ "$1" != debug ] || prepare_debug
}
