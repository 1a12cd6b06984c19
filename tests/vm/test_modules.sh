#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The driver as a kernel developer looks at it, for every kernel and architecture that is promised:
# no warning of W=1 or sparse, checkpatch --strict clean, one layout of the uapi; and as its user
# installs it, through DKMS.
. "$(dirname "$0")/level.sh"
. tests/vm/dkms.sh
require_testbed debug

says_its_version() { # module
	[ "$(in_toolchain "$1" sh -c 'modinfo -F version etalon.ko; modinfo -F version etalon_pci.ko; modinfo -F version etalon_usb.ko' | sort -u)" = "$(cat VERSION)" ]
}

dkms_installs() { # kernel
	local folder
	folder=$(dkms_modules "$1") && ls "$folder"/lib/modules/*/updates/dkms/etalon{,_pci,_usb}.ko*
}

checkpatch_is_silent() {
	in_toolchain "$PWD" tests/static/checkpatch.sh "$debug/build/scripts/checkpatch.pl"
}

one_layout() {
	in_toolchain "$PWD" tests/static/uapi_layout.sh gcc "gcc -m32" aarch64-linux-gnu-gcc arm-linux-gnueabihf-gcc
}

while read -r kernel _; do
	for architecture in amd64 arm64; do
		promise "W=1 and sparse for $kernel, $architecture" build_modules kmod "$kernel" $architecture
	done
done <<<"$kernels"
promise "modules say the project's version" says_its_version "$vm_build/kmod-6.12"
promise "DKMS adds, builds and installs it for 6.1" dkms_installs 6.1
promise "checkpatch --strict" checkpatch_is_silent
promise "the uapi for amd64, i386, arm64, armhf: no hole, the same layout" one_layout
finish
