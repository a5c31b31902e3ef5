#!/usr/bin/env bash
# What a reader of the book types as `paperkin`, on the stage of a test: the real program, which asks nobody outside. What serves goes
# on behind the page, at a port of its own, until the next that serves or the end of the page.
set -u
export PATH=$STAGE_PATH
export PAPERKIN_FETCH_PACE=0 PAPERKIN_FETCH_JITTER_S=0 PAPERKIN_FETCH_TRIES=1 PAPERKIN_FETCH_TIMEOUT_S=5
export https_proxy=http://127.0.0.1:9 http_proxy=http://127.0.0.1:9 no_proxy=127.0.0.1,localhost
data=${PAPERKIN_DATA:-paperkin-data} before=
for word in "$@"; do
    [ "$before" != --data ] || data=$word
    before=$word
done
toml=$data/paperkin.toml
if [ -f "$toml" ]; then
    # The services that papers come from, and the server of mail, are those of the stage.
    grep -q "$STAGE_ARXIV" "$toml" || sed -i "s|^kind = \"arxiv\"\$|&\nurl = \"$STAGE_ARXIV\"|" "$toml"
    grep -q "$STAGE_DAILY" "$toml" || sed -i "s|^kind = \"daily-papers\"\$|&\nurl = \"$STAGE_DAILY\"|" "$toml"
    if grep -q '^\[mail\]' "$toml"; then
        user=$(grep -q '^password_file' "$toml" && echo papers@)
        export PAPERKIN_MAIL_SMTP=${STAGE_SMTP/\/\//\/\/$user}
    fi
fi
case ${1-} in
# Its questions are answered as it proposes.
init) [ $# -gt 1 ] || set -- init --yes ;;
# Whoever subscribed presses the button in the mail that asks, which takes a moment.
subscriptions)
    for _ in $(seq 50); do "$STAGE_PAPERKIN" subscriptions 2>/dev/null | grep -q pending || break; sleep 0.1; done
    ;;
serve | demo)
    if [ -f "$STAGE/pid" ]; then
        kill -TERM "$(cat "$STAGE/pid")" 2>/dev/null
        for _ in $(seq 100); do kill -0 "$(cat "$STAGE/pid")" 2>/dev/null || break; sleep 0.1; done
    fi
    words=() addr=
    for word in "$@"; do
        if [ "$addr" = next ]; then word=${word%:*}:0 addr=given; fi
        if [ "$word" = --addr ]; then addr=next; fi
        words+=("$word")
    done
    [ -n "$addr" ] || words+=(--addr 127.0.0.1:0)
    "$STAGE_PAPERKIN" "${words[@]}" >"$STAGE/said" 2>&1 </dev/null &
    echo $! >"$STAGE/pid"
    for _ in $(seq 600); do
        address=$(grep -oEm1 '(serving on|Open) https?://[^ ]+' "$STAGE/said" | grep -oE 'https?://.*')
        [ -z "$address" ] || break
        kill -0 "$(cat "$STAGE/pid")" 2>/dev/null || { cat "$STAGE/said" >&2; exit 1; }
        sleep 0.1
    done
    echo "${address/0.0.0.0/127.0.0.1}" >"$STAGE/address"
    grep -oEm1 'pk_[0-9a-f]+_[A-Za-z0-9_-]+' "$STAGE/said" >"$STAGE/first-key" && mv "$STAGE/first-key" "$STAGE/key"
    exit 0
    ;;
esac
exec "$STAGE_PAPERKIN" "$@"
