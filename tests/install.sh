#!/usr/bin/env bash
# Installs what the tests need beside Rust, on Debian 12. Does nothing where all is there.
#
# From Debian: prometheus (with promtool), prometheus-alertmanager (with amtool), blackbox_exporter, nginx,
# tinyproxy, xmlsec1, faketime, Shibboleth's service provider, LemonLDAP::NG and Chromium, and npm, python3-venv,
# systemd-analyze and a C compiler where they are missing. From npm and PyPI, into the target folder: the
# packages that tests/real/node/package-lock.json, tests/dashboards/node/package-lock.json,
# tests/real/python/requirements.txt and tests/packaging/requirements.txt pin by hash.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf 'tests/install.sh: %s\n' "$*" >&2; }
die() {
  say "$@"
  exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }

# Runs a command and shows what it printed only when it fails.
quietly() {
  local output
  output=$("$@" </dev/null 2>&1) || die "failed: $*"$'\n'"$output"
}

as_root() {
  if [[ $EUID -eq 0 ]]; then
    "$@"
  elif have sudo; then
    sudo "$@"
  else
    die "run it as root, or install sudo: $*"
  fi
}

apt_get() { as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 "$@"; }

# Debian starts a service when it is installed, unless this script forbids it.
policy=/usr/sbin/policy-rc.d
forbid_services() {
  [[ ! -e $policy ]] || return 0
  trap 'as_root rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
  as_root chmod 755 "$policy"
}

have cargo || die "cargo is missing: install Rust first (https://rustup.rs)"

have_system() { [[ -x /usr/sbin/$1 || -x /usr/bin/$1 ]]; }

packages=()
have cc || packages+=(gcc libc6-dev)
have npm || packages+=(npm)
have openssl || packages+=(openssl)
have systemd-analyze || packages+=(systemd)
# Signs and verifies XML; pysaml2 calls it, too.
have xmlsec1 || packages+=(xmlsec1)
python3 -c 'import ensurepip, venv' 2>/dev/null || packages+=(python3-venv)
if ! have prometheus || ! have promtool; then
  packages+=(prometheus)
fi
if ! have prometheus-alertmanager || ! have amtool; then
  packages+=(prometheus-alertmanager)
fi
have_system prometheus-blackbox-exporter || packages+=(prometheus-blackbox-exporter)
# nginx asks for client certificates, tinyproxy stands in front of servers.
have_system nginx || packages+=(nginx-light)
have_system tinyproxy || packages+=(tinyproxy)
# The pages for people are opened in a browser, with a font.
have_system chromium || packages+=(chromium fonts-dejavu-core)
# A clock that jumps, for one program.
[[ -e /usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1 ]] || packages+=(faketime)
# The portal of LemonLDAP::NG, what serves it, and what its OpenID and SAML providers recommend.
perl -MLemonldap::NG::Portal::Main -MHTTP::Server::PSGI -MIO::String -MString::Random -MLasso -MXML::Simple -e 1 2>/dev/null ||
  packages+=(liblemonldap-ng-portal-perl libplack-perl libio-string-perl libstring-random-perl
    liblasso-perl libxml-simple-perl)
# The service provider of Shibboleth, which a web server calls.
have_system shibd && have_system apache2 || packages+=(libapache2-mod-shib)
if ((${#packages[@]})); then
  say "installing from Debian: ${packages[*]}"
  have apt-get || die "there is no apt-get; install them by hand: ${packages[*]}"
  forbid_services
  quietly apt_get update
  quietly apt_get install -y --no-install-recommends "${packages[@]}"
  # The tests start their own ones; these must not run at the next boot either.
  for service in prometheus prometheus-alertmanager prometheus-blackbox-exporter; do
    if [[ " ${packages[*]} " == *" $service "* && -d /run/systemd/system ]]; then
      quietly as_root systemctl disable "$service"
    fi
  done
  if [[ " ${packages[*]} " == *" libapache2-mod-shib "* && -d /run/systemd/system ]]; then
    quietly as_root systemctl disable shibd
  fi
  # Nor does anything of the portal.
  if [[ " ${packages[*]} " == *" liblemonldap-ng-portal-perl "* && -d /run/systemd/system ]]; then
    quietly as_root systemctl disable liblemonldap-ng-portal-perl.timer
  fi
fi

target=$(cargo metadata --locked --no-deps --format-version 1 |
  sed -E 's/.*"target_directory":"([^"]+)".*/\1/')
software=$target/test-software

# `installed` is the list of what was installed, written last; the tests compare it too.
lock=tests/real/node/package-lock.json
if ! cmp -s "$lock" "$software/node/installed"; then
  say "installing from npm: oidc-provider, saml-idp, node-saml and the Node.js that they run on"
  rm -rf "$software/node"
  mkdir -p "$software/node"
  cp tests/real/node/package.json "$lock" "$software/node/"
  quietly npm ci --prefix "$software/node" --ignore-scripts --no-audit --no-fund
  # npm takes the one of this machine's architecture; Debian's npm makes no links in .bin.
  (cd "$software/node" && ln -s node_modules/node-linux-*/bin/node node)
  quietly "$software/node/node" --version
  cp "$lock" "$software/node/installed"
fi

# What Grafana and the Prometheus Operator publish of themselves: dashboards and manifests are held
# against it, by the Node.js above.
lock=tests/dashboards/node/package-lock.json
if ! cmp -s "$lock" "$software/dashboards/installed"; then
  say "installing from npm: what Grafana and the Prometheus Operator publish, and typescript"
  rm -rf "$software/dashboards"
  mkdir -p "$software/dashboards"
  cp tests/dashboards/node/package.json "$lock" "$software/dashboards/"
  quietly npm ci --prefix "$software/dashboards" --ignore-scripts --no-audit --no-fund
  cp "$lock" "$software/dashboards/installed"
fi

# A virtual environment NAME with what a file of pinned packages has.
python() {
  local name=$1 requirements=$2
  ! cmp -s "$requirements" "$software/$name/installed" || return 0
  say "installing from PyPI: $3"
  rm -rf "${software:?}/$name"
  quietly python3 -m venv "$software/$name"
  quietly "$software/$name/bin/python" -m pip install --quiet --disable-pip-version-check \
    --require-hashes --requirement "$requirements"
  cp "$requirements" "$software/$name/installed"
}
python python tests/real/python/requirements.txt \
  "django-oauth-toolkit, django-allauth, Canaille, Authlib, pysaml2, python3-saml and prometheus-client"
python packaging tests/packaging/requirements.txt "hadolint, zizmor, yamllint, kubernetes-validate and Helm"
