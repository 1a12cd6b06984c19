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

kernel_headers() { # kernel [architecture]
	if [ "$1" = debug ]; then
		echo "$debug/build"
	else
		echo "/lib/modules/$(cat "$(release_file "$@")")/build"
	fi
}

release_file() { # kernel [architecture]
	local file
	file=$(kernel_file "$1" release)
	case ${2:-amd64} in
	amd64) echo "$file" ;;
	*) echo "$file-$2" ;;
	esac
}

# Scripts run side by side and build in the same folders.
one_at_a_time() { # command...
	mkdir -p "$vm_build"
	(flock 9 && "$@" 9>&-) 9>"$vm_build/lock"
}

# Builds a folder of modules for a kernel, in a copy of it, and prints that; a warning fails, of
# the compiler and of sparse.
build_modules() { # source-folder kernel [architecture]
	one_at_a_time compile_modules "$@"
}

compile_modules() { # source-folder kernel [architecture]
	local folder=$PWD/$vm_build/$(basename "$1")-$2${3:+-$3} cross=() check=1
	folder=${folder%-amd64}
	[ "$2" != debug ] || check=0 # what sparse finds it finds with Debian's headers
	[ "${3:-amd64}" = amd64 ] || cross=(ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu- CC=aarch64-linux-gnu-gcc)
	mkdir -p "$folder"
	cp -ru "$1/." VERSION "$folder"
	cp "$(release_file "$2" "${3:-}")" "$folder/release"
	if ! in_toolchain "$folder" make -j2 W=1 C=$check "KDIR=$(kernel_headers "$2" "${3:-}")" "${cross[@]}" >"$folder/make.log" 2>&1 ||
		grep -q 'warning:' "$folder/make.log"; then
		cat "$folder/make.log" >&2
		rm -rf "$folder" # what compiled with a warning would be silent the next time
		return 1
	fi
	echo "$folder"
}

# Copies what modules of ours need of the kernel's own into the folder "needs" beside them.
copy_needs() { # folder of build_modules
	one_at_a_time copy_what_is_needed "$1"
}

copy_what_is_needed() { # folder
	local name needs=()
	[ ! "$1/needs" -nt "$1/Module.symvers" ] || return 0 # whoever boots a guest may be reading it
	rm -rf "$1/needs" "$1/needs.unfinished"
	mkdir "$1/needs.unfinished"
	for name in $(in_toolchain "$1" sh -c 'modinfo -F depends ./*.ko' | tr ',' '\n' | sort -u); do
		[ -e "$1/$name.ko" ] || needs+=("$name")
	done
	[ ${#needs[@]} -eq 0 ] || copy_modules "$(cat "$1/release")" "$1/needs.unfinished" "${needs[@]}" || return
	mv "$1/needs.unfinished" "$1/needs"
}

# The programs (or other goals of make), linked with the guest's libraries; prints the folder that
# has them.
build_programs() { # [goals of make...]
	one_at_a_time make_programs "$@"
}

make_programs() {
	[ $# -gt 0 ] || set -- all
	if [ "$host_codename" = "$toolchain_suite" ]; then
		make -j2 --no-print-directory "$@" >&2 && echo "${BUILD:-build}"
		return
	fi
	in_toolchain "$PWD" make -j2 --no-print-directory "BUILD=$vm_build/programs" "$@" >&2 &&
		echo "$vm_build/programs"
}
