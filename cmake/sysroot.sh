#!/bin/sh
# sysroot.sh ARCH FOLDER: unpacks Debian's libraries for the architecture ARCH, and all that they
# need, into FOLDER/root. Takes no root and leaves this machine's packages and their lists alone.
set -eu

arch=$1
folder=$(realpath -m "$2")
packages='libc6-dev libstdc++-12-dev libprotobuf-dev libprotobuf-c-dev libcjson-dev libzstd-dev
    libxxhash-dev check'

[ ! -e "$folder/complete" ] || exit 0
rm -rf "$folder"
mkdir -p "$folder/lists/partial" "$folder/archives/partial" "$folder/root/usr/bin" \
    "$folder/root/usr/sbin" "$folder/root/usr/lib" "$folder/root/usr/lib64"
: >"$folder/status" # nothing is installed, so that apt fetches all that is needed

# apt COMMAND...: apt-get for a machine of ARCH that has no packages.
apt()
{
    apt-get -qq -o APT::Architecture="$arch" -o APT::Architectures="$arch" \
        -o Dir::State::status="$folder/status" -o Dir::State::lists="$folder/lists" \
        -o Dir::Cache="$folder" -o Dir::Cache::archives="$folder/archives" \
        -o Debug::NoLocking=1 "$@"
}

apt update || echo "sysroot: some package lists are missing" >&2
# shellcheck disable=SC2086 # a list of words
apt install --yes --download-only --no-install-recommends $packages

for name in bin sbin lib lib64; do
    ln -s "usr/$name" "$folder/root/$name"
done
for package in "$folder"/archives/*.deb; do
    dpkg-deb --fsys-tarfile "$package" | tar -x -C "$folder/root" --keep-directory-symlink
done
# An absolute link would lead out of the folder; what these point to stands beside them.
find "$folder/root/usr/lib" -lname '/*' | while IFS= read -r link; do
    ln -sf "$(basename "$(readlink "$link")")" "$link"
done
rm -r "$folder/archives" "$folder/lists"
touch "$folder/complete"
