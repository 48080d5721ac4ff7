# Two commands are enough: `make dream` and `make test`. Each makes .venv/ and installs what it
# needs, once.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# options of `make dream`, passed to `deepdream dream`
IMAGE ?=
OUT ?= out/dream.png
MODEL ?=
END ?=
GUIDE ?=
SEED ?= 0
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup dream test test-slow test-pages test-wheel test-lowest test-no-engine test-torch test-gpu test-onnx \
    test-weights caffe test-caffe arm64 test-arm64 reproduce lint docs bench fuzz soak model proto clean

help:  ## show this list
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) \
	    | sed -E 's/^([a-z0-9-]+):.*## /  make \1\t/' | expand -t 23
	@echo '  options of make dream: IMAGE=photo.jpg OUT=out/dream.png MODEL= END= GUIDE= SEED=0'
	@echo '                         ARGS="--octaves 3" (any options of deepdream dream)'

$(BIN)/python:
	$(PYTHON) -c 'import sys; v = sys.version_info; \
	    sys.exit(v < (3, 11) and "the built-in engine needs Python 3.11 or newer, " \
	    "not %d.%d; run make PYTHON=python3.11" % v[:2])'
	$(PYTHON) -m venv $(VENV)

# the exact versions with which results are equal to the bit
PIP_INSTALL = $(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt

$(VENV)/.dream: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP_INSTALL) -e '.[compat,demo]'
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP_INSTALL) -e '.[compat,demo,plots,download,hdf5,draw,completion,video,cluster,python2,notebook,web,dev]'
	@touch $(VENV)/.dream $@

setup: $(VENV)/.dev  ## make .venv/ with all that dreaming and testing need

SAMPLE = docs/cookbook/mountains.jpg

dream: $(VENV)/.dream  ## dream on a photograph (IMAGE=, or that of the README), write OUT=
	@mkdir -p $(dir $(OUT))
	@$(BIN)/python -m deepdream dream "$(or $(IMAGE),$(SAMPLE))" -o "$(OUT)" --overwrite --seed $(SEED) \
	    $(if $(MODEL),--model "$(MODEL)") $(if $(END),--end "$(END)") \
	    $(if $(GUIDE),--guide "$(GUIDE)") $(ARGS)

JOBS ?= 2
SHARED = $(if $(JOBS),-n $(JOBS) --dist worksteal)

test: $(VENV)/.dev  ## run the test suite in two processes; JOBS= for one
	$(BIN)/python -m pytest $(SHARED)

test-slow: $(VENV)/.dev  ## run the tests that take long: campaigns, kills, measurements, whole programs
	$(BIN)/python -m pytest $(SHARED) -m slow

# a Chromium or Chrome by its path; without one, Debian's is installed, which takes root
export CHROMIUM ?=

$(VENV)/.pages: $(VENV)/.dev
	$(PIP_INSTALL) -e '.[pages]'
	@touch $@

test-pages: $(VENV)/.pages  ## look at the pages in Chromium, by axe-core's rules: CHROMIUM=
	$(BIN)/python scripts/docs/browser.py
	$(BIN)/python -m pytest $(SHARED) -m browser tests/deepdream

test-wheel: $(VENV)/.dev  ## build wheel and sdist, install each elsewhere, and use what is installed
	$(BIN)/python -m pytest -m wheel tests/packaging

test-weights: $(VENV)/.dev  ## get the nets that pip's index has, and look at what they see
	$(BIN)/python -m pytest -m weights tests/weights

test-torch: $(VENV)/.dev  ## compare imported nets with PyTorch's own, the two that pip can get too
	$(PIP_INSTALL) -e '.[torch-tests]'
	$(BIN)/python -m pytest -m torch tests/pytorch

# tests of layers, nets and solvers that run in GPU mode, too
ON_GPU = $(addprefix tests/caffe_compat/,$(addsuffix .py,$(addprefix test_,layers layer_values \
    all_layers pooling convolution scale net sharing pycaffe net_files handles classifier)) solvers)

test-gpu: $(VENV)/.dev  ## run nets in GPU mode: on the first GPU that is there, or CAFFE_COMPAT_DEVICE=cpu
	$(PIP_INSTALL) -e '.[gpu]'
	$(BIN)/python -m pytest $(SHARED) -m "gpu or not (slow or caffe)" tests/caffe_compat/gpu \
	    tests/deepdream/dream/on_device
	DEEPDREAM_TEST_MODE=gpu $(BIN)/python -m pytest $(SHARED) $(ON_GPU) \
	    tests/deepdream/dream/test_notebook_equality.py tests/deepdream/dream/test_dream.py
	CAFFE_PYTHON=$(abspath $(CAFFE_PYTHON)) $(BIN)/python -m pytest -m gpu tests/parity

test-onnx: $(VENV)/.dev  ## compare imported ONNX graphs with ONNX Runtime, blob by blob
	$(PIP_INSTALL) -e '.[onnx-tests]'
	$(BIN)/python -m pytest -m onnx tests/onnx_graphs

# $(call lowest,FOLDER,EXTRAS,MORE): an environment with the lowest versions that pyproject.toml
# allows and that have wheels for this Python; MORE, which the tests themselves need, is new
define lowest
	$(PYTHON) -m venv $(1)
	$(1)/bin/pip install --quiet --disable-pip-version-check -c constraints.txt uv
	$(1)/bin/uv pip compile --quiet --python $(1)/bin/python --resolution lowest-direct \
	    --only-binary :all: $(addprefix --extra ,$(2)) -o $(1)/lowest.txt pyproject.toml
	$(1)/bin/uv pip install --quiet --python $(1)/bin/python -r $(1)/lowest.txt $(3)
