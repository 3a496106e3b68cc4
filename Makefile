# Two commands do everything on a fresh machine: `make serve` and `make test`.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
INDEX  ?= .index
PORT   ?= 8000
READY  := $(VENV)/.ready
CLUSTER := .venv-cluster
# Ray and Milvus listen on every interface: give them a network that has only loopback.
ALONE  := unshare --net $(if $(filter-out 0,$(shell id -u)),--map-root-user) sh -c 'ip link set lo up && exec "$$0" "$$@"'
TOOLS  := .tools
PROGRAMS := .cluster-packages

.PHONY: help setup setup-locked test-hostile test-load soak fuzz audit licences lock serve index test test-browser test-faults test-faults-full test-frameworks check lint docs docs-check bench bench-quick bench-news bench-start bench-growing bench-scale bench-page eval eval-answerable eval-answers eval-rerank eval-milvus reader bench-cluster test-cluster bench-ray clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## install everything into .venv and convert the model once

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[dev]'
	$(BIN)/python -m passage_index.convert
	$(BIN)/python -m search_api.reader.model
	@touch $@

serve: setup ## build the index of corpus/ if there is none, then serve page and API
	@test -f $(INDEX)/CURRENT || $(MAKE) --no-print-directory index
	$(BIN)/search-api serve --index $(INDEX) --port $(PORT)

index: setup ## build the index of corpus/ (CORPUS=folder for another one)
	$(BIN)/indexer build $(or $(CORPUS),corpus) --index $(INDEX)

test: setup ## run all tests (the fault suite only in its quick form)
	$(BIN)/python -m pytest

test-browser: setup ## the page in a real browser; fetches playwright, and as root Debian's chromium, if missing
	@$(BIN)/python -c 'import playwright' 2>/dev/null \
	  || $(BIN)/pip install --quiet --constraint constraints.txt 'playwright>=1.55' \
	  || echo "playwright cannot be fetched: the browser suite will be skipped"
	@command -v chromium >/dev/null || test "$$(id -u)" != 0 || ! command -v apt-get >/dev/null \
	  || { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
	       chromium fonts-dejavu-core >/dev/null; } \
	  || echo "chromium cannot be fetched: the browser suite will be skipped"
	$(BIN)/python -m pytest tests/browser -m browser -rs

test-faults: setup ## kills, full disks and damage: minutes
	$(BIN)/python -m pytest tests/faults -m faults

test-faults-full: setup ## the same with every place, moment and seed: the better part of an hour
	FAULTS=full $(BIN)/python -m pytest tests/faults -m faults

FRAMEWORKS := .venv-frameworks

$(FRAMEWORKS)/.ready: search_client/pyproject.toml tests/frameworks/constraints.txt
	$(PYTHON) -m venv $(FRAMEWORKS)
	$(FRAMEWORKS)/bin/pip install --quiet --constraint tests/frameworks/constraints.txt './search_client[langchain,llama-index,haystack]' langchain-tests openai pytest
	@touch $@

