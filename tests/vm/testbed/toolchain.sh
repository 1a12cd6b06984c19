# SPDX-License-Identifier: GPL-3.0-or-later
#
# The toolchain root: a Debian 13 that compiles what runs in the guests. It has the compiler
# and libraries of the guest, the headers of every kernel, the kernels themselves with their
# modules (unpacked, not installed: nothing boots here) and the source of the debug kernel.

# Series and whether guests boot it; the newest release of each in the suites below.
kernels="6.1 build
6.12 boot
7.2 boot"
# What the project itself needs; without it the root would be built, and be of no use.
project_packages=$(tests/setup.sh build --names) || exit 1
toolchain_suite=trixie
toolchain_more_suites=(trixie-backports bookworm)

newest_release() { # root series
	chroot "$1" apt-cache search --names-only "^linux-headers-${2/./\\.}\.[0-9.]+[0-9a-z+-]*-amd64\$" |
		sed -E -e 's/^linux-headers-([^ ]+).*/\1/' -e '/-(cloud|rt)-amd64$/d' | sort -V | tail -n 1
}

# Up to 6.12 the image package has all, later ones part it.
unpack_kernel() { # root release folder
	local names
	mapfile -t names < <(chroot "$1" apt-cache search --names-only \
		"^linux-(image|base|binary|modules)-${2//[.+]/\\&}\$" | cut -d ' ' -f 1)
	mkdir "$1/packages" || return
	chroot "$1" sh -euc 'cd /packages; apt-get -qq -o APT::Sandbox::User=root download "$@"
		for f in *.deb; do dpkg -x "$f" /; done' - "${names[@]}" </dev/null || return
	rm -rf "$1/packages"
	chroot "$1" depmod "$2" || return
	ln "$1/boot/vmlinuz-$2" "$3/vmlinuz" 2>/dev/null || ln "$1/usr/lib/modules/$2/vmlinuz" "$3/vmlinuz"
}

add_kernels() { # root
	local series use release headers=()
	while read -r series use; do
		release=$(newest_release "$1" "$series")
		if [ -z "$release" ]; then
			echo "testbed: no suite of $toolchain_suite ${toolchain_more_suites[*]} has Linux $series" >&2
			return 1
		fi
		mkdir -p "$1/kernels/$series" || return
		echo "$release" >"$1/kernels/$series/release"
		headers+=("linux-headers-$release")
		[ "$use" = build ] || unpack_kernel "$1" "$release" "$1/kernels/$series" || return
	done <<<"$kernels"
	chroot "$1" apt-get -qq -y --no-install-recommends install "${headers[@]}" </dev/null >/dev/null
}

build_toolchain() { # folder
	local packages hook
	packages=$(paste -s -d , <<<"$project_packages")
	# mmdebstrap still has the package lists when it runs this hook.
	hook='bash -c ". tests/vm/testbed/toolchain.sh && add_kernels \"\$1\"" - "$1"'
	make_root "$1" $toolchain_suite "$packages,kmod,perl,flex,bison,bc,libelf-dev,xz-utils,linux-source-6.12" \
		--aptopt="APT::Default-Release \"$toolchain_suite\"" --customize-hook="$hook" \
		-- "${toolchain_more_suites[@]}"
}
