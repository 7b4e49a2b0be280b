# Two commands from a fresh clone on Debian or Ubuntu with Python 3.11 or later:
#
#   make demo     make test
#
# Nothing is touched but this folder, temporary folders and, where no MariaDB server program is found
# and we are root, the package mariadb-server-core: a program, no service, no port, no data.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.SILENT:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

# The interpreter that .venv is made with; empty: the first one that is new enough.
PYTHON ?=
BIN := .venv/bin
# Most tests wait for a process of their own.
PARALLEL = --numprocesses $(or $(JOBS),3) --dist worksteal
INSTALLED := .venv/installed

.PHONY: help
help: ## Show this list
	awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: server $(INSTALLED) ## See it work: 25 orders, an ERP that misbehaves, a checked statement
	$(BIN)/erp-sidecar demo

.PHONY: test
test: server $(INSTALLED) ## Run the tests, JOBS=3 at a time
	status=0
	$(BIN)/python -m pytest -m 'not alone' $(PARALLEL) || status=$$?
	$(BIN)/python -m pytest -m alone || status=$$?
	exit $$status

# Where MySQL cannot be had it says why and skips; ERP_SIDECAR_REQUIRE_MYSQL=1 makes that an error.
# A few deaths of each kind: they take seconds.
.PHONY: test-mysql
test-mysql: $(INSTALLED) ## Run the tests whose result depends on the server on a MySQL too
	status=0
	[ -n "$${ERP_SIDECAR_MYSQL:-}" ] || tests/get-mysql.sh .mysql || status=$$?
	if [ "$$status" = 69 ] && [ -z "$${ERP_SIDECAR_REQUIRE_MYSQL:-}" ]; then
	  echo 'the tests on MySQL are skipped' >&2
	  exit 0
	elif [ "$$status" != 0 ]; then
	  exit "$$status"
	fi
	export ERP_SIDECAR_TEST_SERVER=mysql
	export ERP_SIDECAR_KILLS=$${ERP_SIDECAR_KILLS:-4} ERP_SIDECAR_PEER_KILLS=$${ERP_SIDECAR_PEER_KILLS:-1}
	export ERP_SIDECAR_NEWS_KILLS=$${ERP_SIDECAR_NEWS_KILLS:-4}
	export ERP_SIDECAR_HISTORIES=$${ERP_SIDECAR_HISTORIES:-10}
	export ERP_SIDECAR_STEPPED_ORDERS=$${ERP_SIDECAR_STEPPED_ORDERS:-10}
	$(BIN)/python -m pytest -m 'not any_server and not alone' $(PARALLEL) tests/database tests/crash || status=$$?
	$(BIN)/python -m pytest -m 'alone and not any_server' tests/database || status=$$?
	exit $$status

# make test makes each of the kit's tests with an adapter's first domain and one more: the calls of two differ in
# names only.
.PHONY: contract
contract: server $(INSTALLED) ## The whole conformance kit: each adapter, each domain, each fault
	ERP_SIDECAR_WHOLE_KIT=1 $(BIN)/python -m pytest $(PARALLEL) tests/contract

# Orders and refunds mixed: nothing lost, nothing doubled, whatever dies and when: 500 deaths of the daemon at
# random instants, 200 at named places of an order's way and 200 of a refund's, 50 freezes, 50 deaths of the
# database and 50 of the ERP, thousands of random steps.  And 1,000 orders that take several steps each (a login,
# lookups, a draft, a discount, a validation), while both sides die and answers are lost at each of these.
.PHONY: crash
crash: server $(INSTALLED) ## The long crash run, two hours and more; ERP_SIDECAR_TEST_SERVER=mysql for MySQL
	[ "$${ERP_SIDECAR_TEST_SERVER:-}" != mysql ] || tests/get-mysql.sh .mysql
	export ERP_SIDECAR_KILLS=$${ERP_SIDECAR_KILLS:-500}
	export ERP_SIDECAR_CRASHES_PER_PLACE=$${ERP_SIDECAR_CRASHES_PER_PLACE:-25}
	export ERP_SIDECAR_FREEZES=$${ERP_SIDECAR_FREEZES:-50} ERP_SIDECAR_PEER_KILLS=$${ERP_SIDECAR_PEER_KILLS:-50}
	export ERP_SIDECAR_HISTORIES=$${ERP_SIDECAR_HISTORIES:-300}
	export ERP_SIDECAR_NEWS_KILLS=$${ERP_SIDECAR_NEWS_KILLS:-100}
	export ERP_SIDECAR_ROUND_TRIP_KILLS=$${ERP_SIDECAR_ROUND_TRIP_KILLS:-50}
	export ERP_SIDECAR_STEPPED_ORDERS=$${ERP_SIDECAR_STEPPED_ORDERS:-1000}
	$(BIN)/python -m pytest --capture=no --verbose tests/crash

# Answers of ERPs mutated in names, types, nesting, case and blanks: nothing refused, nothing booked twice.
# FUZZ_SEED=7 begins elsewhere; a failure says with which number it can be seen again.  Each takes as long as
# its share of MUTATIONS does: no time-out.
.PHONY: fuzz
fuzz: $(INSTALLED) ## Mutate MUTATIONS=100000 answers (tests/fuzz)
	export MUTATIONS=$${MUTATIONS:-100000} FUZZ_SEED=$${FUZZ_SEED:-0}
	$(BIN)/python -m pytest --verbose --timeout 0 $(PARALLEL) tests/fuzz

