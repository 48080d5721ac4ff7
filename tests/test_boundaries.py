"""The structure, held by tests: who may import whom, what is exported, what the project says of itself."""

import ast
import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
STANDARD = set(sys.stdlib_module_names)
SMALL = {"numpy", "scipy", "PIL", "google", "tqdm"}

# folder -> packages it may import, beyond the standard library and itself
ALLOWED = {
    "caffe_compat": {"numpy", "scipy", "google", "numba", "llvmlite", "PIL"},
    "deepdream": SMALL | {"net_surgery"},
    "net_surgery": SMALL | {"caffe_compat"},
}
# extras, imported where they are used and nowhere else
OPTIONAL = {
    "caffe_compat": {"h5py", "pydot", "selective_search_ijcv_with_python"},
    "deepdream": {"matplotlib", "requests", "sklearn"},
    "net_surgery": set(),
}
# deepdream's modules, bottom up: each may import only from lines above its own
LAYERS = [
    {"version", "errors", "settings"},
    {"files", "terminal"},
    {"engine", "image", "objectives", "priors", "passes"},
    {"model", "ascent", "preflight"},
    {"octaves", "recording", "any_size", "download"},
    {"sequence", "expression", "matching"},
    {"target", "classes", "evaluate", "doctor"},
    {"job"},
    {"compare", "page"},
    {"commands", "compare_page", "evaluate_page"},
    {"compare_command", "match_command", "classes_command", "evaluate_command", "models_command"},
    {"cli"},
    {"__init__", "__main__"},
]


def imports(path):
    """(module, level) of every import statement in a file, at any depth."""
    for node in ast.walk(ast.parse(path.read_text())):
        yield from imports_of(node)


def imports_of(node):
    """(module, level) of what this one statement imports."""
    if isinstance(node, ast.Import):
        yield from ((alias.name, 0) for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        if node.module is None or node.level and not node.module:
            yield from ((alias.name, node.level) for alias in node.names)
        else:
            yield node.module, node.level


# what a person types at may import anything
COMMANDS = {"net_surgery": {"cli", "heatmap_command", "__main__"}}


def files(folder):
    commands = COMMANDS.get(folder, set())
    return sorted(p for p in (ROOT / folder).rglob("*.py") if p.name != "caffe_pb2.py" and p.stem not in commands)


@pytest.mark.parametrize("folder", ALLOWED)
def test_packages_import_only_what_they_may(folder):
    for path in files(folder):
        found = {name.split(".")[0] for name, level in imports(path) if not level}
        extra = found - STANDARD - ALLOWED[folder] - OPTIONAL[folder] - {folder}
        assert not extra, f"{path.relative_to(ROOT)} imports {sorted(extra)}"


@pytest.mark.parametrize("folder", ALLOWED)
def test_no_module_imports_an_extra_by_itself(folder):
    for path in files(folder):
        top = {name.split(".")[0] for node in ast.parse(path.read_text()).body for name, level in imports_of(node) if not level}
        assert not top & OPTIONAL[folder], path.name


def test_net_surgery_takes_its_engine_by_hand():
    # what it imports of caffe_compat works on any engine's messages and loads no engine
    found = {name for path in files("net_surgery") for name, level in imports(path) if not level and name.startswith("caffe")}
    assert found <= {"caffe_compat.errors", "caffe_compat.proto.upgrade"}
    code = "import sys, net_surgery.formats; sys.exit('numba' in sys.modules or 'caffe_compat.net' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


def test_deepdream_imports_only_downwards():
    rank = {name: i for i, names in enumerate(LAYERS) for name in names}
    for path in files("deepdream"):
        for name, level in imports(path):
            if level:
                target = name.split(".")[0]
                assert rank.get(target, -1) < rank[path.stem] or target not in rank, f"{path.name} imports {target}"


def test_every_module_of_deepdream_has_its_place():
    assert {p.stem for p in files("deepdream")} == set().union(*LAYERS)


def test_layers_know_neither_net_nor_sibling_families():
    families = {p.stem for p in files("caffe_compat/layer_types")} - {"__init__", "registry"}
    for path in files("caffe_compat/layer_types"):
        if path.stem == "__init__":
            continue
        for name, level in imports(path):
            assert not (level == 1 and name.split(".")[0] in families), f"{path.name} imports its sibling {name}"
            assert "net" not in name.split("."), f"{path.name} imports {name}"


def test_kernels_know_only_arrays():
    for path in files("caffe_compat/kernels"):
        assert all(level < 2 for _, level in imports(path)), path.name


def test_nothing_imports_scripts():
    names = {p.stem for p in (ROOT / "scripts").glob("*.py")} | {"motifs"}
    for folder in ALLOWED:
        for path in files(folder):
            assert not {name.split(".")[0] for name, level in imports(path) if not level} & names


def test_only_engine_names_an_engine():
    for path in files("deepdream"):
        if path.stem == "engine":
            continue
        for name, level in imports(path):
            assert level or name.split(".")[0] not in ("caffe", "caffe_compat"), path.name


def test_the_algorithm_neither_prints_nor_parses():
    for path in files("deepdream"):
        if path.stem in ("cli", "commands", "terminal", "__main__") or path.stem.endswith("_command"):
            continue
        tree = ast.parse(path.read_text())
        calls = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
        assert "print" not in calls and "argparse" not in {name for name, _ in imports(path)}, path.name


def test_exported_names():
    import caffe_compat
    import deepdream

    for module in (caffe_compat, deepdream):
        assert all(hasattr(module, name) for name in module.__all__)
    assert {"preprocess", "deprocess", "objective_L2", "make_step", "deepdream", "load_net"} <= set(deepdream.__all__)
    assert {"Net", "Classifier", "Blob", "io", "TRAIN", "TEST", "set_mode_cpu", "set_mode_gpu", "set_device"} <= set(caffe_compat.__all__)


@pytest.mark.parametrize("name", ["deepdream", "net_surgery", "caffe_compat", "caffe_compat.io"])
def test_exported_functions_and_classes_have_docstrings(name):
    module = importlib.import_module(name)
    for public in getattr(module, "__all__", ["load_image", "Transformer", "oversample", "resize_image"]):
        thing = getattr(module, public)
        assert not callable(thing) or thing.__doc__, public


def test_each_make_target_in_the_readme_exists():
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"make ([a-z-]+)", (ROOT / "README.md").read_text()):
        assert re.search(rf"^{target}:", makefile, re.M), target


VERBS = ("dream", "zoom", "layers", "replay", "compare", "match", "classes", "evaluate", "models get", "doctor")


def test_options_in_the_readme_exist():
    shown = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", (ROOT / "README.md").read_text()))
    known = ""
    for module, command in [*(("deepdream", verb) for verb in VERBS), ("net_surgery", "heatmap")]:
        known += subprocess.run([sys.executable, "-m", module, *command.split(), "--help"], capture_output=True, text=True, cwd=ROOT).stdout
    assert not {option for option in shown if option not in known}
