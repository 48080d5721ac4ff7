"""OpenCV's names of version 2, where OpenCV is installed."""

import types
from typing import Any

_READ = {"CV_LOAD_IMAGE_COLOR": "IMREAD_COLOR", "CV_LOAD_IMAGE_GRAYSCALE": "IMREAD_GRAYSCALE",
         "CV_LOAD_IMAGE_UNCHANGED": "IMREAD_UNCHANGED", "CV_AA": "LINE_AA"}  # fmt: skip


def apply(cv2: Any) -> None:
    """cv2.cv and its CV_ constants; those of imread beside it."""
    for old, new in _READ.items():
        if not hasattr(cv2, old):
            setattr(cv2, old, getattr(cv2, new))
    if not hasattr(cv2, "cv"):
        cv2.cv = _Constants("cv2.cv", cv2)


class _Constants(types.ModuleType):
    """cv2.cv: CV_NAME is cv2.NAME."""

    def __init__(self, name: str, cv2: Any) -> None:
        super().__init__(name)
        self._cv2 = cv2

    def __getattr__(self, name: str) -> Any:
        if name == "CV_FOURCC":
            return self._cv2.VideoWriter_fourcc
        bare = name[3:] if name.startswith("CV_") else name
        for candidate in (name, _READ.get(name, bare), bare):
            if hasattr(self._cv2, candidate):
                return getattr(self._cv2, candidate)
        raise AttributeError(f"module 'cv2.cv' has no attribute {name!r}")
