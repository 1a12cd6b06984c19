# SPDX-License-Identifier: GPL-3.0-or-later
#
# The guest: an unmodified Debian 13 with systemd, udev and D-Bus as one ext4 image, and for
# each kernel the archive of its first stage: busybox and the modules that find that image.
# Nothing of the project is inside: a test brings its own files, the first process included.

guest_packages=systemd,systemd-sysv,udev,dbus,kmod,libsystemd0,libsqlite3-0,libgsl28
guest_packages+=,libhdf5-310,libhdf5-hl-310,libyaml-0-2,libcyaml1,libjansson4,libcairo2,libgpiod3,libusbredirparser1t64
# What the first stage loads to find its root on a Debian kernel.
first_stage_modules="virtio_pci virtio_blk ext4"
guest_spare_mib=512

build_guest_root() { # folder
	make_root "$1" trixie "$guest_packages,busybox-static" -- || return
	rm -rf "$1"/usr/share/{doc,man,info,locale} "$1"/var/cache/apt/*
	mkdir -p "$1/usr/lib/modules"
	cp -al "$toolchain/usr/lib/modules/." "$1/usr/lib/modules/" || return
	rm -f "$1"/usr/lib/modules/*/build "$1"/usr/lib/modules/*/source
	: >"$1/etc/fstab"
}

# Copies modules of a kernel with all that they need, numbered in the order to load them in.
copy_modules() { # release folder modules...
	local release=$1 folder=$2 file number=10 needs
	shift 2
	needs=$(chroot "$toolchain" modprobe -a --show-depends -S "$release" "$@") || return
	while read -r _ file _; do
		xz -dc "$toolchain$file" >"$folder/$number-$(basename "$file" .xz | tr - _)" || return
		number=$((number + 1))
	done < <(awk '/^insmod/ && !seen[$2]++' <<<"$needs")
}

pack_first_stage() { # busybox folder-of-modules archive
	local stage
	stage=$(mktemp -d) || return
	cp "$1" "$stage/busybox" && cp -r "$2" "$stage/first-stage-modules" &&
		(cd "$stage" && find . | ./busybox cpio -o -H newc 2>/dev/null) >"$3"
	rm -rf "$stage"
}

build_first_stages() { # folder
	local series release modules
	for series in "$toolchain"/kernels/*; do
		[ -e "$series/vmlinuz" ] || continue
		release=$(cat "$series/release")
		modules=$(mktemp -d)
		copy_modules "$release" "$modules" $first_stage_modules &&
			pack_first_stage "$1/busybox" "$modules" "$1/first-stage-${series##*/}" || return
		rm -rf "$modules"
	done
}

build_guest() { # folder
	local mib tree=$1/tree
	mkdir "$1" || return
	build_guest_root "$tree" || return
	mib=$(($(du -sm "$tree" | cut -f 1) + guest_spare_mib))
	mke2fs -q -t ext4 -O ^has_journal -m 0 -d "$tree" "$1/root.ext4" "${mib}M" >/dev/null || return
	cp "$tree/usr/bin/busybox" "$1/busybox" || return
	rm -rf "$tree"
	build_first_stages "$1"
}
