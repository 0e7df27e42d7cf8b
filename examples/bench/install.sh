#!/bin/sh
# Fetches Debian sid's package of blackbox_exporter 0.28 and unpacks it under target/bench
# without installing it. The sources of the system stay as they are: apt works here on a
# folder of its own, with the mirror that this machine is set up for.
#
# Needs apt and Debian's archive keyring. Prints the path of the binary.
set -eu

package=prometheus-blackbox-exporter
version=0.28
root=$(cd "$(dirname "$0")/../.." && pwd)
into=${CARGO_TARGET_DIR:-$root/target}/bench
binary=$into/blackbox/usr/bin/$package

if [ -x "$binary" ]; then
    echo "$binary"
    exit 0
fi

mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Origin: Debian' 'Label: Debian' | head -n 1)
if [ -z "$mirror" ]; then
    echo "no Debian mirror is set up for apt, or apt-get update has not run yet" >&2
    exit 1
fi

apt=$into/apt
mkdir -p "$apt/lists/partial" "$apt/archives/partial" "$apt/sources.d"
: >"$apt/status"
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror sid main" >"$apt/sources.list"

sid() {
    apt-get -qq \
        -o Dir::Etc::SourceList="$apt/sources.list" \
        -o Dir::Etc::SourceParts="$apt/sources.d" \
        -o Dir::Etc::Preferences=/dev/null \
        -o Dir::Etc::PreferencesParts="$apt/sources.d" \
        -o Dir::State::Lists="$apt/lists" \
        -o Dir::State::status="$apt/status" \
        -o Dir::Cache="$apt" \
        -o Acquire::Languages=none \
        "$@"
}

sid update >&2
# Downloads into the working directory; as root apt would rather not, and says so.
(cd "$apt/archives" && sid -o APT::Sandbox::User=root download "$package=$version*") >&2
dpkg-deb --extract "$apt/archives/${package}_$version"*.deb "$into/blackbox"
"$binary" --version >&2
echo "$binary"
