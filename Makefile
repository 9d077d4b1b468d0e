# Everything here needs Python 3.11 or newer and make; nothing else has to be installed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PACKAGE := layers/accord/python

# Many of the processes are short; compiling the modules again would be a good part of each.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test check setup release bench synth clean help
.DEFAULT_GOAL := help

help: ## These targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 10

demo: $(READY) ## Post recorded deliveries into a real ERP on this machine and compare both sides
	@$(BIN)/accord demo

test: $(READY) ## Every test: unit, property, contract, infra, end to end
	@echo "preparing what the tests share (a real Tryton, the synthesised stacks)"
	@$(BIN)/python -m accord.local.ready
	@$(BIN)/pytest -q -n auto --maxprocesses 8 --dist loadfile

check: $(READY) ## Formatting, lint, types, import rules, the configuration
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/accord config check

release: $(READY) ## Record what this version writes, for the releases after it (docs/releasing.md)
	@PYTHONPATH=$(PACKAGE):. $(BIN)/python -m tests.releases.record

bench: $(READY) ## What a pass costs
	@$(BIN)/accord bench

synth: $(READY) ## The CloudFormation templates of stage dev, in cdk.out
	@$(BIN)/python -m infra.app

setup: $(READY) ## Only install

$(READY): requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed; this is %d.%d. Name another with: make PYTHON=python3.12 …" % sys.version_info[:2])'
	@echo "installing into $(VENV) (about 150 packages, 1.2 GB unpacked; a minute or two)"
	@$(PYTHON) -m venv $(VENV)
	@sed -n '/^uv==/,/# via/p' $< > $(VENV)/uv.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r $(VENV)/uv.txt
	@$(BIN)/uv pip sync --system-certs --require-hashes --compile-bytecode --link-mode copy requirements-dev.txt
	@$(BIN)/python -c 'import sysconfig, pathlib; pathlib.Path(sysconfig.get_path("purelib"), "accord.pth").write_text(str(pathlib.Path("$(PACKAGE)").resolve()))'
	@printf '%s\n' '#!$(abspath $(BIN))/python' 'from accord.cli.app import main' 'main()' > $(BIN)/accord
	@chmod +x $(BIN)/accord
	@touch $@

clean: ## Forget everything that was installed, built or cached
	rm -rf $(VENV) .accord build cdk.out .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
