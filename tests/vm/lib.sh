# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# What `fetch` and `boot` share: messages, the cache, kernels.list, and a private apt that leaves the system alone.

here=$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")
cache=${TRACEWELL_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/tracewell}

# Kernel modules kept in the cache where the kernel has them as modules; what they depend on comes along.
# shellcheck disable=SC2034 # for fetch
wanted_modules=(nvme null_blk virtio_pci virtio_blk loop brd overlay)

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

die() {
	say "$*"
	exit 1
}

# need PACKAGE COMMAND...: sees to it that each command exists, installing the package if this is root.
need() {
	local package=$1 command
	shift
	for command; do
		if ! type -P "$command" >/dev/null; then
			install_package "$package" "$command is missing"
		fi
	done
}

# install_package PACKAGE REASON
install_package() {
	local package=$1 reason=$2
	local -a apt=(apt-get -qq -o DPkg::Lock::Timeout=600)
	if [[ $EUID != 0 ]] || ! type -P apt-get >/dev/null; then
		die "$reason: install the package $package (Debian's name)"
	fi
	say "$reason: installing $package"
	export DEBIAN_FRONTEND=noninteractive
	"${apt[@]}" install -y --no-install-recommends "$package" >/dev/null 2>&1 && return
	if ! { "${apt[@]}" update && "${apt[@]}" install -y --no-install-recommends "$package"; } >&2; then
		die "$reason, and apt cannot install $package"
	fi
}

# list_kernels ARCH: "label arch" of every kernel in the list, of one architecture or (empty) of all.
list_kernels() {
	awk -v arch="$1" '!/^#/ && NF == 4 && (arch == "" || $4 == arch) { print $1, $4 }' "$here/kernels.list"
}

# find_kernel LABEL ARCH: sets label, suite, pattern and arch. Without ARCH the host's is preferred.
find_kernel() {
	local wanted_label=$1 wanted_arch=$2 row host
	host=$(uname -m)
	row=$(awk -v label="$wanted_label" -v arch="$wanted_arch" -v host="$host" '
		!/^#/ && NF == 4 && $1 == label && (arch == "" || $4 == arch) {
			if (row == "" || $4 == host) row = $0
		}
		END { print row }' "$here/kernels.list")
	if [[ -z $row ]]; then
		die "no kernel $wanted_label${wanted_arch:+ for $wanted_arch} in kernels.list; it has:" \
			"$(list_kernels "$wanted_arch" | awk '{ printf "%s%s (%s)", sep, $1, $2; sep = ", " }')"
	fi
	# shellcheck disable=SC2034 # for the caller
	read -r label suite pattern arch <<<"$row"
}

kernel_dir() { # ARCH LABEL
	printf '%s/kernels/%s-%s\n' "$cache" "$1" "$2"
}

debian_arch() {
	case $1 in
	x86_64) echo amd64 ;;
	aarch64) echo arm64 ;;
	riscv64) echo riscv64 ;;
	*) die "architecture $1 is not supported (x86_64, aarch64 and riscv64 are)" ;;
	esac
}

# Holds an exclusive lock, until the script ends or unlock, on one part of the cache.
lock() {
	mkdir -p "$(dirname "$1")"
	exec {lock_fd}>"$1.lock"
	flock "$lock_fd"
}

unlock() { exec {lock_fd}>&-; }

# mirrors SUITE: the base addresses to try for a suite, likeliest first. They come from the machine's own apt
# configuration; TRACEWELL_MIRROR replaces them where that knows no Debian mirror.
mirrors() {
	local name=debian base
	[[ $1 == *-security ]] && name=debian-security
	if [[ -n ${TRACEWELL_MIRROR:-} ]]; then
		printf '%s\n' "${TRACEWELL_MIRROR%/}"
		return
	fi
	# shellcheck disable=SC2016 # apt's own variables
	apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
		awk '{ sub("/+$", "") } !seen[$0]++' | grep "/$name\$" |
		while read -r base; do
			printf '%s\n' "$base"
			# Where a mirror carries the suites that have left the main archive.
			printf '%s\n' "${base%/*}/debian-archive/$name"
		done
}

