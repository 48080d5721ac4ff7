"""NumPy's names of 2015."""

from typing import Any, Callable, Dict

from . import add_missing

printing_as_then = False  # whether the program is Python 2, and arrays print as they did


def _names(np: Any) -> Dict[str, Callable[[], Any]]:
    kinds = {
        "float": float, "int": int, "object": object, "str": str, "complex": complex,
        "unicode": str, "long": int, "bool": bool,
        "float_": np.float64, "complex_": np.complex128, "string_": np.bytes_,
        "unicode_": np.str_, "int0": np.intp, "uint0": np.uintp, "bool8": np.bool_,
        "object0": np.object_, "str0": np.str_, "bytes0": np.bytes_, "void0": np.void,
        "singlecomplex": np.complex64, "cfloat": np.complex128, "longfloat": np.longdouble,
        "Inf": np.inf, "Infinity": np.inf, "infty": np.inf, "PINF": np.inf, "NINF": -np.inf,
        "NaN": np.nan, "NAN": np.nan, "PZERO": 0.0, "NZERO": -0.0,
        "typeDict": np.sctypeDict,
    }  # fmt: skip
    functions = {
        "product": "prod", "cumproduct": "cumprod", "alltrue": "all", "sometrue": "any",
        "in1d": "isin", "row_stack": "vstack", "trapz": "trapezoid", "round_": "round",
        "rank": "ndim", "mat": "asmatrix", "setdiff": "setdiff1d",
    }  # fmt: skip
    names: Dict[str, Callable[[], Any]] = {
        "asscalar": lambda: lambda a: a.item(),
        "msort": lambda: lambda a: np.sort(a, axis=0),
        "asfarray": lambda: lambda a, dtype=np.float64: np.asarray(a, dtype),
        "find_common_type": lambda: lambda arrays, scalars: np.result_type(*arrays, *scalars),
        "issubclass_": lambda: _is_subclass,
        "disp": lambda: (
            lambda mesg, device=None, linefeed=True: print(
                mesg, file=device, end="\n" if linefeed else ""
            )
        ),
    }
    for old, value in kinds.items():
        names[old] = lambda value=value: value  # type: ignore[misc]
    for old, new in functions.items():
        if hasattr(np, new):
            names[old] = lambda new=new: getattr(np, new)  # type: ignore[misc]
    return names


def _is_subclass(arg1: Any, arg2: Any) -> bool:
    try:
        return issubclass(arg1, arg2)
    except TypeError:
        return False


def _fromstring(np: Any) -> Callable[..., Any]:
    of_text = np.fromstring

    def fromstring(string: Any, dtype: Any = float, count: int = -1, sep: str = "") -> Any:
        """An array of a string's bytes, as before NumPy 2.3, or of the numbers in a text."""
        if sep:
            return of_text(string, dtype=dtype, count=count, sep=sep)
        data = string.encode("latin-1") if isinstance(string, str) else string
        return np.frombuffer(data, dtype, count).copy()

    return fromstring


def _random_integers(np: Any) -> Callable[..., Any]:
    def random_integers(low: int, high: Any = None, size: Any = None) -> Any:
        """Whole numbers from low to high, which is one of them."""
        low, high = (1, low) if high is None else (low, high)
        return np.random.randint(low, high + 1, size)

    return random_integers


def apply(np: Any) -> None:
    """Add them to NumPy."""
    add_missing(np, _names(np))
    np.fromstring = _fromstring(np)
    if not hasattr(np.random, "random_integers"):
        np.random.random_integers = _random_integers(np)
    if printing_as_then:
        print_as_then(np)


def print_as_then(np: Any) -> None:
    """Print arrays and numbers as NumPy 1.13 did, the last of Python 2's years."""
    np.set_printoptions(legacy="1.13")
