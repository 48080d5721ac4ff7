"""What the page is told of the nets: which are here, and which layers can be dreamt of."""

import threading
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional

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

LAYERS = Path(__file__).with_name("page") / "layers"  # their pictures, a folder for each model
OWN = "own"  # what the picture of a model's own dream is called, in place of a layer


class Told(NamedTuple):
    """A net that the page may ask for. description: a NetParameter, checked."""

    model: nets.Model
    description: Any


def picture_name(layer: str) -> str:
    """The file name of a layer's picture."""
    return layer.replace("/", "-") + ".webp"


def pictured(model: nets.Model) -> List[str]:
    """The layers whose pictures are made: the outputs of stages, and the own dream first."""
    engine = engines.load("compat")
    layers = targets(opening.read(model, engine))
    outputs = [x for x in layers if x.endswith("/output") or x in ("conv1/7x7_s2", "conv2/3x3")]
    return [OWN, *outputs]


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
            "layers": _layers(called, description),
            "classes": nets.classes(model),
            "own": own,
            "picture": _picture(called, OWN),
        }

    def picture(self, called: str, name: str) -> Optional[Path]:
        """The file of a layer's picture, by names that `about` gave; None for others."""
        if called not in nets.known():
            return None
        folder = LAYERS / called
        return next((path for path in folder.glob("*.webp") if path.name == name), None)


def _called(model: nets.Model) -> str:
    return Path(model.name).name or "model"


def _row(model: nets.Model) -> Dict[str, Any]:
    """A model for the page's list; its command is what gets it."""
    here = model.weights.is_file() and model.deploy.is_file()
    return {"id": _called(model), "name": str(model.facts.get("name") or model.name), "here": here}


def _layers(called: str, description: Any) -> List[Dict[str, Any]]:
    try:
        shapes = infer(description)
    except (ShapeError, NetError):  # only their sizes are not told then
        shapes = {}
    out = []
    for name in targets(description):
        shape = shapes.get(name)
        out.append(
            {
                "name": name,
                "short": short_name(description, name),
                "channels": shape[1] if shape and len(shape) > 1 else 0,
                "picture": _picture(called, name),
            }
        )
    return out


def _picture(called: str, layer: str) -> str:
    """The address of a layer's picture, or "" where there is none."""
    name = picture_name(layer)
    return f"layers/{called}/{name}" if (LAYERS / called / name).is_file() else ""
