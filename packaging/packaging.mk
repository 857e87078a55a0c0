# SPDX-License-Identifier: MIT OR Apache-2.0
# For packagers; docs/packaging.md explains. Included by the Makefile.
#
#   make programs CARGO_FLAGS=--frozen && make install DESTDIR=... PREFIX=/usr

PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
DATADIR ?= $(PREFIX)/share
MANDIR ?= $(DATADIR)/man
DOCDIR ?= $(DATADIR)/doc/tracewell
LICENSEDIR ?= $(DATADIR)/licenses/tracewell
BASHDIR ?= $(DATADIR)/bash-completion/completions
ZSHDIR ?= $(DATADIR)/zsh/site-functions
FISHDIR ?= $(DATADIR)/fish/vendor_completions.d

CARGO ?= cargo
CARGO_FLAGS ?= --locked
INSTALL ?= install
TARGET_DIR := $(or $(CARGO_TARGET_DIR),target)
# Of a cross build, where cargo leaves the programs: PROGRAMS=target/aarch64-unknown-linux-gnu/release
PROGRAMS ?= $(TARGET_DIR)/release
PAGES := $(TARGET_DIR)/pages
SBOM := target/sbom.cdx.json

.PHONY: programs pages sbom install uninstall static container deb rpm
.PHONY: test-packages test-install test-static test-reproducible test-supply test-advisories

# The released program, the manual pages and the completions. Takes no network where the crates are there, no
# privilege and no git.
programs:
	CARGO="$(CARGO)" packaging/cargo build --release $(CARGO_FLAGS) -p tracewell
	@$(MAKE) --no-print-directory pages

# Its own step, as a cross build makes the pages by a program of this machine.
pages:
	CARGO="$(CARGO)" packaging/cargo build --release $(CARGO_FLAGS) -p tracewell-packaging
	rm -rf $(PAGES)
	SOURCE_DATE_EPOCH="$$(packaging/epoch)" $(TARGET_DIR)/release/pages docs $(PAGES)

# The list of the crates in the program, in CycloneDX's form. Installed where it was made.
sbom:
	@packaging/sbom

# Copies what `make programs` made, and builds nothing: it may run as another user.
install:
	@[ -x $(PROGRAMS)/tracewell ] && [ -e $(PAGES)/tools ] || { echo "run make programs first" >&2; exit 1; }
	$(INSTALL) -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(BASHDIR) $(DESTDIR)$(ZSHDIR) $(DESTDIR)$(FISHDIR)
	$(INSTALL) -d $(DESTDIR)$(MANDIR)/man1 $(DESTDIR)$(MANDIR)/man7 $(DESTDIR)$(MANDIR)/man8
	$(INSTALL) -d $(DESTDIR)$(DOCDIR)/docs $(DESTDIR)$(LICENSEDIR)
	$(INSTALL) -m 755 $(PROGRAMS)/tracewell $(DESTDIR)$(BINDIR)/tracewell
	for tool in $$(cat $(PAGES)/tools); do ln -sf tracewell $(DESTDIR)$(BINDIR)/$$tool || exit; done
	for name in tracewell $$(cat $(PAGES)/tools); do \
		$(INSTALL) -m 644 $(PAGES)/bash/$$name.bash $(DESTDIR)$(BASHDIR)/$$name && \
		$(INSTALL) -m 644 $(PAGES)/zsh/_$$name $(DESTDIR)$(ZSHDIR)/_$$name && \
		$(INSTALL) -m 644 $(PAGES)/fish/$$name.fish $(DESTDIR)$(FISHDIR)/$$name.fish || exit; \
	done
	for section in 1 7 8; do $(INSTALL) -m 644 $(PAGES)/man/man$$section/* $(DESTDIR)$(MANDIR)/man$$section || exit; done
	$(INSTALL) -m 644 README.md CHANGELOG.md $(DESTDIR)$(DOCDIR)
	$(INSTALL) -m 644 docs/* $(DESTDIR)$(DOCDIR)/docs
	[ ! -e $(SBOM) ] || $(INSTALL) -m 644 $(SBOM) $(DESTDIR)$(DOCDIR)
	$(INSTALL) -m 644 LICENSE-APACHE LICENSE-MIT bpf/LICENSE-BSD-2-Clause $(DESTDIR)$(LICENSEDIR)

# Takes away what `make install` of the same version, with the same variables, put there; nothing else.
uninstall:
	@[ -e $(PAGES)/tools ] || { echo "run make programs first" >&2; exit 1; }
	for tool in $$(cat $(PAGES)/tools); do \
		[ "$$(readlink $(DESTDIR)$(BINDIR)/$$tool)" != tracewell ] || rm -f $(DESTDIR)$(BINDIR)/$$tool; \
	done
	for name in tracewell $$(cat $(PAGES)/tools); do \
		rm -f $(DESTDIR)$(BASHDIR)/$$name $(DESTDIR)$(ZSHDIR)/_$$name $(DESTDIR)$(FISHDIR)/$$name.fish; \
	done
	for page in $(PAGES)/man/*/*; do rm -f $(DESTDIR)$(MANDIR)/$${page#$(PAGES)/man/}; done
	rm -f $(DESTDIR)$(BINDIR)/tracewell
	rm -rf $(DESTDIR)$(DOCDIR) $(DESTDIR)$(LICENSEDIR)

static:
	@packaging/static

container: static
	@packaging/container

deb: programs sbom
	@packaging/deb/build

rpm: programs sbom
	@packaging/rpm/build

# Each is a command of its own, not a part of `make test`: they build again, or fetch Debian systems.
test-packages:
	@packaging/test-packages

test-install:
	@packaging/test-install

test-static: static
	@packaging/test-static

test-reproducible:
	@packaging/test-reproducible

test-supply:
	@packaging/cargo-tool deny --locked check bans licenses sources

test-advisories:
	@packaging/cargo-tool deny --locked check advisories
