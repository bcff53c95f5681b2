# Everything Python runs in .venv, which the targets make for themselves.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
PEERS := .venv-interoperability/bin
READERS := .venv-docs/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_ROOT_USER_ACTION := ignore

.PHONY: help demo test test-core test-python test-arm64 test-interoperability check format generate \
	sanitize fuzz bench docs examples site clean build prerequisites

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-24s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: build ## Build, then segment a phantom and compare searches: mask, pictures and report in demo-output
	$(BIN)/spars demo --output demo-output

test: test-core test-python ## Run the Swift tests, then the Python tests

test-core: prerequisites ## Run the Swift tests; kernels are too slow to test without optimisation
	SPARS_OVERSUBSCRIBE=1 swift test --configuration release
	for set in baseline x86-64-v3; do \
		SPARS_OVERSUBSCRIBE=1 SPARS_CPU=$$set swift test --configuration release --skip-build \
			--filter FirstLayerTests; \
	done

test-python: build $(BIN)/pytest ## Run the Python tests
	$(BIN)/pytest

test-arm64: prerequisites ## Build the core for arm64 and compare its numbers under an emulator
	PYTHON=$(PYTHON) bash scripts/check_arm64.sh

test-interoperability: prerequisites $(PEERS)/pytest ## Run the tests against other libraries
	$(PEERS)/python setup.py -q build_ext --inplace
	$(PEERS)/pytest Tests/python/interoperability

check: $(BIN)/ruff ## Check style, formatting, types and the repository's own rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	swift format lint --strict --recursive --parallel Package.swift Sources Tests
	$(PYTHON) scripts/generate_abi --check
	bash scripts/check_shim.sh
	$(PYTHON) scripts/check.py

sanitize: build $(BIN)/pytest ## Run tests under the address and the thread sanitizer
	PYTHON=$(BIN)/python bash scripts/sanitize.sh

fuzz: build ## Fuzz what reads files, guided by coverage: a minute for each reader
	PYTHON=$(BIN)/python bash scripts/fuzz.sh

format: $(BIN)/ruff ## Format the sources
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .
	swift format --in-place --recursive --parallel Package.swift Sources Tests

generate: ## Make headers, shim, stub and names from the description of the C ABI
	$(PYTHON) scripts/generate_abi

bench: build ## Run the benchmarks
	$(BIN)/python Benchmarks/run.py

docs: prerequisites $(READERS)/sphinx-build ## Check documents' links, and examples there and in docstrings
	$(READERS)/python setup.py -q build_ext --inplace
	$(READERS)/python scripts/check_docs.py
	$(READERS)/python scripts/check_examples.py

examples: prerequisites $(PEERS)/jupytext ## Execute the notebooks of examples into build/examples
	$(PEERS)/python setup.py -q build_ext --inplace
	$(PEERS)/python scripts/run_examples.py

site: prerequisites $(READERS)/sphinx-build ## Build the documentation site in build/site/html
	$(READERS)/python setup.py -q build_ext --inplace
	$(READERS)/python scripts/make_site.py

clean: ## Remove what was built; the virtual environments too
	rm -rf .build .build-* .venv .venv-docs .venv-interoperability build dist demo-output
	rm -rf python/*.egg-info python/spars/*.so
	find python Tests scripts Benchmarks -name __pycache__ -prune -exec rm -rf {} +

prerequisites:
	@PYTHON=$(PYTHON) bash scripts/prerequisites.sh

build: prerequisites $(BIN)/spars
	$(BIN)/python setup.py -q build_ext --inplace

$(BIN)/python: | prerequisites
	$(PYTHON) -m venv .venv
	$(BIN)/pip install -q -U pip "setuptools>=77"

$(BIN)/spars: pyproject.toml setup.py | $(BIN)/python
	$(BIN)/pip install -q --no-build-isolation -e ".[report,progress]"
	@touch $@

$(BIN)/pytest: pyproject.toml | $(BIN)/python
	$(BIN)/pip install -q --group test
	@touch $@

$(BIN)/ruff: pyproject.toml | $(BIN)/python
	$(BIN)/pip install -q --group lint
	@touch $@

# Examples use what the extras bring, which no test must depend on.
$(READERS)/spars: pyproject.toml setup.py | prerequisites
	$(PYTHON) -m venv .venv-docs
	$(READERS)/pip install -q -U pip "setuptools>=77"
	$(READERS)/pip install -q --no-build-isolation -e ".[all]"
	@touch $@

$(READERS)/sphinx-build: pyproject.toml | $(READERS)/spars
	$(READERS)/pip install -q --group site
	@touch $@

$(PEERS)/pytest: pyproject.toml setup.py | prerequisites
	$(PYTHON) -m venv .venv-interoperability
	$(PEERS)/pip install -q -U pip "setuptools>=77"
	$(PEERS)/pip install -q --no-build-isolation -e ".[all]" --group test --group interoperability
	@touch $@

$(PEERS)/jupytext: pyproject.toml | $(PEERS)/pytest
	$(PEERS)/pip install -q --group examples
	@touch $@
