# The interface for people and for CI. `make demo` and `make test` need Python 3.10+ and nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CORE := $(VENV)/core-installed
INSTALLED := $(VENV)/installed
RIVALS := $(VENV)/rivals-installed
PEERS := $(VENV)/peers-installed
# Options of `make bench`, such as BENCH='--only a,d --rounds 3'.
BENCH ?=
# Options of `make fuzz`, such as FUZZ='--seed 7 --only csv,json' or FUZZ='--replay .fuzz/csv-7-12.json'.
FUZZ ?= --cases 100000
# Options of `make evaluate-baseline`, such as BASELINE=--why.
BASELINE ?=

.PHONY: demo test check lint types fmt bench bench-watch fuzz faults evaluate evaluate-logs evaluate-baseline evaluate-peers evaluate-watch samples snapshots readme clean

demo: $(CORE)  ## install, diagnose the sample logs, watch a script that fails
	$(BIN)/gradcheck analyze sample_logs --fail-on never
	$(BIN)/gradcheck watch --fail-on never sample_logs/train_spectra.py

test: $(INSTALLED)  ## the whole test suite
	$(BIN)/python -m pytest -n auto --dist loadgroup

check: lint types test  ## what CI runs

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m tests.readme --check

types: $(INSTALLED)
	$(BIN)/mypy

fmt: $(INSTALLED)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(RIVALS)  ## CPU and memory beside other tools; minutes, and 2.5 GB of temporary files
	$(BIN)/python -m tests.bench $(BENCH)

bench-watch: $(INSTALLED)  ## what watching costs, beside anomaly detection; ten minutes
	$(BIN)/python -W ignore -m tests.watched.bench --keep $(BENCH)

fuzz: $(INSTALLED)  ## read 100,000 damaged logs; a quarter of an hour, findings in .fuzz/
	$(BIN)/python -m tests.fuzz $(FUZZ)

evaluate-peers: $(PEERS)  ## other tools on the fault suite, into the README; a quarter of an hour
	$(BIN)/python -m tests.evaluation.peers

faults: $(INSTALLED)  ## train the runs of tests/faults/ into .faults/; half an hour the first time
	$(BIN)/python -m tests.faults

evaluate: faults  ## fit the weights with recipes left out, score them, write weights and README
	$(BIN)/python -m tests.evaluation --keep

evaluate-baseline: $(INSTALLED)  ## how often --baseline is right: trains 600 small runs, ten minutes
	$(BIN)/python -m tests.evaluation.baseline $(BASELINE)

evaluate-logs: $(INSTALLED)  ## diagnose logs whose authors had not seen the tool; seconds
	$(BIN)/python -m tests.strangers --keep

evaluate-watch: faults  ## watch every script and recipe whose fault is known; half an hour
	$(BIN)/python -m tests.watched scripts --keep
	$(BIN)/python -m tests.watched recipes --keep

samples: $(INSTALLED)  ## retrain the small networks behind sample_logs/
	$(BIN)/python -m tests.samples

snapshots: $(INSTALLED)  ## rewrite tests/snapshots; the diff is the review
	UPDATE_SNAPSHOTS=1 $(BIN)/python -m pytest tests/reports -q

readme: $(INSTALLED)  ## rewrite the README's command output between its markers
	$(BIN)/python -m tests.readme

clean:
	rm -rf $(VENV)

$(CORE): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

$(INSTALLED): $(CORE)
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $@

$(RIVALS): $(INSTALLED)
	$(BIN)/python -m pip install --quiet --editable '.[bench]'
	touch $@

$(PEERS): $(INSTALLED)
	$(BIN)/python -m pip install --quiet --editable '.[peers]'
	touch $@
