"""What acts in a process of a program: sitecustomize calls `begin` where one has been started."""

from typing import Any, List

from . import settings

translations: List[Any] = []  # what translates the sources of this process, once `begin` has run


def seed(number: int) -> None:
    """Have Python's and NumPy's generators begin with a number."""
    import random

    import numpy as np

    random.seed(number)
    np.random.seed(number)


def begin() -> None:
    """Answer old names, translate Python 2, and show Caffe's folders, as the settings have it."""
    wanted = settings.given()
    if wanted is None:
        return
    from . import sources

    if wanted.shims:
        from . import shims

        shims.install()
    if wanted.tree:
        from . import caffe_tree

        caffe_tree.show(wanted.tree)
    if wanted.seed is not None:
        seed(wanted.seed)
    translations.append(sources.Translation(wanted))
    sources.install(translations[0])
