#!/usr/bin/env bash
# Puts the file system of the container together: packaging/rootfs.sh BINARY DIR
#
# The binary and what it is run by (the C library and two more), certificates of the web, time zones, and a user. No shell, no package
# manager. Needs a Debian (or another glibc system) with binutils, ca-certificates and tzdata.
set -euo pipefail
if [ $# -ne 2 ]; then
    echo "usage: packaging/rootfs.sh BINARY DIR" >&2
    exit 2
fi
binary=$(realpath "$1")
root=$2
source=$(cd "$(dirname "$0")/.." && pwd)

mkdir -p "$root"/{usr/bin,etc/ssl/certs,usr/share/doc/paperkin}
mkdir -m 1777 "$root/tmp"
install -m 755 "$binary" "$root/usr/bin/paperkin"
strip --strip-unneeded "$root/usr/bin/paperkin"

# The libraries, at the places where the loader looks.
ldd "$binary" | grep -oE '/[^ ]+' | sort -u | while read -r library; do
    install -D -m 755 "$(realpath "$library")" "$root$library"
done

install -m 644 /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
# Without the doubles that count leap seconds.
mkdir -p "$root/usr/share"
cp -a /usr/share/zoneinfo "$root/usr/share/zoneinfo"
rm -rf "$root"/usr/share/zoneinfo/{right,posix}

printf 'root:x:0:0:root:/:/sbin/nologin\npaperkin:x:10001:10001:paperkin:/data:/sbin/nologin\n' >"$root/etc/passwd"
printf 'root:x:0:\npaperkin:x:10001:\n' >"$root/etc/group"
# Names are looked up in the file of hosts, then by DNS.
printf 'hosts: files dns\n' >"$root/etc/nsswitch.conf"

install -m 644 "$source"/LICENSE-* "$root/usr/share/doc/paperkin/"
"$source"/packaging/notices.sh >"$root/usr/share/doc/paperkin/NOTICES"
# Whose the libraries are.
for package in libc6 libgcc-s1 ca-certificates tzdata; do
    if [ -f "/usr/share/doc/$package/copyright" ]; then
        install -D -m 644 "$(realpath "/usr/share/doc/$package/copyright")" "$root/usr/share/doc/$package/copyright"
    fi
done
