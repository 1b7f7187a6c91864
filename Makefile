# Everything the project can do. The logic is in devstack; see
# docs/runbooks/embedded-stack.md.
PYTHON ?= python3
PORT ?= 8000
ARGS ?=
RUN = .venv/bin/python -m devstack --end-with-parent

.DEFAULT_GOAL := help
.PHONY: help setup lock demo demo-stop demo-reset test test-instants check pictures bench
.NOTPARALLEL:

help:  ## List the targets.
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile

setup:  ## Make .venv from requirements.lock; nothing when nothing changed.
	@command -v $(PYTHON) >/dev/null || { echo "make setup: $(PYTHON) is missing; install Python 3.11 or newer" >&2; exit 1; }
	@$(PYTHON) devstack/make_venv.py $(if $(filter file,$(origin PYTHON)),,--this-python)

lock: setup  ## Recompile both locks from pyproject.toml.
	.venv/bin/python -m piptools compile --quiet --extra demo --extra dev --generate-hashes --strip-extras \
	  --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --allow-unsafe \
	  -o requirements.lock pyproject.toml
	.venv/bin/python -m piptools compile --quiet --generate-hashes --strip-extras \
	  --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --allow-unsafe \
	  -c requirements.lock -o requirements-production.lock pyproject.toml

demo: setup  ## Run the demo until Ctrl-C (PORT=8000).
	@exec $(RUN) demo --port "$(PORT)"

demo-stop: setup  ## Stop a demo and its servers; the data is kept.
	@exec $(RUN) stop

demo-reset: setup  ## Remove the demo's data, and run it anew (PORT=8000).
	@exec $(RUN) demo --port "$(PORT)" --fresh

test: setup  ## The whole proof (ARGS="-k name" goes to pytest).
	@exec $(RUN) test $(ARGS)

# The minute before midnight in Denver, both nights on which the clocks change, and a 29 February.
INSTANTS = 2026-12-03T06:59+00:00 2027-03-14T08:59+00:00 2027-11-07T07:59+00:00 2028-02-29T18:00+00:00
test-instants: setup  ## Unit and integration tests at awkward instants.
	@for at in $(INSTANTS); do echo "== at $$at"; \
	  $(RUN) run --release -- .venv/bin/python -m pytest -q -n auto --at $$at tests/unit tests/integration || exit 1; done

check: setup  ## The fast part of it; it needs no server and changes no file.
	@exec $(RUN) check $(ARGS)

pictures: setup  ## Take the README's pictures anew, of a demo of their own.
	@exec $(RUN) pictures

bench: setup  ## Measure into var/bench.json.
	@exec $(RUN) run --durable --release -- .venv/bin/python manage.py bench $(ARGS)