# apt_open SUITE DEBIAN_ARCH: makes `private_apt` work on one suite, with its package lists read. All of its state
# is in a temporary directory below $scratch, so one suite is read once per run.
apt_open() {
	local suite=$1 deb_arch=$2 keyring keys='' options='' output first_output=''
	if ! type -P apt-get >/dev/null || ! type -P dpkg-deb >/dev/null; then
		die "Debian's packages are fetched with apt-get and dpkg-deb, which are missing"
	fi
	apt_state=$scratch/apt-$suite-$deb_arch
	[[ -e $apt_state/ready ]] && return
	mkdir -p "$apt_state/lists/partial" "$apt_state/cache/archives/partial"
	: >"$apt_state/status"
	cat >"$apt_state/conf" <<-EOF
		#clear APT::Update::Post-Invoke;
		#clear APT::Update::Post-Invoke-Success;
		#clear Acquire::IndexTargets::deb::DEP-11;
		#clear DPkg::Post-Invoke;
		Acquire::Languages "none";
		Acquire::Retries "2";
		Acquire::http::Timeout "30";
		APT::Architecture "$deb_arch";
		APT::Architectures { "$deb_arch"; };
		APT::Update::Error-Mode "any";
		Dir::Etc::SourceList "$apt_state/sources.list";
		Dir::Etc::SourceParts "-";
		Dir::State::Lists "$apt_state/lists";
		Dir::State::status "$apt_state/status";
		Dir::Cache "$apt_state/cache";
	EOF
	for keyring in archive-keyring archive-removed-keys; do
		keyring=/usr/share/keyrings/debian-$keyring.gpg
		[[ -e $keyring ]] && keys+=${keys:+,}$keyring
	done
	[[ -n $keys ]] && options="[signed-by=$keys] "
	output="no Debian mirror in apt's configuration; set TRACEWELL_MIRROR"
	for mirror in $(mirrors "$suite"); do
		echo "deb $options$mirror $suite main" >"$apt_state/sources.list"
		if output=$(private_apt apt-get -qq update 2>&1); then
			: >"$apt_state/ready"
			return
		fi
		[[ $mirror == */debian-archive/* ]] || first_output=$output
	done
	die "cannot read the package lists of $suite ($deb_arch); is there a network?"$'\n'"${first_output:-$output}"
}

private_apt() {
	local command=$1
	shift
	"$command" -c "$apt_state/conf" "$@"
}

# apt_newest PATTERN: the newest package that matches and that the archive has, or nothing.
apt_newest() {
	local pattern=$1 name
	private_apt apt-cache pkgnames "${pattern%%[*?[]*}" | sort -rV |
		while read -r name; do
			# shellcheck disable=SC2053 # a pattern it is
			if [[ $name == $pattern ]] && [[ -n $(private_apt apt-cache madison "$name") ]]; then
				printf '%s\n' "$name"
				break
			fi
		done
}

# apt_unpack PACKAGE DIR: downloads a package, checked by apt, and unpacks it; prints its name and version.
apt_unpack() {
	local package=$1 dir=$2 debs=$apt_state/debs output
	rm -rf "$debs"
	mkdir -p "$debs"
	# As root, apt downloads as the user _apt if that can write here.
	if [[ $EUID == 0 ]] && id _apt >/dev/null 2>&1; then
		chown _apt "$debs"
	fi
	output=$(cd "$debs" && private_apt apt-get -qq download "$package" 2>&1) ||
		die "cannot download $package; is there a network?"$'\n'"$output"
	dpkg-deb -x "$debs"/*.deb "$dir"
	# shellcheck disable=SC2016 # dpkg's own variables
	dpkg-deb -W --showformat '${Package} ${Version}\n' "$debs"/*.deb
	rm -rf "$debs"
}

# make_scratch: a temporary directory, $scratch, gone when the script ends.
make_scratch() {
	scratch=$(mktemp -d "${TMPDIR:-/tmp}/tracewell-vm.XXXXXX")
	chmod 755 "$scratch"
}

# pack DIR: DIR's contents as an uncompressed initramfs on stdout, all owned by root. The
# directory itself is left out, so that its mode does not become that of the guest's "/".
pack() {
	(cd -- "$1" && find . -mindepth 1 -print0 | cpio --quiet --null -o -H newc -R 0:0)
}
