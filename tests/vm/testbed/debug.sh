# SPDX-License-Identifier: GPL-3.0-or-later
#
# The debug kernel of tests/vm/debug.config, compiled in the toolchain root from Debian's
# source. Its folder has vmlinuz, the release, the first stage and build/, which modules are
# compiled against.

debug_source=linux-source-6.12

debug_key() {
	cache_key "$(guest_key)" tests/vm/debug.config tests/vm/testbed/debug.sh
}

# An option that kconfig dropped would be a check that is silently not made.
check_debug_config() { # .config
	local option missing=()
	while read -r option; do
		grep -qx "$option" "$1" || missing+=("$option")
	done < <(grep -E '^CONFIG_|is not set$' tests/vm/debug.config | sed 's/^\(CONFIG_.*\)=n$/# \1 is not set/')
	[ ${#missing[@]} -eq 0 ] || { printf 'testbed: debug kernel lacks: %s\n' "${missing[@]}" >&2; return 1; }
}

compile_debug() { # folder
	tar -xf "$toolchain/usr/src/$debug_source.tar.xz" -C "$1" --strip-components=1 || return
	cp tests/vm/debug.config "$1/kernel/configs/etalon-debug.config" || return
	in_toolchain "$1" make -s tinyconfig etalon-debug.config >"$1/config.log" 2>&1 || return
	check_debug_config "$1/.config" || return
	in_toolchain "$1" make -s "-j$(nproc)" bzImage modules >"$1/make.log" 2>&1
}

# What out-of-tree modules need stays, and what looks at their source; the rest is a gigabyte.
strip_debug_tree() { # folder
	find "$1" -mindepth 1 -maxdepth 1 -type d -not -name arch -not -name include -not -name scripts \
		-not -name tools -exec rm -rf {} + || return
	find "$1/arch" -mindepth 1 -maxdepth 1 -not -name x86 -exec rm -rf {} +
	find "$1/tools" -mindepth 1 -maxdepth 1 -not -name objtool -exec rm -rf {} +
	find "$1" -name '*.o' -not -path '*/scripts/*' -not -path '*/tools/objtool/*' -delete
	rm -f "$1"/vmlinux*
}

build_debug() { # folder
	local modules
	mkdir -p "$1/build" || return
	compile_debug "$1/build" || { tail -n 30 "$1"/build/*.log >&2; return 1; }
	cp "$1/build/arch/x86/boot/bzImage" "$1/vmlinuz" || return
	cp "$1/build/include/config/kernel.release" "$1/release" || return
	strip_debug_tree "$1/build"
	modules=$(mktemp -d)
	pack_first_stage "$guest/busybox" "$modules" "$1/first-stage"
	rm -rf "$modules"
}

# Sets $debug.
prepare_debug() {
	cached debug "$(debug_key)" build_debug || return
	debug=$piece
}
