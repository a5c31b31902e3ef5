#!/usr/bin/env bash
# Tries every way of installing in clean folders: packaging/test-install.sh BINARY
#
# BINARY is a release build. Needs Linux, root (chroot, mounts), debootstrap, curl, cargo-deb and a mirror of Debian; MIRROR names
# another than debootstrap's own. Nothing outside a temporary folder is changed; services listen on 127.0.0.1:PORT (18787).
#
# Three ways, each on a fresh minimal Debian 12 or less: the Debian package, the file system of the container, the binary alone.
# There is no systemd in such a folder and no container engine is used: the service is started as the unit and the Dockerfile say
# (command, user, environment, read-only root), by this script. What systemd's sandbox and Docker's network do is not tried.
set -euo pipefail
if [ $# -ne 1 ] || [ ! -x "$1" ]; then
    echo "usage: packaging/test-install.sh BINARY" >&2
    exit 2
fi
if [ "$(id -u)" != 0 ]; then
    echo "root is needed, for chroot and mounts: sudo $0 $1" >&2
    exit 2
fi
for tool in debootstrap curl chroot unshare nsenter setpriv; do
    command -v "$tool" >/dev/null || { echo "$tool is needed and not there: apt-get install debootstrap curl util-linux" >&2; exit 2; }
done
binary=$(realpath "$1")
cd "$(dirname "$0")/.."
port=${PORT:-18787}
url=http://127.0.0.1:$port
work=$(mktemp -d)
chmod 755 "$work"
service=
key=
failed=0

stop() {
    if [ -n "$service" ] && kill -0 "$service" 2>/dev/null; then
        kill -TERM "$service"
        wait "$service" || true
    fi
    service=
}
clean() {
    stop
    rm -rf --one-file-system "$work"
}
trap clean EXIT

step() { printf '\n== %s\n' "$*"; }
# check WHAT COMMAND...: whether a command succeeds.
check() {
    local what=$1
    shift
    if "$@" >"$work/told" 2>&1; then
        echo "PASS  $what"
    else
        echo "FAIL  $what"
        sed 's/^/      /' "$work/told" | tail -20
        failed=$((failed + 1))
    fi
}
has() { grep -q -- "$2" <<<"$($1 2>&1)"; }
not() { ! "$@"; }
soon() {
    for _ in $(seq 120); do
        "$@" >/dev/null 2>&1 && return 0
        sleep 0.5
    done
    "$@"
}
# What the service gives for a query, with a key where one is asked for.
ask() {
    local path=$1
    shift
    curl -sS -m 20 ${key:+-H "Authorization: Bearer $key"} "$@" "$url$path"
}
finds() { ask "/v1/search?q=$1&limit=1" | grep -q "\"$2\""; }
# Stops the service and says whether it ended well and soon.
ends_well() {
    local began=$SECONDS status=0
    kill -TERM "$service"
    wait "$service" || status=$?
    service=
    [ "$status" = 0 ] && [ $((SECONDS - began)) -le 6 ]
}
if curl -s -m 2 -o /dev/null "$url"; then
    echo "something answers at $url already: name another port with PORT=" >&2
    exit 2
fi

cat >"$work/papers.jsonl" <<'PAPERS'
{"id": "own:1", "title": "Ferns that remember drought", "abstract": "Spores of mother plants that were kept dry germinate later, and their leaves close sooner.", "authors": ["Ilse Brandvold"], "date": "2026-03-01", "categories": ["q-bio"]}
{"id": "own:2", "title": "A bridge that sings before it fails", "abstract": "Microphones on steel girders hear cracks grow some weeks before inspectors see them.", "authors": ["Tomas Okorie"], "date": "2026-04-02", "categories": ["eess.SP"]}
{"id": "own:3", "title": "Sorting letters by the age of their ink", "abstract": "A spectrometer the size of a stamp dates archives without touching the paper.", "authors": ["Ada Merrow"], "date": "2026-05-03", "categories": ["physics.app-ph"]}
PAPERS

step "a minimal Debian 12"
debootstrap --variant=minbase bookworm "$work/base" ${MIRROR:+"$MIRROR"} >"$work/debootstrap.log" 2>&1 ||
    { tail -20 "$work/debootstrap.log" >&2; exit 1; }
cp /etc/resolv.conf "$work/base/etc/resolv.conf"
echo "$(du -sm "$work/base" | cut -f1) MB"

step "1. the Debian package"
packaging/build-deb.sh "$binary" "$work/deb" >"$work/build.log" 2>&1 || { tail -20 "$work/build.log" >&2; exit 1; }
deb=$(echo "$work"/deb/*.deb)
echo "$(basename "$deb"): $(($(stat -c %s "$deb") / 1000000)) MB; needs $(dpkg-deb -f "$deb" Depends)"
root=$work/debian
cp -a "$work/base" "$root"
cp "$deb" "$root/tmp/paperkin.deb"
inside() { chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive "$@"; }
owned() { [ "$(inside stat -c '%U %G %a' "$1")" = "$2" ]; }
inside apt-get update -q >"$work/apt.log" 2>&1
check "apt-get install ./paperkin.deb" inside apt-get install -y -q --no-install-recommends /tmp/paperkin.deb
check "the user of the service is there and cannot sign in" has "inside getent passwd paperkin" ":/usr/sbin/nologin$"
check "its folder is closed to others" owned /var/lib/paperkin "paperkin paperkin 700"
check "settings are root's, and the service may read them" owned /etc/paperkin/paperkin.toml "root paperkin 640"
check "the unit is enabled" test -L "$root/etc/systemd/system/multi-user.target.wants/paperkin.service"
check "there is a manual page for each command" test -s "$root/usr/share/man/man1/paperkin-ingest.1.gz"
check "bash, zsh and fish complete" test -s "$root/usr/share/bash-completion/completions/paperkin" -a \
    -s "$root/usr/share/zsh/vendor-completions/_paperkin" -a -s "$root/usr/share/fish/vendor_completions.d/paperkin.fish"
check "licences are there, of what is compiled in as well" test -s "$root/usr/share/doc/paperkin/copyright" -a \
    -s "$root/usr/share/doc/paperkin/NOTICES.gz" -a -s "$root/usr/share/doc/paperkin/LICENSE-APACHE"
echo "PAPERKIN_ADDR=127.0.0.1:$port" >>"$root/etc/default/paperkin"

# As the unit says: its environment, then the file that it names, its user, its command.
unit=$root/usr/lib/systemd/system/paperkin.service
[ -f "$unit" ] || unit=$root/lib/systemd/system/paperkin.service
mapfile -t environment < <(sed -n 's/^Environment=//p' "$unit"; grep -v '^#' "$root/etc/default/paperkin")
read -r -a command < <(sed -n 's/^ExecStart=//p' "$unit")
start_unit() {
    (umask 0077 && exec chroot --userspec=paperkin:paperkin "$root" env -i PATH=/usr/bin:/bin "${environment[@]}" "${command[@]}") \
        >"$work/service.log" 2>&1 &
    service=$!
}
# A command as docs/install.md writes it: `sudo -u paperkin paperkin --config /etc/paperkin/paperkin.toml ...`.
as_paperkin() { chroot --userspec=paperkin:paperkin "$root" env -i PATH=/usr/bin:/bin HOME=/var/lib/paperkin paperkin --config /etc/paperkin/paperkin.toml "$@"; }
start_unit
check "the service starts as its user, and says that it is ready" soon chroot "$root" env PAPERKIN_ADDR=127.0.0.1:"$port" paperkin health
check "own papers go in through the running service" as_paperkin ingest - <"$work/papers.jsonl"
check "a question over HTTP finds one" finds "cracks+in+steel" own:2
check "and one at the command line" has "as_paperkin search leaves in dry years -k 1" own:1
check "doctor finds nothing bad" as_paperkin doctor
check "what it writes is its own" has "inside stat -c %U:%a /var/lib/paperkin/data/papers.sqlite" "^paperkin:600$"
check "SIGTERM ends it within six seconds, with status 0" ends_well
echo "# mine" >>"$root/etc/paperkin/paperkin.toml"
check "installing again (an upgrade) keeps changed settings" inside apt-get install -y -q --reinstall --no-install-recommends \
    -o Dpkg::Options::=--force-confold /tmp/paperkin.deb
check "they are there" grep -q "^# mine" "$root/etc/paperkin/paperkin.toml"
check "and so are their rights" owned /etc/paperkin/paperkin.toml "root paperkin 640"
start_unit
check "papers are there after the upgrade" soon finds "dating+archives" own:3
check "it ends well again" ends_well
check "apt-get remove" inside apt-get remove -y -q paperkin
check "the binary is gone" test ! -e "$root/usr/bin/paperkin"
check "papers and settings are kept" test -s "$root/var/lib/paperkin/data/papers.sqlite" -a -s "$root/etc/paperkin/paperkin.toml"
check "apt-get purge" inside apt-get purge -y -q paperkin
left=$(chroot "$root" find / -xdev -name '*paperkin*' -not -path '/proc/*' -not -path '/tmp/paperkin.deb' || true)
check "no file of it is left" test -z "$left"
[ -z "$left" ] || echo "      $left"
check "and no user" not inside getent passwd paperkin
rm -rf --one-file-system "$root"

step "2. the container's file system, by hand"
root=$work/rootfs
packaging/rootfs.sh "$binary" "$root"
size=$(du -sm --apparent-size "$root" | cut -f1)
check "it takes $size MB, and 150 at most" test "$size" -le 150
check "there is no shell in it" test ! -e "$root/bin/sh" -a ! -e "$root/usr/bin/sh"
# What the engine brings.
mkdir -p "$root"/{proc,dev,data} "$work/volume"
cp /etc/hosts /etc/resolv.conf "$root/etc/"
user=$(sed -n 's/^USER //p' Dockerfile)
chown "$user" "$work/volume"
mapfile -t environment < <(sed -n '/^ENV/,/[^\\]$/p' Dockerfile | grep -oE '[A-Z_]+=[^ ]+')
for k in "${!environment[@]}"; do
    environment[k]=${environment[k]/0.0.0.0:7878/0.0.0.0:$port}
done
read -r -a entry < <(sed -n 's/^ENTRYPOINT //p' Dockerfile | tr -d '[]",')
read -r -a command < <(sed -n 's/^CMD //p' Dockerfile | tr -d '[]",')
read -r -a health < <(sed -n 's/^HEALTHCHECK .*CMD //p' Dockerfile | tr -d '[]",')
echo "${environment[*]} ${entry[*]} ${command[*]}, as $user"
start_container() {
    # shellcheck disable=SC2016
    env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin "${environment[@]}" unshare --mount --propagation private bash -c '
        set -e
        root=$1 volume=$2 user=$3
        shift 3
        mount --bind "$root" "$root"
        mount --bind "$volume" "$root/data"
        mount -t tmpfs tmpfs "$root/tmp"
        mount -t proc proc "$root/proc"
        mount -o remount,ro,bind "$root"
        exec setpriv --no-new-privs chroot --userspec="$user" "$root" "$@"
    ' - "$root" "$work/volume" "$user" "${entry[@]}" "${command[@]}" >"$work/service.log" 2>&1 &
    service=$!
}
# As `docker exec` does.
within() {
    env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin "${environment[@]}" \
        nsenter --target "$service" --mount --root --wd=/proc/"$service"/root --setgid "${user#*:}" --setuid "${user%:*}" "$@"
}
start_container
check "it starts as $user on a read-only root, and the health check passes" soon within "${health[@]}"
check "without a key nobody is answered" has "ask /v1/search?q=x" unauthorized
key=$(grep -oE 'pk_[0-9a-zA-Z_]+' "$work/service.log" | head -1)
check "the log has the first key" test -n "$key"
check "own papers go in, as by docker exec" within "${entry[@]}" ingest - <"$work/papers.jsonl"
check "a question with the key finds one" finds "cracks+in+steel" own:2
check "papers go in over HTTP" has "ask /v1/papers -H content-type:application/x-ndjson --data-binary @$work/papers.jsonl" unchanged
# By root even, as it is mounted.
# shellcheck disable=SC2016
check "the root cannot be written, and the volume can" nsenter --target "$service" --mount sh -c '! touch "$1/usr/x" 2>/dev/null && touch "$1/data/x"' - "$root"
check "SIGTERM ends it within six seconds, with status 0" ends_well
check "the health check of a service that is gone fails" not chroot --userspec="$user" "$root" "${health[@]}"
start_container
check "started again on the same volume, it has the papers and the key" soon finds "dating+archives" own:3
stop
key=
rm -rf --one-file-system "$root" "$work/volume"

step "3. the binary alone"
root=$work/alone
cp -a "$work/base" "$root"
install -m 755 "$binary" "$root/usr/local/bin/paperkin"
chroot "$root" useradd --create-home ada
cp "$work/papers.jsonl" "$root/home/ada/"
as_ada() { chroot --userspec=ada:ada "$root" env -i --chdir=/home/ada HOME=/home/ada PATH=/usr/local/bin:/usr/bin:/bin PAPERKIN_ADDR=127.0.0.1:"$port" paperkin "$@"; }
check "papers go in" as_ada ingest papers.jsonl
check "and are found" has "as_ada search leaves in dry years -k 1" own:1
chroot --userspec=ada:ada "$root" env -i --chdir=/home/ada HOME=/home/ada PATH=/usr/local/bin:/usr/bin:/bin \
    paperkin serve --addr 127.0.0.1:"$port" >"$work/service.log" 2>&1 &
service=$!
check "the service is ready" soon as_ada health
check "a question over HTTP finds one" finds "cracks+in+steel" own:2
check "the page is there" has "ask /" "<title>"
check "SIGTERM ends it within six seconds, with status 0" ends_well

printf '\n'
if [ "$failed" -gt 0 ]; then
    echo "$failed failed"
    exit 1
fi
echo "all passed, in $SECONDS s"
