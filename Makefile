# Two commands do all set-up: `make hello` and `make test`. PYTHON names the interpreter (3.10 to 3.14).
# TORCH_INDEX names where torch comes from if it can be reached, or else the ordinary index serves. Ordinary torch on
# Linux is built for CUDA, and large; for that one: TORCH_INDEX=https://pypi.org/simple
# `make docs` builds the pages into out/site, `make space` lays out a Hugging Face Space.
PYTHON ?= python3
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu
TORCH := 'torch>=2.6,<2.14'
BIN := .venv/bin

.PHONY: hello test docs space
hello: .venv/installed
	$(BIN)/facediff hello -o out/hello.mp4

# Stubs of numpy 2.0 to 2.2, the last for Python 3.10, take most arrays for others; those before and after do not.
HAS_STUBS = import numpy, sys; sys.exit((2, 0) <= tuple(map(int, numpy.__version__.split(".")[:2])) < (2, 3))
test: .venv/tested
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	if $(BIN)/python -c '$(HAS_STUBS)'; then $(BIN)/mypy; else echo "types: not checked, numpy is too old for it"; fi
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
	$(BIN)/pip install --quiet --no-deps --timeout 10 --retries 1 --index-url $(TORCH_INDEX) $(TORCH) 2> /dev/null \
		|| { echo "torch: not from $(TORCH_INDEX), so from the ordinary index"; $(BIN)/pip install --quiet $(TORCH); }
	$(BIN)/pip install --quiet --editable .
	touch $@

# mediapipe is compared with where it can be had: its OpenCV wants libGL, and its wheel carries models up to 3.12.
HAS_MEDIAPIPE = import ctypes, sys; ctypes.CDLL("libGL.so.1"); sys.exit(sys.version_info >= (3, 13))
.venv/tested: .venv/installed
	extras=dev,docs,lora,webrtc; \
	if $(BIN)/python -c '$(HAS_MEDIAPIPE)' 2> /dev/null; then extras=$$extras,mediapipe; fi; \
	$(BIN)/pip install --quiet --editable ".[$$extras]"
	touch $@

.venv/documented: .venv/installed
	$(BIN)/pip install --quiet --editable '.[docs]'
	touch $@
