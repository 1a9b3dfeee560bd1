# Two commands do all set-up: `make hello` and `make test`. PYTHON names the interpreter (3.10 to 3.12).
# `make docs` builds the pages into out/site, `make space` lays out a Hugging Face Space.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: hello test docs space
hello: .venv/installed
	$(BIN)/facediff hello -o out/hello.mp4

test: .venv/tested
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -n 2 --dist worksteal

docs: .venv/documented
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build

space:
	rm -rf out/space && mkdir -p out/space
	cp -RP Dockerfile .dockerignore pyproject.toml LICENSE facediff audio landmarks demo out/space/
	find out/space -name __pycache__ -prune -exec rm -rf {} +
	cp space/README.md space/.gitattributes out/space/

.venv/installed: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet 'torch>=2.6,<2.14'
	$(BIN)/pip install --quiet --editable .
	touch $@

.venv/tested: .venv/installed
	$(BIN)/pip install --quiet --editable '.[dev,docs,demo,lora]'
	touch $@

.venv/documented: .venv/installed
	$(BIN)/pip install --quiet --editable '.[docs]'
	touch $@
