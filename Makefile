# SPDX-License-Identifier: MIT OR Apache-2.0
# make run and make test are all that a user needs; each installs what is missing.

TOOL ?= execsnoop
ARGS ?= --duration 5

# Tracing needs privilege, building does not.
AS_ROOT := $(if $(filter 0,$(shell id -u)),,sudo)

.PHONY: help run build test check-tool test-host test-kernels soak fuzz lint fmt bench clean

help:
	@echo "make run           build, then trace what this machine does (TOOL=$(TOOL) ARGS='$(ARGS)')"
	@echo "make test          everything: lints, unit and end-to-end tests, the kernel matrix, packages"
	@echo "make check-tool TOOL=opensnoop    one tool's tests on this machine (KERNELS='5.10 7.3': and in these)"
	@echo "make test-host     the part on this machine alone: lints, unit and end-to-end tests"
	@echo "make test-kernels  the kernel matrix (KERNELS='6.1 6.12' for some, ARCH=aarch64 or riscv64 for its kernels)"
	@echo "make test-release  what a release needs besides: an offline build, the same bytes twice, the oldest Rust, licences"
	@echo "make soak          long storms: does the account hold, does a tool grow (TRACEWELL_SOAK=120 seconds each)"
	@echo "make fuzz          each fuzz target for a while (FUZZ_SECONDS=60)"
	@echo "make bench         the comparison with Debian's libbpf-tools"
	@echo "make build         the released program and a link for each tool, in target/release"
	@echo "make lint | fmt    check or mend the form of the sources"
	@echo "make programs | install | static | container | deb | rpm | dist"
	@echo "                   for packagers: docs/packaging.md"

build:
	@./setup build
	packaging/cargo build --release --locked
	@packaging/links $(TARGET_DIR)/release

# On a quiet machine nothing would be seen: a few programs are started meanwhile.
run: build
	@echo "$(TOOL) $(ARGS), while a few programs start:"
	@(for i in 1 2 3 4; do sleep 1; /bin/ls / >/dev/null; /bin/uname >/dev/null; done) & \
	$(AS_ROOT) target/release/$(TOOL) $(ARGS); status=$$?; wait; exit $$status

test:
	@tests/run lint host kernels packages

check-tool:
	@tests/check-tool $(TOOL) $(KERNELS)

test-host:
	@tests/run lint host

test-kernels:
	@tests/run kernels

soak: build
	@./setup test
	cargo test -p tracewell-tests --test e2e --locked -- --ignored --nocapture --test-threads 1 soak::

FUZZ_SECONDS ?= 60

fuzz:
	@for target in record escape log asked; do fuzz/run $$target $(FUZZ_SECONDS) || exit 1; done

lint:
	@tests/run lint

fmt:
	@./setup test
	cargo fmt --all
	cargo run --locked -q -p tracewell-packaging --bin describe -- docs
	find bpf -name "*.[ch]" -exec clang-format -i {} +

bench: build
	@./setup bench
	$(AS_ROOT) target/release/compare

clean:
	cargo clean

include packaging/packaging.mk
