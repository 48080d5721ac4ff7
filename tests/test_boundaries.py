"""The structure, held by tests: who may import whom, what is exported, what the project says of
itself."""

import ast
import importlib
import re
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

import pytest

from deepdream import cli

ROOT = Path(__file__).resolve().parent.parent
STANDARD = set(sys.stdlib_module_names)
SMALL = {"numpy", "scipy", "PIL", "google", "tqdm"}

# room -> the rooms that it may import, beside itself; "deepdream" is what lies in that folder
# itself: errors, settings, version
ROOMS = {
    "netfile": set(),
    "caffe_compat": {"netfile"},
    "caffe_compat/programs": {"caffe_compat", "netfile"},
    "net_surgery": {"netfile"},
    "deepdream": {"netfile"},
    "deepdream/pictures": {"deepdream", "netfile"},
    "deepdream/nets": {"deepdream", "deepdream/pictures", "netfile", "net_surgery"},
    "deepdream/dream": {"deepdream", "deepdream/pictures"},
    "deepdream/films": {"deepdream", "deepdream/pictures", "netfile"},
    "deepdream/notebooks": {"deepdream", "deepdream/pictures", "deepdream/dream", "netfile"},
    "deepdream/request": {
        "deepdream",
        "deepdream/pictures",
        "deepdream/films",
        "deepdream/nets",
        "deepdream/dream",
        "netfile",
    },
}
ROOMS["deepdream/studies"] = {*ROOMS["deepdream/request"], "deepdream/request"}
ROOMS["deepdream/cluster"] = {*ROOMS["deepdream/request"], "deepdream/request"}
# the page has the colours of the other pages
ROOMS["deepdream/web"] = {*ROOMS["deepdream/studies"], "deepdream/studies"}
ROOMS["deepdream/cli"] = {
    *ROOMS["deepdream/studies"],
    "deepdream/studies",
    "deepdream/cluster",
    "deepdream/web",
    "net_surgery",
}
# package -> what it may import that is not ours, and the extras that it imports only where they are
# used
ALLOWED = {
    "netfile": {"numpy", "google"},
    "caffe_compat": {"numpy", "scipy", "google", "numba", "llvmlite", "PIL"},
    "net_surgery": SMALL,
    "deepdream": SMALL,
}
OPTIONAL = {
    "netfile": set(),
    "caffe_compat": {
        "IPython",
        "fissix",
        "h5py",
        "lmdb",
        "matplotlib",
        "nbformat",
        "pydot",
        "pydotplus",
        "selective_search_ijcv_with_python",
        "skimage",
        "torch",
        "traitlets",
    },
    "net_surgery": {"h5py"},
    "deepdream": {
        "IPython",
        "ipywidgets",
        "anyio",
        "av",
        "cv2",
        "cryptography",
        "dask",
        "distributed",
        "matplotlib",
        "requests",
        "shtab",
        "sklearn",
        "starlette",
        "uvicorn",
    },
}
# the doors: what a person types at or imports, which looks into every room
DOORS = {"caffe_compat/__main__.py", "deepdream/__init__.py", "deepdream/__main__.py"}
# a module whose classes are made of an extra's, and which is itself imported only where it is used
OF_AN_EXTRA = {
    "caffe_compat/programs/notebook/shell.py",
    "caffe_compat/programs/python2/lmdb_str.py",
}

# folders of such modules
OF_EXTRAS = ("caffe_compat/layer_types/gpu/",)


def late(path):
    """Whether a module, as seen from ROOT, is made of an extra's classes."""
    return path in OF_AN_EXTRA or path.startswith(OF_EXTRAS)


@lru_cache(maxsize=None)
def parsed(path):
    return ast.parse(path.read_text())


@lru_cache(maxsize=None)
def imports(path):
    """(module, level) of every import statement in a file, at any depth."""
    return [found for node in ast.walk(parsed(path)) for found in imports_of(node)]


