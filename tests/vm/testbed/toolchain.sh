# SPDX-License-Identifier: GPL-3.0-or-later
#
# The toolchain root: a Debian 13 that compiles what runs in the guests. It has the compiler
# and libraries of the guest, the headers of every kernel (for arm64, too), the kernels themselves
# with their modules (unpacked, not installed: nothing boots here), the source of the debug kernel,
# DKMS, and what looks at the driver's source.

# Series and whether guests boot it; the newest release of each in the suites below.
kernels="6.1 build
6.12 boot
7.2 boot"
# What the project itself needs; without it the root would be built, and be of no use.
project_packages=$(tests/setup.sh build --names) || exit 1
toolchain_suite=trixie
toolchain_more_suites=(trixie-backports bookworm)

# The newest one that both architectures have: at times one of them lags behind.
newest_release() { # root series
	chroot "$1" apt-cache search --names-only "^linux-headers-${2/./\\.}\.[0-9.]+[0-9a-z+-]*-(amd64|arm64)\$" |
		sed -n -E -e '/-(cloud|rt)-(amd64|arm64) /d' -e 's/^linux-headers-([^ ]+)-(amd64|arm64) .*/\1/p' |
		sort -V | uniq -d | tail -n 1
}

# Into the root, but as far as its package manager knows it is not there.
unpack() { # root packages...
	local root=$1
	shift
	mkdir "$root/packages" || return
	# Packages from before the merge of /lib and /usr/lib must not undo it.
	chroot "$root" sh -euc 'cd /packages; apt-get -qq -o APT::Sandbox::User=root download "$@"
		for f in *.deb; do dpkg --fsys-tarfile "$f" | tar -x --keep-directory-symlink -C /; done' \
		- "$@" </dev/null || return
	rm -rf "$root/packages"
}

# Up to 6.12 the image package has all, later ones part it.
unpack_kernel() { # root release folder
	local names
	mapfile -t names < <(chroot "$1" apt-cache search --names-only \
		"^linux-(image|base|binary|modules)-${2//[.+]/\\&}\$" | cut -d ' ' -f 1)
	unpack "$1" "${names[@]}" || return
	chroot "$1" depmod "$2" || return
	ln "$1/boot/vmlinuz-$2" "$3/vmlinuz" 2>/dev/null || ln "$1/usr/lib/modules/$2/vmlinuz" "$3/vmlinuz"
}

add_kernels() { # root
	local series use release headers=() foreign=()
	while read -r series use; do
		release=$(newest_release "$1" "$series")
		if [ -z "$release" ]; then
			echo "testbed: no suite of $toolchain_suite ${toolchain_more_suites[*]} has Linux $series" >&2
			return 1
		fi
		mkdir -p "$1/kernels/$series" || return
		echo "$release-amd64" >"$1/kernels/$series/release"
		echo "$release-arm64" >"$1/kernels/$series/release-arm64"
		headers+=("linux-headers-$release-amd64")
		foreign+=("linux-headers-$release-arm64:arm64")
		[ "$use" = build ] || unpack_kernel "$1" "$release-amd64" "$1/kernels/$series" || return
	done <<<"$kernels"
	chroot "$1" apt-get -qq -y --no-install-recommends install "${headers[@]}" </dev/null >/dev/null || return
	# Installed they would want a compiler that runs on arm64; what both have in common is there.
	unpack "$1" "${foreign[@]}"
}

build_toolchain() { # folder
	local packages hook
	packages=$(paste -s -d , <<<"$project_packages")
	packages+=",kmod,perl,flex,bison,bc,libelf-dev,xz-utils,linux-source-6.12"
	packages+=",dkms,sparse,pahole,gcc-aarch64-linux-gnu,gcc-arm-linux-gnueabihf"
	# mmdebstrap still has the package lists when it runs this hook.
	hook='bash -c ". tests/vm/testbed/toolchain.sh && add_kernels \"\$1\"" - "$1"'
	make_root "$1" $toolchain_suite "$packages" --architectures=amd64,arm64 \
		--aptopt="APT::Default-Release \"$toolchain_suite\"" --customize-hook="$hook" \
		-- "${toolchain_more_suites[@]}"
}
