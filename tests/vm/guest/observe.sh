# SPDX-License-Identifier: GPL-3.0-or-later
#
# One sweep and what the bus then shows of board, job and run, written to a folder: run behind
# the emulated link on the host and behind the kernel's in the guest, to be equal file by file.
# What differs by nature is left out: times, who asked, and which link it was.

without_the_link() {
	grep -v -E '"(Link|Address|link|created|finished|LastOffTime|LastOffCause|Lease[A-Za-z]*)":'
}

observe() { # folder store busctl's arguments...
	folder=$1 store=$2
	shift 2
	mkdir -p "$folder"
	etalonctl sweep wavelength 1549nm 1551nm --step 1pm --power 0dBm -d pd1,pd2 --label first \
		--no-plot >"$folder/result" || return
	./raw "$store" 1 "$folder/raw" || return
	busctl "$@" tree --list org.etalon1 >"$folder/objects" || return
	while read -r object; do
		busctl "$@" introspect --xml-interface org.etalon1 "$object" || return
	done <"$folder/objects" >"$folder/interfaces"
	etalonctl info --json | without_the_link >"$folder/board" &&
		etalonctl show 1 --json | sed '/"analyses":/,$d' | without_the_link >"$folder/run"
}
