# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Roots in which packages and programs are tried out. For root; after lib.sh.

# own_mounts ARGUMENT...: runs the calling script again in a mount namespace of its own, so that no mount outlives it.
own_mounts() {
	# /tmp may be mounted so that no device and no file's capabilities count there, as in Debian 13.
	export TMPDIR=${TMPDIR:-/var/tmp}
	[ -z "${TRACEWELL_OWN_MOUNTS:-}" ] || return 0
	[ "$(id -u)" -eq 0 ] || die "run as root: it mounts and traces"
	export TRACEWELL_OWN_MOUNTS=1
	exec unshare --mount --propagation private -- "packaging/${0##*/}" "$@"
}

# mount_system ROOT: the machine's /proc and /sys, as tracing needs them.
mount_system() {
	mount -t proc proc "$1/proc"
	mount --rbind --make-rslave /sys "$1/sys"
}

# remove_roots DIR: removes DIR and the roots in it, without what is mounted there.
remove_roots() {
	local mounted
	findmnt -rno TARGET | grep "^$1/" | sort -r | while read -r mounted; do
		umount --lazy "$mounted"
	done || true
	rm -rf --one-file-system "$1"
}

# make_debian SUITE DIR KEPT: makes a minimal Debian in DIR, packs it into the file KEPT, and removes DIR. Runs in a
# shell of its own: what is not finished goes with it.
make_debian() (
	# shellcheck source=../tests/vm/lib.sh
	. tests/vm/lib.sh
	suite=$1 dir=$2 kept=$3
	need debootstrap debootstrap
	need gpgv gpgv
	lock "$kept"
	[ ! -e "$kept" ] || return 0
	read -r mirror < <(mirrors "$suite") || die "no Debian mirror in apt's configuration; set TRACEWELL_MIRROR"
	say "making a minimal Debian $suite"
	trap 'rm -rf --one-file-system "$dir" "$kept.new"' EXIT
	mkdir -p "$dir"
	output=$(debootstrap --variant=minbase --force-check-gpg \
		--keyring=/usr/share/keyrings/debian-archive-keyring.gpg "$suite" "$dir" "$mirror" 2>&1) ||
		die "debootstrap failed"$'\n'"$(tail -n 20 <<<"$output")"
	tar -C "$dir" --one-file-system --numeric-owner -cf "$kept.new" .
	mv "$kept.new" "$kept"
)

# debian_root SUITE DIR: unpacks a minimal Debian into DIR. It is made once, and kept where tests/vm keeps its kernels.
debian_root() {
	local suite=$1 dir=$2 kept
	kept=${TRACEWELL_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/tracewell}/roots/$suite-$(dpkg --print-architecture).tar
	[ -e "$kept" ] || make_debian "$suite" "$dir.new" "$kept"
	mkdir -p "$dir"
	tar -C "$dir" --numeric-owner -xf "$kept"
	cp -L /etc/resolv.conf "$dir/etc/resolv.conf"
	mount_system "$dir"
}
