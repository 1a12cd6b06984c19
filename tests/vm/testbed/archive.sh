# SPDX-License-Identifier: GPL-3.0-or-later
#
# Where this host gets its packages from: the test bed takes other suites from the same
# archive, with the same keys and the same settings of apt. No address is written down here.

host_codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")

archive_target() { # field: of the host's own main suite
	apt-get indextargets --format "\$(CODENAME) $1" 'Created-By: Packages' 'Component: main' |
		sed -n "s/^$host_codename //p" | head -n 1
}

archive_uri() {
	archive_target '$(REPO_URI)'
}

archive_keyring() {
	local entry key
	entry=$(archive_target '$(SOURCESENTRY)')
	key=$(sed -n -E -e 's/^Signed-By: *(\/[^ ]+).*/\1/p' -e 's/.*signed-by=(\/[^] ]+).*/\1/p' \
		"${entry%:*}" | head -n 1)
	echo "${key:-/usr/share/keyrings/debian-archive-keyring.gpg}"
}

# The host's proxies, certificates and checks of dates apply to its archive in any suite.
archive_options() {
	apt-config dump --format '%F "%v";%n' Acquire |
		grep -E '^Acquire::(https?|Check-|Retries|.*[Pp]roxy)' | grep -v ' "";$' || true
}

archive_is_reachable() { # suite
	local probe status
	probe=$(mktemp -d)
	/usr/lib/apt/apt-helper download-file "$(archive_uri)dists/$1/InRelease" "$probe/InRelease" >/dev/null 2>&1
	status=$?
	rm -rf "$probe"
	return $status
}

# A root of that suite, made by mmdebstrap: the folder, the packages and mmdebstrap's own
# options, then the further suites it may take packages from.
make_root() { # folder suite packages options... -- suites...
	local root=$1 suite=$2 packages=$3 uri options=() sources=() option
	shift 3
	uri=$(archive_uri)
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	while read -r option; do
		options+=(--aptopt="$option")
	done < <(archive_options)
	for option in "$suite" "$@"; do
		sources+=("deb $uri $option main")
	done
	# In a mount namespace of its own: what is mounted for the packages goes with it.
	unshare --mount --propagation private \
		mmdebstrap --quiet --mode=root --variant=minbase --format=directory \
		--dpkgopt=force-unsafe-io --aptopt='APT::Install-Recommends "false"' \
		--keyring="$(archive_keyring)" --include="$packages" "${options[@]}" \
		"$suite" "$root" "${sources[@]}"
}
