# SPDX-License-Identifier: GPL-3.0-or-later
#
# The cache of the test bed: each piece is a folder named after what went in, and appears
# only when it is complete. A piece that nobody used for two weeks is removed.

cache_root=${XDG_CACHE_HOME:-${HOME:?}/.cache}/etalon/vm
cache_unused_days=14

say() {
	echo "testbed: $*" >&2
}

cache_key() { # files and words that go in
	local input
	for input in "$@"; do
		if [ -f "$input" ]; then cat "$input"; else echo "$input"; fi
	done | sha256sum | cut -c 1-12
}

# Sets $piece to the folder of a piece; builds it by "BUILDER FOLDER" when it is not there.
cached() { # name key builder
	local name=$1 unfinished began lock
	piece=$cache_root/$name-$2
	if [ -d "$piece" ]; then # whole, since it has its name: wait for nobody who builds another
		touch "$piece"
		say "$name: cached"
		return
	fi
	mkdir -p "$cache_root"
	exec {lock}>"$cache_root/$name.lock"
	flock "$lock"
	if [ -d "$piece" ]; then
		touch "$piece"
		say "$name: cached"
	else
		find "$cache_root" -maxdepth 1 -name "$name-*" -mtime +$cache_unused_days -exec rm -rf --one-file-system {} +
		unfinished=$cache_root/$name.unfinished
		rm -rf --one-file-system "$unfinished"
		say "$name: building"
		began=$SECONDS
		if ! "$3" "$unfinished"; then
			say "$name: failed after $((SECONDS - began)) s"
			rm -rf --one-file-system "$unfinished"
			exec {lock}>&-
			return 1
		fi
		mv "$unfinished" "$piece"
		say "$name: built in $((SECONDS - began)) s, $(du -sh "$piece" | cut -f 1)"
	fi
	exec {lock}>&-
}
