"""pycaffe's whole Python surface, name by name and call by call, on a real Caffe and here.

tests/parity/surface.py records it on each engine. What may differ is in docs/engine.md's table
"Names that differ", and nowhere else.
"""

import json
import re
import sys
from typing import Any, Dict, List, Set, Tuple

import pytest

from tests.support.real_caffe import CAFFE_PYTHON, ROOT, run_clean

pytestmark = pytest.mark.caffe
Surface = Dict[str, Any]
# where a name that only this engine has must be stated too
CLOSED = ("caffe", "caffe._caffe", "caffe.net_spec.NetSpec")


@pytest.fixture(scope="module")
def surfaces(tmp_path_factory: pytest.TempPathFactory) -> Tuple[Surface, Surface]:
    """(this engine's surface, Caffe's)."""
    folder = tmp_path_factory.mktemp("surface")
    found = []
    for python, engine in ((sys.executable, "caffe_compat"), (CAFFE_PYTHON, "caffe")):
        file = folder / f"{engine}.json"
        run = run_clean([python, "tests/parity/surface.py", engine, str(file)])
        assert run.returncode == 0, run.stderr[-3000:]
        found.append(json.loads(file.read_text()))
    return found[0], found[1]


def stated() -> Set[str]:
    """The names in docs/engine.md's table of names that differ."""
    text = (ROOT / "docs" / "engine.md").read_text()
    table = text.split("## Names that differ")[1].split("\n## ")[0]
    rows = [row.split("|")[1] for row in table.splitlines() if row.startswith("| `")]
    return {name for row in rows for name in re.findall(r"`([\w.]+)`", row)}


def closed(place: str) -> bool:
    return place in CLOSED or place.startswith("caffe._caffe.")


def differing_names(ours: Surface, theirs: Surface) -> Set[str]:
    """Names that only one engine has, but for what Caffe's modules import from other packages.

    Of those, programs use caffe.io's.
    """
    only: Set[str] = set()
    for place, names in theirs["names"].items():
        here = ours["names"].get(place)
        if here is None:
            only.add(place)
            continue
        only |= {
            f"{place}.{name}"
            for name, (_, _, foreign) in names.items()
            if name not in here and (place == "caffe.io" or not foreign)
        }
        only |= {
            f"{place}.{name}"
            for name, (kind, _, foreign) in here.items()
            if name not in names and closed(place) and not foreign and name[0] != "_"
        }
    return only


def arguments(signature: List[str]) -> List[int]:
    """The fewest and most arguments by position of a function with these parameters."""
    by_position = [p for p in signature if p.startswith("POSITIONAL")]
    endless = any(p.startswith("VAR_POSITIONAL") for p in signature)
    return [sum("=" not in p for p in by_position), 99 if endless else len(by_position)]


def same(ours: Any, theirs: Any) -> bool:
    """Whether two recorded names have one kind and signature; Caffe's native ones count alone."""
    if theirs[1] is None or theirs[2]:
        return bool(ours[0] == theirs[0] or theirs[2])
    if isinstance(theirs[1][0] if theirs[1] else None, int):
        return bool(ours[0] == theirs[0] and arguments(ours[1]) == theirs[1])
    return bool(ours[:2] == theirs[:2])


def test_every_name_of_caffes_is_here(surfaces: Tuple[Surface, Surface]) -> None:
    ours, theirs = surfaces
    assert len(theirs["names"]) > 40
    assert differing_names(ours, theirs) - stated() == set()


def test_every_signature_is_caffes(surfaces: Tuple[Surface, Surface]) -> None:
    ours, theirs = surfaces
    differing = {
        f"{place}.{name}": (ours["names"][place][name], there)
        for place, names in theirs["names"].items()
        for name, there in names.items()
        if place != "caffe.proto.caffe_pb2"
        and name in ours["names"].get(place, {})
        and not same(ours["names"][place][name], there)
    }
    assert {name: v for name, v in differing.items() if name not in stated()} == {}


def test_every_stated_difference_is_there(surfaces: Tuple[Surface, Surface]) -> None:
    ours, theirs = surfaces
    names = differing_names(ours, theirs)
    differing = {
        f"{place}.{name}"
        for place, there in theirs["names"].items()
        for name, value in there.items()
        if name in ours["names"].get(place, {}) and not same(ours["names"][place][name], value)
    }
    assert stated() - names - differing == set()


def test_every_message_is_caffes_field_by_field(surfaces: Tuple[Surface, Surface]) -> None:
    ours, theirs = surfaces
    assert len(theirs["proto"]) > 60
    for name, fields in theirs["proto"].items():
        assert ours["proto"].get(name) == fields, name
    assert set(ours["proto"]) == set(theirs["proto"])


def equal(ours: Any, theirs: Any) -> bool:
    """Whether two outcomes agree; an error of ours may be of more kinds than Caffe's."""
    if theirs[0] == "raised":
        return bool(ours[0] == "raised" and set(theirs[1]) <= set(ours[1]))
    return bool(ours == theirs)


def test_every_call_gives_what_caffe_gives(surfaces: Tuple[Surface, Surface]) -> None:
    ours, theirs = surfaces
    assert len(theirs["calls"]) > 250
    differing = {
        call: (ours["calls"][call], there)
        for call, there in theirs["calls"].items()
        if not equal(ours["calls"][call], there)
    }
    assert differing == {}


def test_no_call_of_the_battery_fails_by_its_own_fault(surfaces: Tuple[Surface, Surface]) -> None:
    for call, there in surfaces[1]["calls"].items():
        assert there[0] != "raised" or "NameError" not in there[1], call
