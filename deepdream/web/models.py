"""What the page is told of the nets: which are here, and which layers can be dreamt of."""

import threading
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional
from urllib.parse import quote

from netfile.errors import NetError, ShapeError
from netfile.shapes import infer

from .. import nets
from ..errors import DreamError, ModelError
from ..nets import engine as engines
from ..nets import opening
from ..nets.default_end import default_map
from ..nets.layer_names import short_name
from ..nets.preflight import targets
from ..request.own_settings import own_settings
from . import drawn


class Told(NamedTuple):
    """A net that the page may ask for. description: a NetParameter, checked."""

    model: nets.Model
    description: Any


class Models:
    """The nets that the page may name, by what it calls them.

    Args:
        engine: as `nets.open` takes it.
        chosen: the model that the page opens with: any that `nets.find` knows.

    Raises:
        DreamError: the chosen one is not complete.
    """

    def __init__(self, engine: str, chosen: nets.Model) -> None:
        self.engine, self.first = engine, _called(chosen)
        self._chosen = chosen
        self._told: Dict[str, Told] = {}
        self._lock = threading.Lock()

    def listed(self) -> List[Dict[str, Any]]:
        """The nets as the page lists them: those whose weights are here, and then the others."""
        out = [_row(self._chosen)]
        for name in nets.known():
            if name == self.first:
                continue
            try:
                out.append(_row(nets.find(name)))
            except DreamError:  # a readme that cannot be read is for `deepdream doctor`
                continue
        return sorted(out, key=lambda row: (not row["here"], row["id"] != self.first))

    def get(self, called: str) -> Told:
        """The net of this name.

        Raises:
            DreamError: there is none, or it cannot be read.
        """
        with self._lock:
            if called not in self._told:
                self._told[called] = self._read(called)
            return self._told[called]

    def _read(self, called: str) -> Told:
        if called == self.first:
            model = self._chosen
        elif called in nets.known():  # never a folder: the page reaches no path
            model = nets.find(called)
        else:
            raise ModelError(f'there is no model "{called}"; reload the page for those that are')
        return Told(model, opening.read(model, engines.load(self.engine)))

    def about(self, called: str) -> Dict[str, Any]:
        """Layers, classes and own settings of a net, for the page. Raises DreamError."""
        model, description = self.get(called)
        own = own_settings(model)
        return {
            "id": called,
            "end": nets.default_end(model, self.engine),
            "map": default_map(model, self.engine),  # where guides are compared
            "layers": _layers(model, called, description),
            "classes": nets.classes(model),
            "own": own,
            "picture": self._own_picture(called),
            "undrawn": len(self.undrawn(called)),
        }

    def _own_picture(self, called: str) -> str:
        """The address of the picture of a net's own dream, or ""."""
        model, description = self.get(called)
        name = drawn.names(description)[drawn.OWN]
        return address(called, name) if _file(drawn.folders(model, called), name) else ""

    def undrawn(self, called: str) -> Dict[str, str]:
        """The layers of a net that could have pictures, and have none: {layer: the picture's name}.

        Raises DreamError."""
        model, description = self.get(called)
        named, there = drawn.names(description), drawn.folders(model, called)
        named.pop(drawn.OWN)
        return {layer: name for layer, name in named.items() if not _file(there, name)}

    def picture(self, called: str, name: str) -> Optional[Path]:
        """The file of a layer's picture, by names that `about` gave; None for others."""
        try:
            model, description = self.get(called)
        except DreamError:
            return None
        if name not in drawn.names(description).values():
            return None
        return _file(drawn.folders(model, called), name)


def address(called: str, name: str) -> str:
    """Where the page finds a picture of a layer."""
    return f"layers/{quote(called, safe='')}/{quote(name)}"


def _file(folders: List[Path], name: str) -> Optional[Path]:
    return next((folder / name for folder in folders if (folder / name).is_file()), None)


def _called(model: nets.Model) -> str:
    return Path(model.name).name or "model"


def _row(model: nets.Model) -> Dict[str, Any]:
    """A model for the page's list; its command is what gets it."""
    here = model.weights.is_file() and model.deploy.is_file()
    return {"id": _called(model), "name": str(model.facts.get("name") or model.name), "here": here}


def _layers(model: nets.Model, called: str, description: Any) -> List[Dict[str, Any]]:
    try:
        shapes = infer(description)
    except (ShapeError, NetError):  # only their sizes are not told then
        shapes = {}
    out = []
    named, there = drawn.names(description), drawn.folders(model, called)
    for name in targets(description):
        shape, picture = shapes.get(name), named.get(name, "")
        shown = picture and _file(there, picture)
        out.append(
            {
                "name": name,
                "short": short_name(description, name),
                "channels": shape[1] if shape and len(shape) > 1 else 0,
                "picture": address(called, picture) if shown else "",
            }
        )
    return out
