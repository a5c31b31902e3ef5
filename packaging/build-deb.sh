#!/usr/bin/env bash
# Makes the Debian package: packaging/build-deb.sh [BINARY] [DIR]
#
# BINARY is a release build (made by `cargo build --release` where none is named), DIR is where the package goes (target/debian).
# Needs cargo-deb: cargo install cargo-deb --locked
set -euo pipefail
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-target}
if [ $# -gt 0 ]; then
    binary=$(realpath "$1")
else
    cargo build --release --locked
    binary=$(realpath "$target/release/paperkin")
fi
to=$(realpath -m "${2:-$target/debian}")
if ! cargo deb --version >/dev/null 2>&1; then
    echo "cargo-deb is not there; install it with: cargo install cargo-deb --locked" >&2
    exit 1
fi

# What cargo-deb takes by the paths in Cargo.toml, which are those of this folder wherever the build's is.
stage=target/packaging
rm -rf "$stage"
mkdir -p "$stage/completions" "$to"
install -m 755 "$binary" "$stage/paperkin"
strip --strip-unneeded "$stage/paperkin"
"$stage/paperkin" man "$stage/man"
gzip -9n "$stage"/man/*.1
for shell in bash zsh fish; do
    "$stage/paperkin" completions "$shell" >"$stage/completions/$shell"
done
packaging/notices.sh >"$stage/NOTICES"
gzip -9n "$stage/NOTICES"

cargo deb --no-build --no-strip --output "$to"
