"""Layers that only have tops: what they declare."""

from typing import Any, Dict

from .common import Shape, refused

INPUTS = {"Data", "DummyData", "HDF5Data", "ImageData", "Input", "MemoryData", "WindowData"}
# those that read pictures, with the field that has their batch size
_PICTURES = {
    "Data": "data_param",
    "ImageData": "image_data_param",
    "WindowData": "window_data_param",
}


def input_shapes(net: Any) -> Dict[str, Shape]:
    """{blob: shape} of what the input layers of a net (a NetParameter in V2) declare.

    A shape is None where a layer does not say it.
    """
    return {
        top: _declared(layer, i)
        for layer in net.layer
        if layer.type in INPUTS
        for i, top in enumerate(layer.top)
    }


def check_input(layer: Any) -> None:
    """Raise ShapeError where an input layer has too many or too few shapes for its tops."""
    given = len(_shapes(layer))
    fewest = 1 if layer.type == "DummyData" else 0
    if layer.type in ("Input", "DummyData") and given not in {fewest, 1, len(layer.top)}:
        raise refused(
            layer,
            f"has {len(layer.top)} tops but {given} shapes; give one shape, or one for each top",
        )


def _shapes(layer: Any) -> Any:
    if layer.type == "Input":
        return [tuple(shape.dim) for shape in layer.input_param.shape]
    if layer.type == "DummyData":
        p = layer.dummy_data_param
        return [tuple(shape.dim) for shape in p.shape] or list(
            zip(p.num, p.channels, p.height, p.width)
        )
    return []


def _declared(layer: Any, i: int) -> Shape:
    if layer.type in ("Input", "DummyData"):
        shapes = _shapes(layer)
        number = i if len(shapes) > 1 else 0
        return shapes[number] if number < len(shapes) else None
    if layer.type == "MemoryData":
        p = layer.memory_data_param
        return (p.batch_size, p.channels, p.height, p.width) if i == 0 else (p.batch_size,)
    crop = layer.transform_param.crop_size
    if layer.type not in _PICTURES or not crop:
        return None
    batch = getattr(layer, _PICTURES[layer.type]).batch_size
    return (batch, 3, crop, crop) if i == 0 else (batch,)
