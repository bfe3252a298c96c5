# The only entry to this repository. `make` alone prints what there is; every target prepares .venv first if its locks changed.

.DEFAULT_GOAL := help
.SUFFIXES:

# Any CPython from 3.11 on; name another with `make PYTHON=/path/to/python3.12 …`.
PYTHON ?=
# Passed through to the command behind a target: `make demo ARGS=--no-wait`, `make test ARGS="tests/unit -x"`.
ARGS ?=
SYNC_RUNS ?= 5000

BIN := .venv/bin
# The name of the stamp is the checksum of everything .venv is made from, so an unchanged environment costs one cksum.
INGREDIENTS := $(wildcard requirements/*.txt) pyproject.toml tools/environment.py
READY := .venv/.ready-$(shell { pwd; cat $(INGREDIENTS); } | cksum | cut -d' ' -f1)

##@ Run
demo: web  ## Start a whole shop on this machine, with thirty days of sales (ARGS=--no-wait returns at once)
	@$(BIN)/python -m payme.entrypoints.demo $(ARGS)

demo-stop: $(READY)  ## Stop what `make demo` started
	@$(BIN)/python -m payme.entrypoints.demo --stop

web: $(READY)  ## Build the till, where anything changed (make demo and make test do it too)
	@$(BIN)/python -m tools.web build

##@ Prove
test: web  ## Every test, in parallel and random order (ARGS="tests/unit -x" narrows)
	@$(BIN)/python tools/ensure_chromium.py
	@$(BIN)/python -m pytest -n logical --maxprocesses 8 $(ARGS)

e2e: web  ## The browser tests alone
	@$(BIN)/python tools/ensure_chromium.py
	@$(BIN)/python -m pytest -m browser $(ARGS)

faults: $(READY)  ## Break everything on purpose, at whole counts, into tests/out/faults.json (ARGS="21 22" names rows)
	@$(BIN)/python -m tools.faults $(ARGS)

month: $(READY)  ## A month of 20,000 sales and every trouble, proved to the cent (ARGS="--seed 7" repeats one)
	@PYTHONPATH=src:simulator:. $(BIN)/python -m tests.month $(ARGS)

soak: $(READY)  ## The same month with 100,000 sales, then soak-sync
	@PYTHONPATH=src:simulator:. $(BIN)/python -m tests.month --sales 100000 --name soak $(ARGS)
	@$(MAKE) --no-print-directory soak-sync ARGS=

soak-sync: $(READY)  ## 5,000 random deliveries of what tills did, each against the counter (SYNC_RUNS=1000 shortens)
	@PAYME_SYNC_RUNS=$(SYNC_RUNS) $(BIN)/python -m pytest tests/properties/sync -n 2 --dist worksteal $(ARGS)

mutants: $(READY)  ## Break the code in named places, and see its tests go red (ARGS="02 21" narrows)
	@$(BIN)/python -m tools.mutants $(ARGS)

gut: $(READY)  ## Empty every rule and service in turn, and see a test notice (ARGS=--flips: single signs)
	@$(BIN)/python -m tools.gutting $(ARGS)

check: $(READY)  ## Everything that can be said without running the code (ARGS="lint types" narrows)
	@$(BIN)/python -m tools.check $(ARGS)

bench: $(READY)  ## Load, limits and their ratios, into bench/out/latest.json (ARGS=--quick tries it in two minutes)
	@$(BIN)/python -m bench $(ARGS)

security: $(READY)  ## What independent examiners say of code, locks, workflows and deployment (ARGS="bandit" narrows)
	@$(BIN)/python -m tools.security $(ARGS)

image-check: $(READY)  ## Build the Dockerfile without a container engine and start what comes out (root, buildah, debootstrap)
	@PAYME_BUILD_IMAGE=1 $(BIN)/python -m pytest tests/deploy/test_built_image.py $(ARGS)

##@ Change
fmt: $(READY)  ## Format the code and apply the safe fixes
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format --quiet .

docs: $(READY)  ## Write the generated parts of the documentation anew
	@$(BIN)/python -m tools.generate_docs

lock: $(READY)  ## Resolve pyproject.toml anew into requirements/*.txt
	@$(BIN)/python -m tools.lock $(ARGS)

clean:  ## Remove .venv and every cache (a running demo keeps its data; stop it first)
	@rm -rf .venv .cache web/node_modules src/payme/web .pytest_cache .ruff_cache .import_linter_cache .hypothesis tests/out bench/out
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

help:  ## Print this
	@awk 'BEGIN { FS = ":.*## " } \
		/^##@ / { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z][a-z0-9-]*:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.venv/.ready-%:
	@python="$(PYTHON)"; \
	for candidate in python3.11 python3.12 python3.13 python3.14 python3; do \
		test -n "$$python" && break; \
		"$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && python="$$candidate"; \
	done; \
	test -n "$$python" || { echo 'PayMe needs Python 3.11 or newer; none was found in PATH.' >&2; exit 1; }; \
	"$$python" tools/environment.py --stamp "$@"

.PHONY: help demo demo-stop web test e2e faults month soak soak-sync mutants gut bench check security image-check fmt docs lock clean
