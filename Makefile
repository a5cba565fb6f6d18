# Two commands on a fresh machine with Python >= 3.11: `make suite` and `make test`.
# With Java >= 21 and Maven: `make suite-real`.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# Containers often forbid compiled files: each of the processes that tests start would then compile what it imports.
unexport PYTHONDONTWRITEBYTECODE

BATCHES ?= batch1 or batch2 or batch3

.PHONY: both-ways blamed mutations default-servers kills strangers soak chaos chaos-real cluster resilience power explore fuzz help setup suite suite-real test test-fast test-fast-half test-fast-rest cover live container slow lint bench parity determinism partition docs site clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

setup: $(VENV)/.ready ## make the virtual environment

$(VENV)/.ready: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python >= 3.11 is needed: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/pip install --quiet --editable . --group dev
	@touch $@

suite: setup ## judge the K1N plan, batches 1 to 3, on the embedded engine in virtual time
	$(BIN)/pytest suites -m '$(BATCHES)' --k1n-server=embedded --k1n-cov --benchmark-quiet $(ARGS)

suite-real: setup ## the same on a real Conductor, started from its boot jar, in scaled time
	$(BIN)/pytest suites -m '$(BATCHES)' --k1n-server=jar --k1n-cov --benchmark-quiet $(ARGS)

test: setup ## run the plugin's own tests (no server, no Java)
	$(BIN)/pytest tests --hypothesis-profile=gate --numprocesses auto --dist worksteal --k1n-server=embedded $(ARGS)

test-fast: setup ## run the unit tests only, with a fifth of the examples that the gate draws
	$(MAKE) --no-print-directory --jobs=2 $(if $(filter output-sync,$(.FEATURES)),--output-sync) test-fast-half test-fast-rest

# Two plain processes, each with its half: under xdist both nodes collect everything, and what each of 5,000 short tests
# reports goes through a third process; that took a quarter more CPU time on two cores.
HALF := tests/unit/engine tests/unit/report
# Plugins that no unit test uses are left out: each test of a millisecond would pay for the hooks of all of them.
FAST = $(BIN)/pytest --quiet $(addprefix -p no:,rerunfailures benchmark timeout logging) --k1n-server=embedded $(ARGS)
# Of one half, by ARGS of -k: the code that pytest ends with then.
NOTHING_IS_CHOSEN := 5

test-fast-half: setup
	$(FAST) $(HALF) $(if $(ARGS),|| [ $$? -eq $(NOTHING_IS_CHOSEN) ])

test-fast-rest: setup
	$(FAST) tests/unit tests/house $(addprefix --ignore=,$(HALF)) $(if $(ARGS),|| [ $$? -eq $(NOTHING_IS_CHOSEN) ])

cover: setup ## say which lines and branches of the package no test reaches; the pages are in build/coverage
	rm -f .coverage .coverage.*
	$(BIN)/coverage run -m pytest tests --hypothesis-profile=gate --k1n-server=embedded --numprocesses auto --dist worksteal $(ARGS)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage html --quiet --directory build/coverage
	$(BIN)/coverage report

live: setup ## run the tests that need a real Conductor; what they need and is not there is a failure
	K1N_LIVE=1 $(BIN)/pytest tests -m live --k1n-server=embedded $(ARGS)

container: setup ## run a real Conductor in a real container; needs podman, runc and root
	K1N_CONTAINER=1 $(BIN)/pytest tests -m container --k1n-server=embedded $(ARGS)

strangers: setup ## run the tests of strangers' workflows embedded, on two nodes, at a URL, and on the server at K1N_LIVE_URL
	$(BIN)/pytest tests/strangers --k1n-server=embedded $(ARGS)
	$(BIN)/pytest tests/strangers --k1n-server=embedded --numprocesses 2 $(ARGS)
	$(BIN)/k1n server start --tier embedded --port 18699
	$(BIN)/pytest tests/strangers --k1n-server=http://127.0.0.1:18699 $(ARGS); ended=$$?; $(BIN)/k1n server stop; exit $$ended
	test -z "$(K1N_LIVE_URL)" || $(BIN)/pytest tests/strangers --k1n-server=$(K1N_LIVE_URL) --k1n-time=scaled $(ARGS)
	test -z "$(K1N_LIVE_URL)" || $(BIN)/pytest tests/strangers --k1n-server=$(K1N_LIVE_URL) --k1n-time=real $(ARGS)

slow: setup ## run what builds the wheel, and the official SDK against the embedded engine, in environments of their own
	K1N_SLOW=1 $(BIN)/pytest tests -m slow $(ARGS)

