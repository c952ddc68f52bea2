# `make demo` and `make test` work from a fresh checkout; `make help` lists the rest, which is for development.

PYTHON ?= python3.11
VENV ?= .venv
EXAMPLES ?= 2000
BIN := $(VENV)/bin
FUZZ_S ?= 600
FUZZ_EXAMPLES ?= 20000
INSTALLED := $(VENV)/.installed
.DEFAULT_GOAL := help

.PHONY: help demo test run check corpus fuzz format bench siege pressure size image-size compose-proof events-proof webhook-proof scale-proof probes faults soak poison model mutants screenshot gallery

help:            ## print this list
	@grep -E '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed 's/:.*##/ -/'

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --disable-pip-version-check --quiet -c constraints.txt torch
	$(BIN)/pip install --disable-pip-version-check --quiet -c constraints.txt -e ".[training,embedded,otel,dev]"
	touch $@

demo: $(INSTALLED)   ## install, start everything, read a sheet of drawn characters, stop
	$(BIN)/inkqueue demo

run: $(INSTALLED)    ## serve on port 8000 until Ctrl-C
	$(BIN)/inkqueue up

test: $(INSTALLED)   ## the test suite, in three processes, each with services of its own
	$(BIN)/pytest -n 3 --dist loadfile --durations=25

check: $(INSTALLED)  ## lint, types, import contracts between packages
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

corpus: $(INSTALLED) ## hundreds of cases of bad input: how each group is answered, and how soon
	PYTHONPATH=tests $(BIN)/python -m corpus

fuzz: $(INSTALLED)   ## random input: FUZZ_EXAMPLES for each reader, then FUZZ_S seconds against the HTTP contract
	FUZZ_EXAMPLES=$(FUZZ_EXAMPLES) $(BIN)/pytest -o faulthandler_timeout=0 tests/test_fuzz.py
	PYTHONPATH=tests $(BIN)/python -m contract $(FUZZ_S)

format: $(INSTALLED) ## let ruff fix and format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(INSTALLED)  ## the README's figures, to be measured on a quiet machine; BENCH=--help lists the options
	PYTHONPATH=tests $(BIN)/python -m bench $(BENCH)

siege: $(INSTALLED)  ## an honest client among 500 sockets that trickle or do not read
	$(BIN)/python tests/siege.py

pressure: $(INSTALLED)  ## far more images than can be read, with 10,000 jobs waiting: caps, refusals, status times
	$(BIN)/python tests/pressure_proof.py
	GROWTH_MB=300 $(BIN)/pytest tests/test_growth.py

size: $(INSTALLED)   ## a job of a million images: the memory of gateway and Redis until its end
	$(BIN)/python tests/size_proof.py

image-size: $(INSTALLED)  ## the size of the container images, which must be built: docker compose build
	$(BIN)/python tests/image_size.py

compose-proof: $(INSTALLED)  ## 10,000 images through three worker containers, one of them killed
	$(BIN)/python tests/compose_proof.py

events-proof: $(INSTALLED)   ## 1,000 event streams on one gateway, which is killed half-way
	$(BIN)/python tests/events_proof.py

webhook-proof: $(INSTALLED)  ## hundreds of webhooks beside hostile receivers, while senders are killed
	$(BIN)/python tests/webhook_proof.py

scale-proof: $(INSTALLED)    ## a second worker container joins while a job runs, and must claim work within 2 s
	$(BIN)/python tests/scale_proof.py

probes: $(INSTALLED)         ## one owner asks 10,000 times for what is another's, and must learn nothing
	$(BIN)/python tests/isolation_proof.py

model: $(INSTALLED)  ## compare the ledger with its model, step by step: make model EXAMPLES=2000
	$(BIN)/python tests/explore.py --examples $(EXAMPLES)

mutants: $(INSTALLED)  ## seed one bug at a time in a copy: a test must catch each
	$(BIN)/python tests/mutants.py

soak: $(INSTALLED)   ## 1,000,000 images while workers, gateways, senders and Redis are killed at least 430 times
	$(BIN)/python tests/soak.py $(SOAK)

poison: $(INSTALLED)         ## 100,000 images, 100 of which kill their decoder: all must be found, alone, at speed
	$(BIN)/python tests/poison_proof.py

faults: $(INSTALLED)   ## every command to Redis fails in every way, then long troubles while a job runs
	$(BIN)/python tests/faults.py
	$(BIN)/python tests/troubles_proof.py

screenshot: $(INSTALLED)  ## save a screenshot of the page as docs/page.png (needs chromium and chromedriver)
	$(BIN)/python tests/screenshot.py docs/page.png

gallery: $(INSTALLED)  ## save docs/gallery.png: a photograph, the steps and the answer, and a page
	$(BIN)/python tests/gallery.py docs/gallery.png
