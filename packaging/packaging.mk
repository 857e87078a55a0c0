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
DOCUMENTS := README.md CHANGELOG.md
# Made by `make sbom` and `make notices`, which need tools that a distribution may not have: installed if they are there.
MADE_DOCUMENTS := target/sbom.cdx.json target/THIRD-PARTY.txt
LICENSES := LICENSE-APACHE LICENSE-MIT bpf/LICENSE.BSD-2-Clause bpf/LICENSE.GPL-2.0

# Programs are built once, and pages made once, whatever is asked for at a time; cargo and make find their own jobs.
.NOTPARALLEL:

.PHONY: programs pages sbom notices dist install uninstall static container deb rpm setup-deb setup-rpm
.PHONY: test-packages test-install test-static test-reproducible test-msrv test-supply test-lintian test-advisories test-release

# The released program, the manual pages and the completions. Takes no network where the crates are there, no
# privilege and no git.
programs:
	CARGO="$(CARGO)" packaging/cargo build --release $(CARGO_FLAGS) -p tracewell
	@$(MAKE) --no-print-directory pages

# Its own step, as a cross build makes the pages by a program of this machine.
pages:
	CARGO="$(CARGO)" packaging/cargo build --release $(CARGO_FLAGS) -p tracewell-packaging --bin pages
	rm -rf $(PAGES)
	SOURCE_DATE_EPOCH="$$(packaging/epoch)" $(TARGET_DIR)/release/pages docs $(PAGES)

# The list of the crates in the program, in CycloneDX's form, and their notices and licences.
sbom:
	@./setup package
	@CARGO="$(CARGO)" CARGO_FLAGS="$(CARGO_FLAGS)" packaging/sbom

notices:
	@./setup package
	@CARGO="$(CARGO)" CARGO_FLAGS="$(CARGO_FLAGS)" packaging/notices

# The sources with all crates, from which `make programs CARGO_FLAGS=--frozen` builds without a network.
dist:
	@packaging/dist

# Copies what `make programs` made, and builds nothing: it may run as another user. What another package or hand put
# where a tool's link goes is not replaced.
install:
	@[ -x $(PROGRAMS)/tracewell ] && [ -e $(PAGES)/tools ] || { echo "run make programs first" >&2; exit 1; }
	@for tool in $$(cat $(PAGES)/tools); do \
		link=$(DESTDIR)$(BINDIR)/$$tool; \
		[ ! -e $$link ] && [ ! -L $$link ] || [ "$$(readlink $$link)" = tracewell ] || \
			{ echo "$$link is there already, and not a link to tracewell: remove it, or set BINDIR" >&2; exit 1; }; \
	done
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
	$(INSTALL) -m 644 $(DOCUMENTS) $(wildcard $(MADE_DOCUMENTS)) $(DESTDIR)$(DOCDIR)
	$(INSTALL) -m 644 docs/* $(DESTDIR)$(DOCDIR)/docs
	$(INSTALL) -m 644 $(LICENSES) $(DESTDIR)$(LICENSEDIR)

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
	rm -f $(addprefix $(DESTDIR)$(DOCDIR)/,$(notdir $(DOCUMENTS) $(MADE_DOCUMENTS)) $(wildcard docs/*))
	rm -f $(addprefix $(DESTDIR)$(LICENSEDIR)/,$(notdir $(LICENSES)))
	for directory in $(DOCDIR)/docs $(DOCDIR) $(LICENSEDIR); do \
		[ ! -d $(DESTDIR)$$directory ] || rmdir --ignore-fail-on-non-empty $(DESTDIR)$$directory || exit; \
	done

# With the notices of what it holds beside it.
static:
	@./setup package
	@CARGO="$(CARGO)" packaging/static $(CARGO_FLAGS)
	@CARGO="$(CARGO)" CARGO_FLAGS="$(CARGO_FLAGS)" packaging/notices --static

container: static
	@packaging/container

deb rpm: %: setup-% programs sbom notices
	@packaging/$@/build

setup-deb setup-rpm:
	@./setup $(@:setup-%=%)

# tests/run runs the first two with all other tests; the rest is for a release.
test-packages: deb rpm
	@packaging/test-packages

test-static: static
	@packaging/test-static

test-install:
	@packaging/test-install

test-reproducible:
	@packaging/test-reproducible

test-msrv:
	@packaging/test-msrv

test-supply:
	@packaging/test-supply

# Debian's own check of a package. Of what is only asked of packages that enter Debian, it is not to speak.
test-lintian: deb
	@./setup release
	lintian --allow-root --fail-on error,warning --suppress-tags initial-upload-closes-no-bugs target/debian/*.deb

test-advisories:
	@packaging/cargo-tool deny --locked check advisories

test-release:
	@tests/run release
