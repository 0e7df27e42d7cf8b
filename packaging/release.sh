#!/usr/bin/env bash
# Builds all that a release has, into a folder: packaging/release.sh FOLDER
#
# A static binary for this architecture, with its man page and completions in an archive; the
# Debian package; the list of what is in them (SBOM); and the checksums of all.
# Needs a musl compiler (musl-tools on Debian), the Rust target, and cargo-cyclonedx. Two runs
# on the same sources make the same files.
set -euo pipefail

mkdir -p "$1"
into=$(realpath "$1")
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Every time is that of the commit.
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH
# And no path is that of this machine.
export RUSTFLAGS="${RUSTFLAGS:-} --remap-path-prefix=$PWD=. --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=cargo"

target=$(uname -m)-unknown-linux-musl
cargo build --locked --release --bin auth_exporter --target "$target"
folder=$(cargo metadata --locked --no-deps --format-version 1 |
  sed -E 's/.*"target_directory":"([^"]+)".*/\1/')
binary=$folder/$target/release/auth_exporter
version=$("$binary" --version | cut -d ' ' -f 2)

name=auth_exporter-$version.linux-$(uname -m)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/$name/completions"
cp "$binary" LICENSE README.md CHANGELOG.md "$work/$name/"
cp -r examples/*.yml packaging/systemd "$work/$name/"
"$binary" man >"$work/$name/auth_exporter.8"
for shell in bash zsh fish; do
  "$binary" completions "$shell" >"$work/$name/completions/auth_exporter.$shell"
done
tar --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" \
  -C "$work" -c "$name" | gzip -9n >"$into/$name.tar.gz"

packaging/debian/build.sh "$binary" "$into"

cargo cyclonedx --format json --spec-version 1.5 --target "$target" --override-filename sbom
# It names this package by its folder.
sbom=$(<sbom.json)
rm sbom.json
printf '%s\n' "${sbom//"file://$PWD"/file:///auth_exporter}" >"$into/$name.cdx.json"

checksums=$(cd "$into" && find . -maxdepth 1 -type f ! -name SHA256SUMS -printf '%P\0' |
  sort -z | xargs -0 sha256sum)
echo "$checksums" | tee "$into/SHA256SUMS"