def imports_of(node):
    """(module, level) of what this one statement imports."""
    if isinstance(node, ast.Import):
        yield from ((alias.name, 0) for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        if node.module is None or node.level and not node.module:
            yield from ((alias.name, node.level) for alias in node.names)
        else:
            yield node.module, node.level


def files(folder):
    return sorted(p for p in (ROOT / folder).rglob("*.py") if p.name != "caffe_pb2.py")


def room(path):
    """The room that a module's path, seen from ROOT and without its suffix, lies in."""
    parts = path.split("/")
    return "/".join(parts[:2]) if "/".join(parts[:2]) in ROOMS else parts[0]


def places(path):
    """Paths, seen from ROOT, of the modules of ours that a file imports."""
    here = path.relative_to(ROOT).parent.parts
    for name, level in imports(path):
        parts = name.split(".")
        if level:
            yield "/".join([*here[: len(here) - level + 1], *parts])
        elif parts[0] in ALLOWED:
            yield "/".join(parts)


@pytest.mark.parametrize("name", ROOMS)
def test_rooms_import_only_what_they_may(name):
    for path in files(name):
        here = path.relative_to(ROOT).as_posix()
        if here in DOORS or room(here[: -len(".py")]) != name:
            continue
        found = {room(place) for place in places(path)} - {name}
        assert found <= ROOMS[name], f"{here} imports {sorted(found - ROOMS[name])}"


@pytest.mark.parametrize("folder", ALLOWED)
def test_packages_need_only_what_they_may(folder):
    for path in files(folder):
        found = {name.split(".")[0] for name, level in imports(path) if not level}
        extra = found - STANDARD - ALLOWED[folder] - OPTIONAL[folder] - set(ALLOWED)
        assert not extra, f"{path.relative_to(ROOT)} imports {sorted(extra)}"


@pytest.mark.parametrize("folder", ALLOWED)
def test_no_module_imports_an_extra_by_itself(folder):
    for path in files(folder):
        top = {
            name.split(".")[0]
            for node in parsed(path).body
            for name, level in imports_of(node)
            if not level
        }
        here = path.relative_to(ROOT).as_posix()
        assert late(here) or not top & OPTIONAL[folder], path.name


def test_a_module_made_of_an_extra_is_imported_only_where_it_is_used():
    for path in files("caffe_compat"):
        if path.relative_to(ROOT).as_posix().startswith(OF_EXTRAS):
            continue
        for node in parsed(path).body:
            made = {Path(place).stem for place in (*OF_AN_EXTRA, *OF_EXTRAS)}
            names = getattr(node, "names", []) if isinstance(node, ast.ImportFrom) else []
            assert not {alias.name for alias in names} & made, path.name
            places = {name for name, level in imports_of(node) if level}
            assert not {part for name in places for part in name.split(".")} & made, path.name


def test_the_engine_knows_nothing_of_what_runs_programs():
    for path in files("caffe_compat"):
        here = path.relative_to(ROOT).as_posix()
        if not here.startswith("caffe_compat/programs/") and here not in DOORS:
            assert not any("programs" in name.split(".") for name, _ in imports(path)), here


def test_net_surgery_loads_no_engine_by_itself():
    code = (
        "import sys, net_surgery; "
        "sys.exit('numba' in sys.modules or any(m.startswith('caffe') for m in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


def test_layers_know_neither_net_nor_sibling_families():
    families = {p.stem for p in files("caffe_compat/layer_types")}
    families -= {"__init__", "registry", "host"}
    for path in files("caffe_compat/layer_types"):
        if path.stem == "__init__":
            continue
        for name, level in imports(path):
            assert not (level == 1 and name.split(".")[0] in families), (
                f"{path.name} imports its sibling {name}"
            )
            assert "net" not in name.split("."), f"{path.name} imports {name}"


def test_solvers_stand_above_nets_and_nets_above_layers():
    above = {"net": {"solvers"}, "layer_types": {"solvers", "net"}, "reading": {"solvers", "net",
             "layer_types"}}  # fmt: skip
    for folder, rooms in above.items():
        for path in files(f"caffe_compat/{folder}"):
            found = {name.split(".")[0] for name, level in imports(path) if level == 2}
            assert not found & rooms, f"{folder}/{path.name} imports {sorted(found & rooms)}"


def test_kernels_know_only_arrays():
    kernels = ROOT / "caffe_compat/kernels"
    for path in files("caffe_compat/kernels"):
        within = len(path.relative_to(kernels).parts)
        assert all(level <= within for _, level in imports(path)), path.name


def test_nothing_imports_scripts():
    for folder in ALLOWED:
        for path in files(folder):
            assert not {name.split(".")[0] for name, level in imports(path) if not level} & {
                "scripts",
                "tests",
            }


def test_only_engine_names_an_engine():
    for path in files("deepdream"):
        if path.stem == "engine":
            continue
        for name, level in imports(path):
            assert level or name.split(".")[0] not in ("caffe", "caffe_compat"), path.name


@pytest.mark.parametrize(
    "name",
    [
        "netfile",
        "deepdream/pictures",
        "deepdream/nets",
        "deepdream/dream",
        "deepdream/films",
        "deepdream/notebooks",
        "deepdream/request",
        "deepdream/cluster",
        "deepdream/studies",
        "deepdream/web",
    ],
)
def test_the_library_neither_prints_nor_parses(name):
    for path in files(name):
        if path.stem == "terminal":
            continue
        calls = {
            node.func.id
            for node in ast.walk(parsed(path))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        assert "print" not in calls and "argparse" not in {name for name, _ in imports(path)}, (
            path.name
        )


def test_exported_names():
    import caffe_compat
    import deepdream

    for module in (caffe_compat, deepdream):
        assert all(hasattr(module, name) for name in module.__all__)
    assert {"preprocess", "deprocess", "objective_L2", "make_step", "deepdream", "load_net"} <= set(
        deepdream.__all__
    )
    assert {
        "Net",
        "Classifier",
        "Blob",
        "io",
        "TRAIN",
        "TEST",
        "set_mode_cpu",
        "set_mode_gpu",
        "set_device",
    } <= set(caffe_compat.__all__)


@pytest.mark.parametrize("name", ["deepdream", "net_surgery", "caffe_compat", "caffe_compat.io"])
def test_exported_functions_and_classes_have_docstrings(name):
    module = importlib.import_module(name)
    for public in getattr(
        module, "__all__", ["load_image", "Transformer", "oversample", "resize_image"]
    ):
        thing = getattr(module, public)
        assert not callable(thing) or thing.__doc__, public


def test_each_make_target_in_the_readme_exists():
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"make ([a-z-]+)", (ROOT / "README.md").read_text()):
        assert re.search(rf"^{target}:", makefile, re.M), target


VERBS = (
    "dream",
    "batch",
    "zoom",
    "video",
    "resume",
    "presets",
    "layers",
    "replay",
    "compare",
    "match",
    "classes",
    "evaluate",
    "heatmap",
    "serve",
    "models get",
    "models import",
    "models caffe-root",
    "doctor",
    "completion",
)


def test_options_in_the_readme_exist(capsys):
    shown = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", (ROOT / "README.md").read_text()))
    for command in VERBS:
        with pytest.raises(SystemExit):
            cli.main([*command.split(), "--help"])
    known = capsys.readouterr().out
    assert not {option for option in shown if option not in known}


def test_each_file_of_tests_has_a_name_of_its_own():
    """Without packages in tests/, pytest knows them by that name alone."""
    names = sorted(path.name for path in (ROOT / "tests").rglob("test_*.py"))
    assert [name for name in set(names) if names.count(name) > 1] == []
