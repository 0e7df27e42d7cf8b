#!/usr/bin/env bash
# Makes a Debian package of a binary: packaging/debian/build.sh BINARY FOLDER
#
# Needs dpkg-deb. The binary runs once, for its man page and what shells complete.
# SOURCE_DATE_EPOCH, when it is set, is the time of every file; COMPRESSION is xz unless it says
# otherwise.
set -euo pipefail

binary=$(realpath "$1")
into=$(realpath "$2")
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

version=$("$binary" --version | cut -d ' ' -f 2)
architecture=$(dpkg --print-architecture)
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
chmod 755 "$root"

put() { install -D -m "$1" "$2" "$root/$3"; }
compressed() { gzip -9n >"$root/$1"; }

put 755 "$binary" usr/bin/auth_exporter
put 644 packaging/systemd/auth_exporter.service usr/lib/systemd/system/auth_exporter.service
put 644 packaging/systemd/auth_exporter.socket usr/lib/systemd/system/auth_exporter.socket
# It may hold secrets in variables; systemd reads it as root.
put 640 packaging/systemd/auth_exporter.default etc/default/auth_exporter
install -d -m 755 "$root/etc/auth_exporter"

doc=usr/share/doc/auth-exporter
put 644 packaging/debian/copyright "$doc/copyright"
compressed "$doc/changelog.gz" <CHANGELOG.md
put 644 alerting-rules/runbooks.md "$doc/runbooks.md"
for example in examples/*.yml; do
  put 644 "$example" "$doc/examples/$(basename "$example")"
done
for folder in grafana alerting-rules; do
  [[ ! -d $folder ]] || for file in "$folder"/*.json "$folder"/*.rules.yml; do
    [[ ! -f $file ]] || put 644 "$file" "usr/share/auth_exporter/$folder/$(basename "$file")"
  done
done

mkdir -p "$root/usr/share/man/man8"
"$binary" man | compressed usr/share/man/man8/auth_exporter.8.gz
completions() { "$binary" completions "$1" | install -D -m 644 /dev/stdin "$root/$2"; }
completions bash usr/share/bash-completion/completions/auth_exporter
completions zsh usr/share/zsh/vendor-completions/_auth_exporter
completions fish usr/share/fish/vendor_completions.d/auth_exporter.fish

install -d -m 755 "$root/DEBIAN"
sed "s/@VERSION@/$version/; s/@ARCHITECTURE@/$architecture/" packaging/debian/control >"$root/DEBIAN/control"
echo /etc/default/auth_exporter >"$root/DEBIAN/conffiles"
for script in postinst prerm postrm; do
  install -m 755 "packaging/debian/$script" "$root/DEBIAN/$script"
done
(cd "$root" && find usr -type f -print0 | sort -z | xargs -0 md5sum) >"$root/DEBIAN/md5sums"

package=$into/auth-exporter_${version}_$architecture.deb
dpkg-deb --root-owner-group -Z"${COMPRESSION:-xz}" --build "$root" "$package" >/dev/null
echo "$package"
