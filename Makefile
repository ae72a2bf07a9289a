# Needs Python 3.11 to 3.14, make and git; everything else is installed into .venv and frontend/node_modules.
# the replay's tests keep one process busy for minutes while the other does the rest
WORKERS ?= 2
ARGS ?=
EXTRAS ?=
BIN := .venv/bin
SETUP = python=$$(sh scripts/find-python) && "$$python" scripts/setup.py --extras="$(EXTRAS)"
TESTS_AT_ONCE = $(if $(filter-out 0 1,$(WORKERS)),-n $(WORKERS) --dist loadfile --no-loadscope-reorder)

.PHONY: help setup demo test check bench fmt messages clean

help: ## list the commands
	@sed -n 's/^\([a-z]*\):.*## /  make \1	/p' $(MAKEFILE_LIST) | expand -t 18

setup: ## install what is needed to run (EXTRAS=name for optional parts)
	@$(SETUP)

demo: setup ## replay an outbreak and open the console
	@$(BIN)/lianfang demo $(ARGS)

test: ## run the tests (ARGS="-k name" to choose, WORKERS=2 for two processes)
	@$(SETUP) --dev
	@sh scripts/install-chromium
	@$(BIN)/pytest $(TESTS_AT_ONCE) $(ARGS)

check: ## lint, format, types, floors, migrations, sizes, words, translations
	@$(SETUP) --dev
	@$(BIN)/python scripts/check.py

bench: ## measure side by side with the alternatives (ARGS="duties --json")
	@$(SETUP) --dev
	@$(BIN)/lianfang bench $(ARGS)

fmt: ## format the source
	@$(SETUP) --dev
	@$(BIN)/ruff check --fix-only --quiet src tests scripts
	@$(BIN)/ruff format src tests scripts

messages: ## bring the translation catalogues up to the source
	@$(SETUP) --dev
	@$(BIN)/python scripts/messages.py update

clean: ## remove what setup and the tools made; the database stays
	@rm -rf .venv .setup frontend/node_modules src/lianfang/surfaces/console/static/vendor
	@rm -rf src/lianfang/surfaces/field/static/field frontend/field/src/api/generated
	@rm -rf .mypy_cache .ruff_cache .hypothesis .import_linter_cache build dist
	@find src -name '*.mo' -delete
