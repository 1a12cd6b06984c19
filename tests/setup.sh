#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Installs what building and testing need, through apt, on Debian 12 and 13. Does nothing
# when all is there. Without root it prints the exact line to type and ends with 1.
#
# usage: tests/setup.sh build|test [--names]
#   build: what `make` and `make demo` need; test: what `make check` needs besides
#   --names: print the names of these packages and do nothing
set -euo pipefail

# package[>=version]: the version is the least that will do; Debian 12 finds newer ones in backports.
build=(gcc make pkg-config libc6-dev libsystemd-dev libsqlite3-dev libgsl-dev
	libhdf5-dev libyaml-dev libcyaml-dev libjansson-dev libcairo2-dev 'libgpiod-dev>=2'
	libusbredirparser-dev dbus-daemon)
test=(check g++ sparse pahole udev "linux-headers-$(dpkg --print-architecture)" valgrind cppcheck python3
	python3-scipy python3-numpy python3-h5py locales dbus-bin systemd mmdebstrap e2fsprogs
	gcc-i686-linux-gnu libc6-dev-i386-cross)

case "${1:-build}" in
build) wanted=("${build[@]}") ;;
test) wanted=("${build[@]}" "${test[@]}") ;;
*) echo "usage: $0 build|test [--names]" >&2; exit 2 ;;
esac
if [ "${2:-}" = --names ]; then
	printf '%s\n' "${wanted[@]%%>=*}"
	exit 0
fi

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
	echo "setup: this is not a Debian system; install the equivalents of: ${wanted[*]%%>=*}" >&2
	exit 0
fi

installed_version() {
	dpkg-query -W -f '${db:Status-Status} ${Version}\n' "$1" 2>/dev/null |
		sed -n 's/^installed //p' | head -n 1
}

is_met() { # package least-version
	local have
	have=$(installed_version "$1")
	[ -n "$have" ] && { [ -z "$2" ] || dpkg --compare-versions "$have" ge "$2"; }
}

missing=()
for item in "${wanted[@]}"; do
	name=${item%%>=*}
	least=${item#"$name"}
	is_met "$name" "${least#>=}" || missing+=("$item")
done
[ ${#missing[@]} -gt 0 ] || exit 0

codename=$(. "${OS_RELEASE:-/etc/os-release}" && echo "${VERSION_CODENAME:-}")

candidate() { # package: the version that a plain install would give; nothing before the first update
	apt-cache policy "$1" 2>/dev/null | sed -n 's/^  Candidate: //p' | grep -v none || true
}

# Debian 12 is the only one that has too old a package.
needs_backports() { # package least-version
	local version
	[ -n "$2" ] || return
	version=$(candidate "$1")
	if [ -z "$version" ]; then [ "$codename" = bookworm ]; else ! dpkg --compare-versions "$version" ge "$2"; fi
}

plain=()
newer=()
sort_out() { # items
	local item name least
	plain=()
	newer=()
	for item in "$@"; do
		name=${item%%>=*}
		least=${item#"$name"}
		if needs_backports "$name" "${least#>=}"; then newer+=("$name"); else plain+=("$name"); fi
	done
}

etc_apt=${ETC_APT:-/etc/apt}
sources() { # both forms of them; before the first update apt itself says nothing
	local file
	for file in "$etc_apt"/sources.list "$etc_apt"/sources.list.d/*.{list,sources}; do
		[ ! -r "$file" ] || sed '/^#/d' "$file"
	done
}

archive_uri() {
	{
		apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 'Created-By: Packages' |
			awk -v c="$codename" '$2 == c { print $1; exit }'
		sources | sed -n -E -e "s/^deb (\\[[^]]*\\] )?([^ ]+) $codename .*/\\2/p" -e 's/^URIs: *([^ ]+).*/\1/p'
	} | sed -n 1p
}

backports_list=$etc_apt/sources.list.d/etalon-backports.sources
has_backports() {
	[[ "$(sources)" == *"$codename-backports"* ]]
}

if [ "$(id -u)" != 0 ]; then
	sort_out "${missing[@]}"
	echo "setup: packages are missing; as root, type:" >&2
	if [ ${#newer[@]} -gt 0 ] && ! has_backports; then
		echo "  echo 'deb $(archive_uri) $codename-backports main' >/etc/apt/sources.list.d/backports.list" >&2
	fi
	echo "  apt-get update" >&2
	[ ${#plain[@]} -eq 0 ] || echo "  apt-get install --no-install-recommends ${plain[*]}" >&2
	[ ${#newer[@]} -eq 0 ] || echo "  apt-get install --no-install-recommends -t $codename-backports ${newer[*]}" >&2
	exit 1
fi

# The backports suite of the archive that this host already uses, with the same key.
add_backports() {
	local key=/usr/share/keyrings/debian-archive-keyring.gpg
	has_backports && return
	printf 'Types: deb\nURIs: %s\nSuites: %s-backports\nComponents: main\nSigned-By: %s\n' \
		"$(archive_uri)" "$codename" "$key" >"$backports_list"
	apt-get update -qq
}

export DEBIAN_FRONTEND=noninteractive
echo "setup: installing ${missing[*]%%>=*}"
apt-get update -qq
sort_out "${missing[@]}"
[ ${#plain[@]} -eq 0 ] || apt-get install -y -qq --no-install-recommends "${plain[@]}" >/dev/null
if [ ${#newer[@]} -gt 0 ]; then
	add_backports
	apt-get install -y -qq --no-install-recommends -t "$codename-backports" "${newer[@]}" >/dev/null
fi
