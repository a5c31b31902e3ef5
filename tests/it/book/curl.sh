#!/usr/bin/env bash
# What a reader of the book types as `curl`, on the stage of a test: it reaches the service of the page, which is started where none
# is there yet, with the key that this has shown; an error is one.
set -u
address= key=
case "$*" in *localhost:7878* | *127.0.0.1:7878* | *papers.example*)
    [ -f "$STAGE/address" ] || paperkin serve || exit 1
    address=$(cat "$STAGE/address")
    ;;
esac
case "$*" in *pk_...*)
    # Where the service has not shown one, somebody was given one.
    [ -f "$STAGE/key" ] || paperkin keys add stage --scope admin >"$STAGE/key" 2>/dev/null || exit 1
    key=$(cat "$STAGE/key")
    ;;
esac
words=()
for word in "$@"; do
    word=${word//http:\/\/127.0.0.1:7878/$address}
    word=${word//http:\/\/localhost:7878/$address}
    word=${word//https:\/\/papers.example/$address}
    word=${word//localhost:7878/$address}
    word=${word//https:\/\/example.org\/export.ris/file:\/\/$PWD\/export.ris}
    word=${word//pk_.../$key}
    words+=("$word")
done
export PATH=$STAGE_PATH no_proxy='*'
exec curl --silent --show-error --fail-with-body --insecure --max-time 60 "${words[@]}"
