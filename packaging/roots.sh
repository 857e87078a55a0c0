# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Roots in which packages and programs are tried out. For root; after lib.sh.

# own_mounts ARGUMENT...: runs the calling script again in a mount namespace of its own, so that no mount outlives it.
own_mounts() {
	[ -z "${TRACEWELL_OWN_MOUNTS:-}" ] || return 0
	[ "$(id -u)" -eq 0 ] || die "run as root: it mounts and traces"
	export TRACEWELL_OWN_MOUNTS=1
	exec unshare --mount --propagation private -- "$0" "$@"
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

# debian_root SUITE DIR: unpacks a minimal Debian into DIR. It is made once, and kept where tests/vm keeps its kernels.
debian_root() {
	local suite=$1 dir=$2 kept mirror arch output
	arch=$(dpkg --print-architecture)
	kept=${TRACEWELL_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/tracewell}/roots/$suite-$arch.tar
	if [ ! -e "$kept" ]; then
		# shellcheck source=../tests/vm/lib.sh
		mirror=$(. tests/vm/lib.sh && mirrors "$suite" | head -n 1)
		[ -n "$mirror" ] || die "no Debian mirror in apt's configuration; set TRACEWELL_MIRROR"
		say "making a minimal Debian $suite"
		mkdir -p "${kept%/*}" "$dir.new"
		output=$(debootstrap --variant=minbase "$suite" "$dir.new" "$mirror" 2>&1) ||
			die "debootstrap failed"$'\n'"$(tail -n 20 <<<"$output")"
		tar -C "$dir.new" --one-file-system -cf "$kept.$$" .
		mv "$kept.$$" "$kept"
		rm -rf --one-file-system "$dir.new"
	fi
	mkdir -p "$dir"
	tar -C "$dir" -xf "$kept"
	cp -L /etc/resolv.conf "$dir/etc/resolv.conf"
	mount_system "$dir"
}