servers-table: setup ## run a team's tests on every kind of server, URL=http://... for a Conductor, and write the table in the docs
	$(BIN)/python tests/users/measure.py $(if $(URL),--url $(URL)) $(ARGS)

lint: setup ## ruff, mypy, pyright on what users see, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pyright
	$(BIN)/lint-imports

parity: setup ## compare the embedded engine with a real Conductor, case by case
	K1N_LIVE=1 K1N_LONG=1 $(BIN)/pytest tests/parity $(ARGS)

explore: setup ## draw other and more examples than the gate does: K1N_EXAMPLES of each property (2,000)
	$(BIN)/pytest tests/unit --hypothesis-profile=explore --numprocesses auto --dist worksteal --k1n-server=embedded $(ARGS)

fuzz: setup ## give the engine 3,000 scripts, 1,000 definitions and 500 executions that nobody should
	K1N_LONG=1 $(BIN)/pytest tests/http/test_fuzz_scripts.py --k1n-server=embedded $(ARGS)

soak: setup ## 50 clients for 30 minutes on a served engine, searches beside them: nothing lost or doubled, memory flat
	PYTHONPATH=tests/support $(BIN)/python -m k1n_support.soak $(ARGS)

chaos: setup ## strike the 22-task workflow with 500 faults drawn by a seed, on the embedded engine
	$(BIN)/k1n chaos fixtures/workflows/K1N_22TASK_COMPLETE.json --runs 500 $(ARGS)

chaos-real: setup ## the same with 25 faults on a real Conductor, really killed: some ten minutes
	$(BIN)/k1n chaos fixtures/workflows/K1N_TEMPLATE_03.json --runs 25 --server jar $(ARGS)

resilience: setup ## seven core tests and every kind of fault on a real Conductor of its own
	tests/validate_conductor_resilience.sh --all $(ARGS)

cluster: setup ## three Conductors on one PostgreSQL, 10 22-task workflows at once on 1, 2, 3 of them, one killed
	K1N_LIVE=1 K1N_LONG=1 $(BIN)/pytest tests/live/test_cluster.py -s --k1n-server=embedded $(ARGS)

fuzz-input: setup ## give the commands 3,000 plans, definitions, executions and option lines that nobody should write
	K1N_LONG=1 $(BIN)/pytest tests/commands/test_fuzz_input.py -s --k1n-server=embedded $(ARGS)

both-ways: setup ## on a real Conductor: count healthy runs called FAIL, and faults that are not noticed (ARGS=--help)
	$(BIN)/python -m benchmarks.both_ways $(ARGS)

blamed: setup ## ARGS=URL: what `k1n check` blames of the true executions of a server, after `k1n conformance URL`
	PYTHONPATH=tests/support $(BIN)/python -m k1n_support.blamed $(ARGS)

mutations: setup ## change every true execution on record in every field: what is neither noticed nor harmless is a failure
	PYTHONPATH=tests/support $(BIN)/python -m k1n_support.mutations $(ARGS)

default-servers: setup ## run the plan on ten Conductors in their default configuration, each just started; batch 1 also in real time
	$(BIN)/python -m benchmarks.both_ways --column "default server, each fresh" --default-server --fresh --healthy 10 --real 1 --faults 0 $(ARGS)

kills: setup ## end 204 runs by kill -9, SIGTERM and Ctrl-C, embedded, served and on a Conductor: nothing may be left
	$(BIN)/python -m benchmarks.kills $(ARGS)

determinism: setup ## compare the histories of 1,000 seeds to the byte, within a process and across three
	K1N_LONG=1 $(BIN)/pytest tests/unit/engine/test_determinism.py --k1n-server=embedded $(ARGS)

partition: setup ## split the makespans of 12,000 generated executions, each to the ms
	K1N_LONG=1 $(BIN)/pytest tests/unit/core/schedule/test_critical.py --hypothesis-profile=gate --k1n-server=embedded $(ARGS)

docs: setup ## write the reference pages anew
	$(BIN)/python docs/generate.py

site: setup ## build the documentation site: build/site/index.html
	$(BIN)/sphinx-build -W --keep-going -q -b html -d build/doctrees docs build/site
	@echo 'read it: build/site/index.html'

power: setup ## simulate how often the verdict on regressions errs, and time it on a history of 10,000 runs
	$(BIN)/python -m benchmarks P7 $(ARGS)

bench: setup ## measure what docs/how-to/benchmarks.md promises, beside what a user would pick instead
	$(BIN)/python -m benchmarks $(ARGS)

clean: ## remove what was built and measured
	rm -rf $(VENV) dist build test-results .pytest_cache .mypy_cache .ruff_cache
