# SPDX-License-Identifier: GPL-3.0-or-later
#
# The driver through DKMS, as its user installs it, in the toolchain root but in trees of its own:
# the root stays as it is.

# What DKMS does last: a guest would take minutes. The kernel's own modules lend themselves.
index_modules() { # folder release
	in_toolchain "$1" sh -euc '
		own=/usr/lib/modules/$1
		cp $own/modules.order $own/modules.builtin* lib/modules/$1/
		mkdir lib/modules/$1/kernel
		mount --bind $own/kernel lib/modules/$1/kernel
		depmod -b "$PWD" $1' - "$2" && rmdir "$1/lib/modules/$2/kernel"
}

# Lays the source out, has DKMS add, build and install it; prints the folder whose lib/ is what a
# system of that kernel then has more in its /usr/lib.
dkms_modules() { # kernel
	local release folder=$PWD/$vm_build/dkms-$1 version step
	release=$(cat "$(kernel_file "$1" release)") version=$(cat VERSION)
	rm -rf "$folder"
	mkdir -p "$folder/tree" "$folder/lib/modules/$release" || return
	ln -s "$(kernel_headers "$1")" "$folder/lib/modules/$release/build" || return # as in /usr/lib/modules
	make -s -C kmod dkms-source "DESTDIR=$folder" >&2 || return
	for step in "add" "build -k $release" "install -k $release --no-depmod"; do
		# shellcheck disable=SC2086
		in_toolchain "$folder" dkms $step -m etalon -v "$version" --dkmstree "$folder/tree" \
			--sourcetree "$folder/usr/src" --installtree "$folder/lib/modules" >"$folder/log" 2>&1 ||
			{ cat "$folder/log" "$folder"/tree/etalon/*/build/make.log >&2; return 1; }
	done
	rm "$folder/lib/modules/$release/build"
	echo "$folder"
}
