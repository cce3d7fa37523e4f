# Two commands on a fresh machine: `make run` opens the program, `make test` runs all checks.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
# the CUDA libraries that onnxruntime-gpu loads are 2 GB: only where there is an NVIDIA driver
comma  := ,
NVIDIA := $(wildcard /proc/driver/nvidia/version)
PATHS  ?=
PHOTOS ?=
GPU    ?=
MINUTES ?= 30
SEED   ?=
KIND   := $(if $(GPU),cuda,cpu)

# Ray's tests, with Ray, which the other tests do without
RAY_TESTS := tests/app/core/batch/test_ray_runner.py tests/reliability/test_nothing_leaves.py

.PHONY: help run test test-ray test-all fuzz reliability bench package lint clean

help:
	@echo "Each of these makes the environment (.venv) first where it is missing."
	@echo "make run          open the window (PATHS='photo.jpg folder' opens these)"
	@echo "make lint         ruff, import-linter, vulture and mypy"
	@echo "make test         lint, then the fast tests"
	@echo "make test-all     test, then the slow tests"
	@echo "make test-ray     install Ray too (200 MB) and run its tests"
	@echo "make reliability  kill every command again and again, and print what was lost"
	@echo "make fuzz         damaged and made-up files for every reader, for MINUTES (30); SEED=N repeats an earlier run"
	@echo "make bench        time and memory of selection, map and large galleries; PHOTOS=DIR: also of the window"
	@echo "make package      the program as one folder, dist/marque-cpu (GPU=1: dist/marque-cuda), and try it out"
	@echo "make clean        remove the environment, what the tools left behind, and dist"

$(BIN)/python:
	sh packaging/create-environment.sh $(PYTHON) $(VENV)

$(VENV)/.app: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable ".$(if $(NVIDIA),[gpu])"
	$(BIN)/python packaging/system_libraries.py
	@touch $@

$(VENV)/.dev: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable ".[train,dev$(if $(NVIDIA),$(comma)gpu)]"
	$(BIN)/python packaging/system_libraries.py
	@touch $@ $(VENV)/.app

run: $(VENV)/.app
	$(BIN)/marque $(PATHS)

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/vulture
	$(BIN)/mypy

# a process for each processor; files are not divided, as the tests of one share what they train
test: lint
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile

test-ray: $(VENV)/.dev
	$(BIN)/python -m pip install --quiet --editable ".[ray]"
	$(BIN)/python -m pytest -m "slow or not slow" -k "ray or distributed" $(RAY_TESTS)

reliability: $(VENV)/.dev
	$(BIN)/python -m tests.reliability.kill_loop

test-all: test
	$(BIN)/python -m pytest -m slow

fuzz: $(VENV)/.dev
	$(BIN)/python -m tests.reliability.fuzz $(MINUTES) $(SEED)

bench: $(VENV)/.dev
	$(BIN)/python -m tests.bench.selection
	$(BIN)/python -m tests.bench.explore
	$(BIN)/python -m tests.bench.gallery
	$(if $(PHOTOS),$(BIN)/python -m tests.bench.review $(PHOTOS))

package: $(VENV)/.app
	$(BIN)/python -m pip install --quiet --editable ".[package$(if $(GPU),$(comma)gpu)]"
	$(BIN)/pyinstaller packaging/marque-$(KIND).spec --distpath dist --workpath build/pyinstaller --noconfirm --log-level ERROR
	$(BIN)/python packaging/smoke.py dist/marque-$(KIND)

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
