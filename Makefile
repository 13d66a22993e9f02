# make demo   the whole story on an emulated Ledger
# make test   everything that is promised, checked
# make bench  how fast files are opened and sealed, beside PyNaCl, tweetnacl and cp
# make bench-bridge  what the bridge costs while it idles, and how soon it answers
# make        the program, in target/release
.DELETE_ON_ERROR:
.PHONY: build test demo test-speculos test-usb prerequisites lint unit fuzz usb usb-programs install clean
.PHONY: client browser program test-client test-browser screenshots
.PHONY: bench bench-bridge bench-primitives bench-prerequisites

CARGO := cargo
TARGET := $(or $(CARGO_TARGET_DIR),target)
# In CI nothing may be missing.
SKIP := $(if $(CI),exit 1,exit 0)

build: prerequisites
	$(CARGO) build --locked --release

demo: prerequisites
	$(CARGO) run --locked -- demo

test: prerequisites lint unit client browser fuzz usb
	@echo "make test: all promises kept"

prerequisites:
	@command -v $(CARGO) >/dev/null || { echo "Rust is missing: https://rustup.rs, or apt install cargo (1.89 or newer)"; exit 1; }
	@for tool in cc make; do command -v $$tool >/dev/null || { \
	  echo "$$tool is missing; libsodium is built with it: sudo apt-get install build-essential"; exit 1; }; done
	@pkg-config --exists libudev 2>/dev/null || { \
	  echo "libudev's headers are missing; the USB library is built with them: sudo apt-get install pkg-config libudev-dev"; exit 1; }

lint:
	@if $(CARGO) fmt --version >/dev/null 2>&1; then $(CARGO) fmt --check; else \
	  echo "*** SKIPPED: formatting: rustfmt is not installed ***"; $(SKIP); fi
	@if $(CARGO) clippy --version >/dev/null 2>&1; then \
	  $(CARGO) clippy --locked --all-targets --all-features -- -D warnings; else \
	  echo "*** SKIPPED: clippy is not installed ***"; $(SKIP); fi
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --no-deps --document-private-items

unit:
	$(CARGO) test --locked --all-features

fuzz:
	@if command -v c++ >/dev/null; then CARGO_TARGET_DIR="$${CARGO_TARGET_DIR:-target}/fuzz" fuzz/run-seeds; else \
	  echo "*** SKIPPED: fuzz targets: no C++ compiler (apt-get install g++) ***"; $(SKIP); fi

# Fake Ledgers as true USB devices in a virtual machine with Debian's kernel. 77: it cannot be had here, as it has said.
usb: usb-programs
	@status=0; { tests/usb/lab run && tests/usb/lab run --systemd; } || status=$$?; case $$status in \
	  0) ;; \
	  77) echo "*** SKIPPED: USB: see above ***"; $(SKIP) ;; \
	  *) exit $$status ;; esac

test-usb: usb-programs
	tests/usb/lab run
	tests/usb/lab run --systemd

usb-programs: prerequisites
	$(CARGO) build --locked --all-features --bin saltbridge --example usb-lab

# The program as the tests of JavaScript use it.
program: prerequisites
	$(CARGO) build --locked --all-features --bin saltbridge

# The JavaScript client: its types and its tests, some of them against the program; the types of the bridge's own pages.
client: program
	@if command -v node >/dev/null && command -v npm >/dev/null; then $(MAKE) --no-print-directory test-client; else \
	  echo "*** SKIPPED: the JavaScript client: node or npm is missing (apt-get install nodejs npm) ***"; $(SKIP); fi

CLIENT_NODE := web/client/node_modules/.package-lock.json
test-client: program $(CLIENT_NODE)
	npm --prefix web/client run --silent check
	web/client/node_modules/.bin/tsc -p web/tsconfig.json
	SALTBRIDGE="$(abspath $(TARGET))/debug/saltbridge" npm --prefix web/client run --silent test

