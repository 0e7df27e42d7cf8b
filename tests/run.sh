#!/usr/bin/env bash
# Installs what the tests need and runs them all: unit, integration and documentation
# tests, and those against real servers. Arguments go to `cargo test`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

tests/install.sh

output=$(mktemp)
trap 'rm -f "$output"' EXIT
status=0
cargo test --locked --no-fail-fast "$@" </dev/null 2>&1 | tee "$output" || status=$?

# Each test binary closes with a line of its own; this one sums them up.
awk '/^test result: / { passed += $4; failed += $6; skipped += $8 }
  END { printf "tests: %d passed, %d failed, %d skipped\n", passed, failed, skipped }' "$output"
exit "$status"
