# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# What the scripts of packaging share. They run in the root of the sources.

# shellcheck disable=SC2034 # for the scripts
target_dir=${CARGO_TARGET_DIR:-target}

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

die() {
	say "$*"
	exit 1
}

# The version in Cargo.toml, which all packages have.
stated_version() { sed -n '/^\[workspace.package\]/,/^$/s/^version = "\(.*\)"$/\1/p' Cargo.toml; }

# What every package holds, and `make install` takes only if it is there.
need_documents() {
	local made
	for made in target/sbom.cdx.json target/THIRD-PARTY.txt; do
		[ -e "$made" ] || die "no $made: run make sbom notices first"
	done
}

# Each check of a test script says what it found; a script counts them, and ends with the count.
passed=0
failed=0

ok() {
	passed=$((passed + 1))
	echo "ok: $*"
}

not_ok() {
	failed=$((failed + 1))
	echo "not ok: $*" >&2
}

# check WHAT COMMAND...: whether the command succeeds. Its output is shown if not.
check() {
	local what=$1 output
	shift
	if output=$("$@" 2>&1); then
		ok "$what"
	else
		not_ok "$what"
		printf '%s\n' "$output" | tail -n 30 | sed 's/^/    /' >&2
	fi
}

# equal WHAT EXPECTED FOUND
equal() {
	if [ "$2" = "$3" ]; then
		ok "$1"
	else
		not_ok "$1"
		diff <(printf '%s\n' "$2") <(printf '%s\n' "$3") | sed 's/^/    /' >&2 || true
	fi
}

# The last line of a test script.
conclude() {
	echo "$passed passed, $failed failed"
	[ "$failed" -eq 0 ]
}
