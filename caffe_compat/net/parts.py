"""What a net is made of, once it is built."""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any, Dict, List

from ..blob import Blob, ParamBlob
from ..layer_types.registry import Layer


@dataclass
class Parts:
    """What a net is made of. Lists have an entry for each layer, in the order in which they run."""

    name: str
    layers: List[Layer] = field(default_factory=list)
    bottoms: List[List[Blob]] = field(default_factory=list)
    tops: List[List[Blob]] = field(default_factory=list)
    bottom_names: List[List[str]] = field(default_factory=list)
    top_names: List[List[str]] = field(default_factory=list)
    loss_weights: List[List[float]] = field(default_factory=list)  # of each top
    blobs: Dict[str, Blob] = field(default_factory=OrderedDict)
    params: Dict[str, List[ParamBlob]] = field(default_factory=OrderedDict)
    inputs: List[str] = field(default_factory=list)
    outputs: List[str] = field(default_factory=list)
    plan: Any = None  # a graph.BackwardPlan
