#!/usr/bin/env bash
# Prints the licences of everything that is compiled into the binary, each text once: packaging/notices.sh > NOTICES
#
# They have to go with every copy of the binary. The sources of the crates are where cargo has put them to build it.
set -euo pipefail
cd "$(dirname "$0")/.."
registry=${CARGO_HOME:-$HOME/.cargo}/registry/src
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

echo "paperkin contains the following packages. Below are their names, versions and licences, then the texts."
echo
# Lines like "serde v1.0.0|MIT OR Apache-2.0"; the same crate comes many times.
cargo tree --locked --offline --edges normal --prefix none --format '{p}|{l}' | sed 's/ (\*)$//; s/ (proc-macro)//' | sort -u >"$work/crates"
while IFS='|' read -r crate licence; do
    name=${crate%% *}
    version=${crate#* v}
    version=${version%% *}
    [ "$name" = paperkin ] && continue
    printf '%s %s: %s\n' "$name" "$version" "$licence"
    folder=$(find "$registry" -mindepth 2 -maxdepth 2 -type d -name "$name-$version" -print -quit)
    if [ -z "$folder" ]; then
        echo "the source of $name $version is not in $registry: build first" >&2
        exit 1
    fi
    while IFS= read -r -d '' file; do
        sum=$(sha256sum <"$file" | cut -d' ' -f1)
        [ -f "$work/$sum" ] || cp "$file" "$work/$sum"
        echo "$name $version" >>"$work/$sum.of"
    done < <(find "$folder" -maxdepth 1 -type f \( -iname 'licen[cs]e*' -o -iname 'copying*' -o -iname 'notice*' -o -iname 'unlicense*' \) -print0 | sort -z)
done <"$work/crates"
echo "all-MiniLM-L6-v2 (the model): Apache-2.0"

for of in "$work"/*.of; do
    printf '\n%s\n%s\n\n' "================================================================================" "$(paste -sd, "$of" | sed 's/,/, /g')"
    cat "${of%.of}"
done
printf '\n%s\nall-MiniLM-L6-v2\n\n' "================================================================================"
cat models/all-MiniLM-L6-v2/LICENSE