endef

test-lowest:  ## test the packages with the lowest versions that the extras allow
	$(call lowest,$(VENV)/lowest,compat evaluate hdf5 draw download python2 notebook,pytest hypothesis)
	PYTHONPATH=. $(VENV)/lowest/bin/python -m pytest \
	    tests/netfile tests/net_surgery tests/caffe_compat tests/deepdream

test-no-engine:  ## test what needs no engine: PYTHON=python3.8, with the lowest versions
	$(call lowest,$(VENV)/no-engine,,pytest hypothesis)
	PYTHONPATH=. DEEPDREAM_TEST_ENGINE=none $(VENV)/no-engine/bin/python -m pytest \
	    -c /dev/null --rootdir=. -q -p no:cacheprovider \
	    tests/netfile tests/net_surgery tests/deepdream

caffe:  ## install a real Caffe 1.0 into .caffe/, from Debian 11's packages, without root
	@$(PYTHON) scripts/debian/install_caffe.py

# any Python that has a Caffe and pytest will do; pytest-xdist makes it quicker. The page in the
# browser makes its pictures as the command line does, and Starlette does not run there
CAFFE_PYTHON ?= .caffe/bin/python
CAFFE_JOBS = $(if $(JOBS),$(shell $(CAFFE_PYTHON) -c 'import xdist; print("-n $(JOBS)")' 2>/dev/null))

test-caffe: $(VENV)/.dev  ## run the tests on a real Caffe, and compare caffe_compat with it
	PYTHONPATH=. PYTHONDONTWRITEBYTECODE=1 DEEPDREAM_TEST_ENGINE=caffe GLOG_minloglevel=2 \
	    $(CAFFE_PYTHON) -m pytest -c /dev/null --rootdir=. -q -p no:cacheprovider -m "not slow" \
	    $(CAFFE_JOBS) tests/netfile tests/net_surgery tests/deepdream --ignore=tests/deepdream/web
	CAFFE_PYTHON=$(abspath $(CAFFE_PYTHON)) $(BIN)/python -m pytest -m caffe tests/parity

arm64: $(VENV)/.dev  ## install a Python for ARM64 into .arm64/, with QEMU, without root
	@$(BIN)/python scripts/debian/install_arm64.py

# compiled loops are kept in .arm64/loops, so that only the first run is long
ON_ARM64 = kernels threads repeats repeats_fuzz winograd convolution pooling weight_gradients
test-arm64: arm64  ## run the engine's tests on an emulated ARM64, and compare its results to the bit
	NUMBA_CACHE_DIR=$(abspath .arm64/loops) .arm64/bin/python -m pytest -p no:cacheprovider \
	    $(addprefix tests/caffe_compat/test_,$(addsuffix .py,$(ON_ARM64)))
	$(BIN)/python -m pytest -m arm64 tests/parity/test_processors.py

reproduce: OUT = out/notebook
reproduce: $(VENV)/.dev  ## make the 2015 notebook's pictures: OUT=out/notebook ARGS="--frames 30"
	$(BIN)/python scripts/docs/reproduce_notebook.py -o "$(OUT)" --overwrite $(ARGS)

lint: $(VENV)/.dev  ## check style (ruff) and types (mypy), tests and scripts included
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

$(VENV)/.docs: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP_INSTALL) -e '.[docs]'
	@touch $@

docs: $(VENV)/.docs  ## build the documentation as a site, out/site/, and check its links
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
	$(BIN)/python scripts/docs/check_site.py out/site

bench: $(VENV)/.dream  ## time every engine that is installed: ARGS="--part steps --layers"
	$(BIN)/python scripts/bench/bench.py $(ARGS)

FUZZ_EXAMPLES ?= 20000

fuzz: $(VENV)/.dev  ## read damaged nets, weights, pictures, command lines: FUZZ_EXAMPLES=20000 of each
	FUZZ_EXAMPLES=$(FUZZ_EXAMPLES) $(BIN)/python -m pytest tests/caffe_compat/test_fuzz.py \
		tests/deepdream/cli/test_fuzzed_command_lines.py \
		tests/deepdream/pictures/test_fuzzed_pictures.py \
		tests/net_surgery/imports/test_fuzzed_files.py

soak: $(VENV)/.dev  ## attack everything for an hour, print what held: ARGS="--minutes 10"
	$(BIN)/python scripts/soak/soak.py $(ARGS)

model: $(VENV)/.dev  ## train the default model from scratch, in sittings: ARGS="--minutes 90"
	$(PIP_INSTALL) -e '.[train]'
	$(BIN)/python scripts/training/train_creature_googlenet.py $(ARGS)
	$(BIN)/python scripts/training/train_creature_googlenet.py --export

proto: $(VENV)/.dev  ## compile caffe.proto again
	$(PYTHON) -m venv $(VENV)/proto
	$(VENV)/proto/bin/pip install --quiet grpcio-tools==1.71.2
	$(VENV)/proto/bin/python -m grpc_tools.protoc -I caffe_compat/proto \
	    --python_out=caffe_compat/proto caffe_compat/proto/caffe.proto

clean:  ## remove .venv/, out/ and caches
	rm -rf $(VENV) out build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