test-frameworks: setup $(FRAMEWORKS)/.ready ## the retrievers in LangChain, LlamaIndex and Haystack, and OpenAI's client
	$(FRAMEWORKS)/bin/pip install --quiet --no-deps --force-reinstall ./search_client
	@rm -rf search_client/build search_client/*.egg-info  # pip builds where the source lies
	SEARCH_PYTHON=$(abspath $(BIN)/python) $(FRAMEWORKS)/bin/pytest --config-file=tests/frameworks/pytest.ini tests/frameworks

$(TOOLS)/.ready: tests/hostile/tools.txt constraints.txt
	$(PYTHON) -m venv $(TOOLS)
	$(TOOLS)/bin/pip install --quiet --constraint constraints.txt --requirement tests/hostile/tools.txt
	@touch $@

test-hostile: setup $(TOOLS)/.ready ## bombs, lies, forged files, any request, time that must stay linear: minutes
	$(BIN)/python -m pytest tests -m hostile

test-load: setup ## a server at its capacity and beyond, stalled clients, SIGTERM: some minutes
	$(BIN)/python -m bench.overload $(DATA)

fuzz: setup ## atheris on every reader and parser, SECONDS=30 each
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[fuzz]'
	$(BIN)/python -m tests.hostile.fuzz --seconds $(or $(SECONDS),30)

audit: setup ## weaknesses in our code (bandit), known ones of what it is built on (pip-audit)
	$(MAKE) --no-print-directory $(TOOLS)/.ready || echo "audit: skipped, its tools cannot be installed here"
	test ! -f $(TOOLS)/.ready || .ci/audit $(TOOLS)/bin

licences: setup ## what this is built on, and under which licences
	$(BIN)/python -m manual.licences

lock: setup $(TOOLS)/.ready ## write requirements.lock: the installed versions, with the hashes of their files
	$(BIN)/python -m manual.licences --pins dev > .pins.txt
	$(TOOLS)/bin/uv pip compile --quiet --no-deps --generate-hashes --no-header --no-annotate \
	  --output-file requirements.lock .pins.txt
	rm .pins.txt

setup-locked: ## as setup, but nothing is installed whose hash is not in requirements.lock; torch by its version
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --no-deps --require-hashes --requirement requirements.lock
	$(BIN)/pip install --quiet --no-deps --constraint constraints.txt torch
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	$(MAKE) --no-print-directory setup

soak: setup ## half an hour of searches, answers and writes on one server (MINUTES=30, DATA)
	$(BIN)/python -m bench.soak --minutes $(or $(MINUTES),30) $(DATA)

lint: setup ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

check: lint audit ## what a change must pass: lint, types, rules and the quick tests
	$(BIN)/python -m pytest -m "not slow"

docs: setup ## write the tables of docs/ that come from the code: options, settings, routes
	$(BIN)/python -m manual

docs-check: setup ## run every block of code in the documentation, and check tables and links: minutes
	$(BIN)/python -m manual --check
	$(BIN)/python -m pytest tests/test_docs.py tests/test_container.py
	$(BIN)/python -m manual --run

eval: setup ## ranking quality on every collection below DATA (default ../shared/data)
	$(BIN)/python -m bench.quality $(DATA)

eval-answerable: setup ## how well a missing answer is told, on every collection below DATA
	$(BIN)/python -m bench.answerability $(DATA)

eval-answers: setup ## how well questions are answered or refused, on every collection below DATA
	$(BIN)/python -m bench.answers $(DATA)
	$(BIN)/python -m bench.citing $(DATA)

eval-rerank: setup ## what the reader adds to the ranking, and its milliseconds, on every collection below DATA
	$(BIN)/python -m bench.rereading $(DATA)

reader: setup ## train the reader that is shipped, and write its files: an hour on two cores
	$(BIN)/python -m training.train $(DATA)
	$(BIN)/python -m training.export

bench: setup ## encoding, indexing, searching beside other engines: a quarter of an hour
	$(BIN)/python -m bench.speed $(DATA)

bench-quick: setup ## the same with few passages and one round: a few minutes, nothing recorded
	$(BIN)/python -m bench.speed --quick $(DATA)

bench-news: setup ## searching and vectors alone, over the index of all news articles
	$(BIN)/python -m bench.speed --news

bench-start: setup ## seconds until a server answers, and its memory: INDEX=folder
	$(BIN)/python -m bench.starting $(INDEX)

bench-growing: setup ## searches while 1,000 articles are added: a large INDEX=folder, or DATA=articles
	$(BIN)/python -m bench.growing $(if $(filter command line environment,$(origin INDEX)),--index $(INDEX)) $(DATA)

bench-scale: setup ## vector search as the rows grow: ROWS="1000000 10000000" made-up rows, INDEX=folder
	$(BIN)/python -m bench.scale $(if $(filter command line environment,$(origin INDEX)),$(INDEX)) --rows $(or $(ROWS),1000000)

bench-ray: $(CLUSTER)/.ready ## one and two Ray nodes beside a build without: ARTICLES=file.jsonl.gz
	$(ALONE) $(CLUSTER)/bin/python -m bench.ray_build $(or $(ARTICLES),../shared/data/scifact/corpus.jsonl.gz)

bench-page: setup ## the page in Chromium, of a running server: PORT=8000, after `make test-browser` fetched the tools
	$(BIN)/python -m bench.page http://127.0.0.1:$(PORT)

bench-cluster: $(CLUSTER)/.ready $(PROGRAMS)/.ready ## a Milvus cluster beside INDEX=folder: times, recall, what a lost node does
	OMP_NUM_THREADS=1 $(ALONE) $(CLUSTER)/bin/python -m bench.cluster $(INDEX) $(PROGRAMS)

test-cluster: ## Milvus Lite, a real Milvus cluster, real Ray nodes, some of them killed: minutes
	@$(MAKE) --no-print-directory -j2 $(CLUSTER)/.ready $(PROGRAMS)/.ready
	$(ALONE) $(CLUSTER)/bin/python -m pytest tests/contract tests/cluster tests/test_deploy_cluster.py

eval-milvus: $(CLUSTER)/.ready ## ranking quality of one collection on both backends (COLLECTION=cranfield)
	$(CLUSTER)/bin/python -m bench.quality_milvus $(or $(COLLECTION),cranfield) $(DATA)

# On top of the other environment, so that torch and the model are there once.
$(CLUSTER)/.ready: $(READY)
	$(PYTHON) -m venv $(CLUSTER)
	ls -d $(abspath $(VENV))/lib/python3*/site-packages > $$($(CLUSTER)/bin/python -c 'import site; print(site.getsitepackages()[0])')/beneath.pth
	$(CLUSTER)/bin/pip install --quiet --constraint constraints.txt pymilvus milvus-lite 'ray[data]' kubernetes-validate
	@touch $@

$(PROGRAMS)/.ready: tests/cluster/make_packages.sh
	PYTHON=$(PYTHON) tests/cluster/make_packages.sh $(PROGRAMS)

clean: ## remove the environments and the index of corpus/
	rm -rf $(VENV) $(CLUSTER) $(PROGRAMS) $(FRAMEWORKS) $(INDEX)
