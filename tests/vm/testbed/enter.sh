# SPDX-License-Identifier: GPL-3.0-or-later
#
# Working inside the toolchain root: commands, modules for a kernel, the project's programs.

vm_build=${BUILD:-build}/vm

# Runs a command in the root, where a folder of the host and the cache are in place too, in a
# mount namespace of its own: nothing stays mounted, however it ends.
in_toolchain() { # folder command...
	local folder
	folder=$(realpath "$1")
	shift
	unshare --mount --propagation private bash -euc '
		root=$1
		mount -t proc proc "$root/proc"
		mount --rbind /dev "$root/dev"
		for folder in "$2" "$3"; do
			mkdir -p "$root$folder"
			mount --bind "$folder" "$root$folder"
		done
		shift 3
		exec chroot "$root" sh -c "cd \"\$0\" && exec \"\$@\"" "$folder" "$@"' \
		- "$toolchain" "$cache_root" "$folder" "$@"
}

# A kernel is a series of Debian's, for instance 6.12, or "debug".
kernel_file() { # kernel vmlinuz|release|first-stage
	case $1/$2 in
	debug/*) echo "$debug/$2" ;;
	*/first-stage) echo "$guest/first-stage-$1" ;;
	*) echo "$toolchain/kernels/$1/$2" ;;
	esac
}

kernel_headers() {
	if [ "$1" = debug ]; then
		echo "$debug/build"
	else
		echo "/lib/modules/$(cat "$(kernel_file "$1" release)")/build"
	fi
}

# Builds a folder of modules for a kernel, in a copy of it, and prints that; a warning fails.
build_modules() { # source-folder kernel
	local folder=$PWD/$vm_build/$(basename "$1")-$2
	mkdir -p "$folder"
	cp -ru "$1/." "$folder"
	cp "$(kernel_file "$2" release)" "$folder/release"
	if ! in_toolchain "$folder" make -j2 W=1 "KDIR=$(kernel_headers "$2")" >"$folder/make.log" 2>&1 ||
		grep -q 'warning:' "$folder/make.log"; then
		cat "$folder/make.log" >&2
		return 1
	fi
	echo "$folder"
}

# Copies what modules of ours need of the kernel's own into the folder "needs" beside them.
copy_needs() { # folder of build_modules
	local name needs=()
	rm -rf "$1/needs"
	mkdir "$1/needs"
	for name in $(in_toolchain "$1" sh -c 'modinfo -F depends ./*.ko' | tr ',' '\n' | sort -u); do
		[ -e "$1/$name.ko" ] || needs+=("$name")
	done
	[ ${#needs[@]} -eq 0 ] || copy_modules "$(cat "$1/release")" "$1/needs" "${needs[@]}"
}

# The programs, linked with the guest's libraries; prints the folder that has them.
build_programs() {
	if [ "$host_codename" = "$toolchain_suite" ]; then
		make -j2 --no-print-directory all >&2 && echo "${BUILD:-build}"
		return
	fi
	in_toolchain "$PWD" make -j2 --no-print-directory "BUILD=$vm_build/programs" all >&2 &&
		echo "$vm_build/programs"
}