# Figures with targets; prints and judges, changes nothing (BENCH_WRITE=1 renews docs/benchmarks.md).
.PHONY: bench
bench: server $(INSTALLED) ## Benchmarks: BENCH="throughput latency", BENCH_QUICK=1, BENCH_WRITE=1
	$(BIN)/python -m tests.bench $${BENCH:-}

.PHONY: soak
soak: server $(INSTALLED) ## A shop that sells and an ERP that misbehaves for MINUTES=30, half of it undisturbed
	$(BIN)/python -m tests.soak $${MINUTES:-30}

# REVISION=2 for another package of the same version, PYTHON=/usr/bin/python3.12 for another Python.
.PHONY: deb
deb: ## Build dist/magento-erp-sidecar_VERSION_ARCH.deb for this machine's system
	packaging/deb/build.sh

# As root, on a machine that may be thrown away: it installs, upgrades and purges the package.
.PHONY: acceptance-deb
acceptance-deb: server $(INSTALLED) ## Build, install, run, upgrade and purge the package on this machine
	ERP_SIDECAR_PACKAGES=1 $(BIN)/python -m pytest --verbose tests/packages

# As root: debootstrap and systemd-nspawn make the machine, in a temporary folder that is removed.
# The first time it is downloaded; ERP_SIDECAR_DEBOOTSTRAP names the folder that keeps it, ERP_SIDECAR_DEB
# a package that is built already.
.PHONY: acceptance-systemd
acceptance-systemd: $(INSTALLED) ## The package in a container with a real systemd; minutes, as root
	export ERP_SIDECAR_SYSTEMD=1
	export ERP_SIDECAR_DEBOOTSTRAP=$${ERP_SIDECAR_DEBOOTSTRAP:-$(CURDIR)/.debootstrap}
	$(BIN)/python -m pytest --verbose -rs tests/systemd

# The first time they are downloaded into .erps (or ERP_SIDECAR_ERPS_FOLDER): Odoo 19 from Debian's suite sid, 1.5 GB,
# and Tryton from PyPI.
.PHONY: acceptance-erps
acceptance-erps: server $(INSTALLED) ## The packs against real ERPs on this machine; minutes
	ERP_SIDECAR_ERPS=1 $(BIN)/python -m pytest --verbose -rs --timeout 900 tests/erps

.PHONY: check
check: server $(INSTALLED) ## What CI runs first: lint, then the tests, also when lint found something
	status=0
	$(MAKE) --no-print-directory lint || status=$$?
	$(MAKE) --no-print-directory test || status=$$?
	exit $$status

.PHONY: lint
lint: $(INSTALLED) ## Formatting, lint, types, direction of imports
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: format
format: $(INSTALLED) ## Format the code, mend what ruff can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: docs
docs: schemas man ## Write the generated documents anew: configuration, doctor, payload, JSON Schemas, manual
	$(BIN)/python -m tests.unit.test_settings_generate
	$(BIN)/python -m tests.unit.test_doctor_documented
	$(BIN)/python -m tests.unit.test_payload_documented
	$(BIN)/python -m tests.unit.test_news_documented

.PHONY: schemas
schemas: $(INSTALLED) ## Write docs/schemas anew from the payload types
	$(BIN)/python -m tests.unit.test_event_schemas

.PHONY: man
man: $(INSTALLED) ## Write docs/man anew from the commands and the settings
	$(BIN)/python -m tests.unit.test_manual

.PHONY: pictures
pictures: server $(INSTALLED) ## Draw docs/images anew from a run of the demonstration
	$(BIN)/python -m tests.pictures

.PHONY: venv
venv: $(INSTALLED) ## Make .venv and install into it (only when something changed)

.PHONY: clean
clean: ## Remove .venv and what the tools left behind
	rm -rf .venv .mysql .mysql.new .debootstrap .erps build dist *.egg-info .*_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A venv that was interrupted, or whose Python went with an upgrade of the system, is made anew.
$(INSTALLED): pyproject.toml constraints.txt
	if ! $(BIN)/python -m pip --version >/dev/null 2>&1; then
	  for python in $(or $(PYTHON),python3 python3.14 python3.13 python3.12 python3.11) none; do
	    "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && break
	  done
	  if [ "$$python" = none ]; then
	    echo 'Python 3.11 or later was not found. As root: apt-get install python3'
	    echo '(Debian 12, Ubuntu 24.04), or name one: make PYTHON=/path/to/python3.11'
	    exit 1
	  fi
	  if ! "$$python" -c 'import ensurepip, venv' 2>/dev/null; then
	    package=$$("$$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
	    echo "$$python cannot make a venv. As root: apt-get install $$package"
	    exit 1
	  fi
	  echo "making .venv with $$("$$python" --version) …"
	  "$$python" -m venv --clear .venv
	fi >&2
	echo 'installing into .venv …' >&2
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
	  --constraint constraints.txt --editable '.[dev]'
	touch $@

# Demonstration and tests start a private server of their own: they need MariaDB's program only.
.PHONY: server
server:
	if PATH="$$PATH:/usr/sbin:/usr/local/sbin" command -v mariadbd >/dev/null; then exit 0; fi
	if [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
	  echo 'No MariaDB server program (mariadbd) was found. As root: apt-get install mariadb-server-core'
	  echo 'That is a program only: it sets up no service and opens no port.'
	  exit 1
	fi >&2
	echo 'installing the package mariadb-server-core (a program: no service, no port) …' >&2
	log=$$(mktemp)
	trap 'rm -f "$$log"' EXIT
	install() {
	  DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends \
	    mariadb-server-core >"$$log" 2>&1
	}
	install || { apt-get update >/dev/null 2>&1 && install; } || { cat "$$log" >&2; exit 1; }
