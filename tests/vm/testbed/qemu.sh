# SPDX-License-Identifier: GPL-3.0-or-later
#
# A QEMU that can take its PCIe device from a socket: the host's own, or the one of
# trixie-backports in a private root. It runs from there without chroot, with the root's own
# loader and libraries, so that paths mean the same inside and outside.

qemu_has_vfio_user() { # qemu command...
	"$@" -device help 2>/dev/null | grep -q '"vfio-user-pci"'
}

build_qemu() { # folder
	make_root "$1" trixie qemu-system-x86 \
		--aptopt='APT::Default-Release "trixie-backports"' -- trixie-backports || return
	set_private_qemu "$1"
	qemu_has_vfio_user "${qemu[@]}" || { echo "testbed: trixie-backports' QEMU has no vfio-user-pci" >&2; return 1; }
}

set_private_qemu() { # root
	local libraries=$1/usr/lib/x86_64-linux-gnu
	qemu=(env "QEMU_MODULE_DIR=$libraries/qemu"
		"$1/lib64/ld-linux-x86-64.so.2" --library-path "$libraries"
		"$1/usr/bin/qemu-system-x86_64" -L "$1/usr/share/qemu" -L "$1/usr/share/seabios")
}

# Sets the array $qemu.
find_qemu() {
	qemu=(qemu-system-x86_64)
	if command -v "${qemu[0]}" >/dev/null && qemu_has_vfio_user "${qemu[@]}"; then
		say "qemu: the host's own"
		return
	fi
	cached qemu "$(cache_key tests/vm/testbed/qemu.sh tests/vm/testbed/archive.sh)" build_qemu || return
	set_private_qemu "$piece"
}
