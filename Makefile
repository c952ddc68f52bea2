# What there is to do: `make demo` and `make test` from nothing; the rest is for those who stay.

PYTHON ?= python3.11
VENV ?= .venv
EXAMPLES ?= 2000
BIN := $(VENV)/bin
FUZZ_S ?= 600
FUZZ_EXAMPLES ?= 20000
INSTALLED := $(VENV)/.installed
.DEFAULT_GOAL := help

.PHONY: help demo test run check corpus fuzz format bench siege pressure size image-size compose-proof events-proof webhook-proof scale-proof probes faults soak poison model mutants screenshot gallery

help:            ## this list
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

test: $(INSTALLED)   ## the test suite, by two at a time, each with services of its own
	$(BIN)/pytest -n 2 --dist loadfile --durations=25

check: $(INSTALLED)  ## lint, types, borders between packages
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

corpus: $(INSTALLED) ## bad input, hundreds of cases: what each group gets, and how soon
	PYTHONPATH=tests $(BIN)/python -m corpus

fuzz: $(INSTALLED)   ## by chance, for FUZZ_S seconds against the HTTP contract and FUZZ_EXAMPLES a reader
	FUZZ_EXAMPLES=$(FUZZ_EXAMPLES) $(BIN)/pytest -o faulthandler_timeout=0 tests/test_fuzz.py
	PYTHONPATH=tests $(BIN)/python -m contract $(FUZZ_S)

format: $(INSTALLED) ## let ruff format and sort
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(INSTALLED)  ## measure on a quiet machine: the README's figures; BENCH=--help lists what there is
	PYTHONPATH=tests $(BIN)/python -m bench $(BENCH)

siege: $(INSTALLED)  ## an honest client among 500 sockets that trickle or do not read
	$(BIN)/python tests/siege.py

pressure: $(INSTALLED)  ## ten times too many images with 10,000 jobs waiting: caps, refusals, status times
	$(BIN)/python tests/pressure_proof.py
	INKQUEUE_GROWTH_MB=300 $(BIN)/pytest tests/test_growth.py

size: $(INSTALLED)   ## a job of a million images: memory of the gateway and of Redis, to its end
	$(BIN)/python tests/size_proof.py

image-size: $(INSTALLED)  ## what the images weigh, once they are built: docker compose build
	$(BIN)/python tests/image_size.py

compose-proof: $(INSTALLED)  ## 10,000 images through three containers, one of them killed
	$(BIN)/python tests/compose_proof.py

events-proof: $(INSTALLED)   ## 1,000 event streams on one gateway, killed in the middle
	$(BIN)/python tests/events_proof.py

webhook-proof: $(INSTALLED)  ## hundreds of webhooks past hostile receivers, the senders killed over and over
	$(BIN)/python tests/webhook_proof.py

scale-proof: $(INSTALLED)    ## a second worker container joins while a job runs: work within 2 s
	$(BIN)/python tests/scale_proof.py

probes: $(INSTALLED)         ## one owner asks 10,000 times for what is another's, and learns nothing
	$(BIN)/python tests/isolation_proof.py

model: $(INSTALLED)  ## walk the ledger beside its model: make model EXAMPLES=2000
	$(BIN)/python tests/explore.py --examples $(EXAMPLES)

mutants: $(INSTALLED)  ## plant every known kind of bug in a copy: a test must see each
	$(BIN)/python tests/mutants.py

soak: $(INSTALLED)   ## 1,000,000 images while workers, gateways, senders and Redis are killed 430 times
	$(BIN)/python tests/soak.py $(SOAK)

poison: $(INSTALLED)         ## 100,000 images, 100 of them deadly to who decodes them: all found, alone, at speed
	$(BIN)/python tests/poison_proof.py

faults: $(INSTALLED)   ## every command to Redis failed in every way, then long troubles with a job under way
	$(BIN)/python tests/faults.py
	$(BIN)/python tests/troubles_proof.py

screenshot: $(INSTALLED)  ## the page as docs/page.png (wants chromium and chromedriver)
	$(BIN)/python tests/screenshot.py docs/page.png

gallery: $(INSTALLED)  ## a photograph, the steps, the answer, and a page, as docs/gallery.png
	$(BIN)/python tests/gallery.py docs/gallery.png
