#!/bin/sh
# Makes what a release consists of, and proves it on Debian systems that have nothing but their base:
#
#   release.sh WORK      as root, in a clean checkout
#
# WORK gets sessionpb-VERSION.tar.gz and the packages. What is there of an earlier run is made anew, but for
# the base system, which is fetched once. Ends at the first thing that is wrong.
set -eu

cd "$(dirname "$0")/.."
mkdir -p "$1"
work=$(realpath "$1")
version=$(sed -n 's/^## \([0-9.]*\), .*/\1/p' CHANGELOG.md | head -n 1)
name=sessionpb-$version

say()
{
    printf '\n== %s\n' "$*"
}

# within SYSTEM COMMAND: as a shell's words, by root at home.
within()
{
    chroot "$work/$1" /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 \
        DEBIAN_FRONTEND=noninteractive sh -euc "cd; $2"
}

# system NAME: a fresh copy of the base system, with what programs look for in /proc, /dev and /etc.
system()
{
    if [ ! -e "$work/base/bin/sh" ]; then
        debootstrap --variant=minbase bookworm "$work/base.new" >"$work/base.log"
        mv "$work/base.new" "$work/base"
    fi
    discard "$1"
    cp -a "$work/base" "$work/$1"
    printf "127.0.0.1 localhost\n::1 localhost\n" >"$work/$1/etc/hosts"
    mount -t proc proc "$work/$1/proc"
    mount -t tmpfs tmpfs "$work/$1/dev/shm"
    mount -t devpts -o newinstance,ptmxmode=0666 devpts "$work/$1/dev/pts"
    ln -sf pts/ptmx "$work/$1/dev/ptmx"
}

discard()
{
    for folder in proc dev/shm dev/pts; do
        mountpoint -q "$work/$1/$folder" && umount "$work/$1/$folder"
    done
    rm -rf --one-file-system "${work:?}/$1"
}

discard_all()
{
    for system in newcomer user; do
        discard "$system"
    done
}

say "The version $version in the changelog, and in the code"
[ "$(awk '/^#define SPB_VERSION_(MAJOR|MINOR|PATCH) / { version = version "." $3 }
    END { print substr(version, 2) }' include/sessionpb/version.h)" = "$version" ]
[ -z "$(git status --porcelain)" ] || { echo "the checkout is not clean" >&2; exit 1; }

say "$name.tar.gz"
git archive --prefix="$name/" -o "$work/$name.tar.gz" HEAD
sha256sum "$work/$name.tar.gz"
trap discard_all EXIT

say "A newcomer's two commands"
system newcomer
cp "$work/$name.tar.gz" "$work/newcomer/root"
within newcomer "tar xf $name.tar.gz; cd $name; ./dev demo; ./dev test"

say "Packages, and what lintian says of them"
rm -f "$work"/*.deb
within newcomer "cd $name; ./dev package"
cp "$work/newcomer/root/$name/build/package/"*.deb "$work"

say "A user of the packages"
system user
mkdir "$work/user/root/project"
cp "$work"/*.deb examples/sessions/web.json "$work/user/root"
cp examples/convert.c "$work/user/root/project"
sed -n '/^```cmake$/,/^```$/ { /^```/d; p }' README.md >"$work/user/root/project/CMakeLists.txt"
within user '
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends ./sessionpb-tools_*.deb >/dev/null
    session2pb --framing=raw web.json | pb2session --framing=raw --pretty | tee out
    cmp out web.json
    apt-get install -y -qq --no-install-recommends ./libsessionpb*.deb gcc libc6-dev pkg-config \
        cmake ninja-build >/dev/null
    gcc project/convert.c $(pkg-config --cflags --libs sessionpb) -o by-pkg-config
    ./by-pkg-config
    cmake -G Ninja -S project -B project/build >/dev/null
    cmake --build project/build -- --quiet
    project/build/convert
    dpkg -L libsessionpb-dev sessionpb-tools $(dpkg-query -W -f "\${Package}\n" "libsessionpb[0-9]*") |
        grep -E "session2?pb|pb2session" | sort -u >files
    apt-get purge -y -qq "*sessionpb*" >/dev/null
    while read -r file; do
        [ ! -e "$file" ] || { echo "$file is left behind" >&2; exit 1; }
    done <files'

say "All is well: $(cd "$work" && echo "$name.tar.gz" ./*.deb)"