$(CLIENT_NODE): web/client/package.json web/client/package-lock.json
	npm ci --prefix web/client --ignore-scripts --no-audit --no-fund
	@touch $@

# Web pages in Chromium and Firefox. 77: they cannot be had here, as it has said.
browser: program
	@status=0; tests/browser/lab run || status=$$?; case $$status in \
	  0) ;; \
	  77) echo "*** SKIPPED: browsers: see above ***"; $(SKIP) ;; \
	  *) exit $$status ;; esac

test-browser: program
	tests/browser/lab run

# The pictures in docs/screenshots, by Chromium.
screenshots: program
	tests/browser/lab screenshots

# Against Ledger's own emulator and a real app, which cannot be shipped: make test-speculos APP=ethereum.elf MODEL=nanosp
SPECULOS := $(TARGET)/speculos/bin/speculos
test-speculos: prerequisites $(SPECULOS)
	@test -f "$(APP)" || { echo "APP names no app: make test-speculos APP=ethereum.elf MODEL=nanosp"; exit 2; }
	@command -v qemu-arm-static >/dev/null || { \
	  echo "qemu-arm-static is missing; Speculos runs apps with it: sudo apt-get install qemu-user-static"; exit 1; }
	SALTBRIDGE_SPECULOS="$(abspath $(SPECULOS))" SALTBRIDGE_SPECULOS_APP="$(abspath $(APP))" \
	SALTBRIDGE_SPECULOS_MODEL="$(or $(MODEL),nanosp)" \
	$(CARGO) test --locked --test any_device_does_the_same -- --test-threads 1

$(SPECULOS):
	@python3 -m venv "$(TARGET)/speculos" || { echo "sudo apt-get install python3-venv"; exit 1; }
	"$(TARGET)/speculos/bin/pip" install --quiet speculos==0.27.1

# Smaller: make bench BENCH="--size 64M --rounds 3 --only tmpfs"; benches/files/bench.py --help
BENCH_PYTHON := $(TARGET)/bench/venv/requirements.txt
BENCH_NODE := $(TARGET)/bench/node_modules/.package-lock.json
bench: prerequisites bench-prerequisites $(BENCH_PYTHON) $(BENCH_NODE)
	$(CARGO) build --locked --release --bin saltbridge --example plain-files
	python3 benches/files/bench.py --target "$(TARGET)" $(BENCH)

# Smaller: make bench-bridge BENCH="--size 16M --seconds 2"; benches/bridge/bench.py --help
bench-bridge: prerequisites
	@command -v python3 >/dev/null || { echo "python3 is missing: sudo apt-get install python3"; exit 1; }
	$(CARGO) build --locked --release --bin saltbridge --example bridge-load
	python3 benches/bridge/bench.py --target "$(TARGET)" $(BENCH)

bench-primitives: prerequisites
	$(CARGO) bench --locked --bench primitives $(if $(BENCH),-- $(BENCH))

bench-prerequisites:
	@for tool in python3:python3-venv node:nodejs npm:npm; do command -v $${tool%:*} >/dev/null || { \
	  echo "$${tool%:*} is missing: sudo apt-get install $${tool#*:}"; exit 1; }; done
	@env time -f %M true 2>/dev/null || { \
	  echo "GNU time is missing; it tells peak memory: sudo apt-get install time"; exit 1; }

$(BENCH_PYTHON): benches/files/requirements.txt
	@python3 -m venv "$(TARGET)/bench/venv" || { echo "sudo apt-get install python3-venv"; exit 1; }
	"$(TARGET)/bench/venv/bin/pip" install --quiet --requirement $<
	@cp $< $@

$(BENCH_NODE): benches/files/package.json benches/files/package-lock.json
	@mkdir -p "$(TARGET)/bench" && cp $^ "$(TARGET)/bench"
	npm ci --prefix "$(TARGET)/bench" --ignore-scripts --no-audit --no-fund
	@touch $@

install: prerequisites
	$(CARGO) install --locked --path .

clean:
	$(CARGO) clean
