"""lmdb's databases, whose keys are str in Python 2 and bytes in newer Pythons."""

from typing import Any, Iterator

import lmdb

from .strings import as_bytes, native


class Environment:
    """An lmdb.Environment: `begin` gives transactions with keys of str."""

    def __init__(self, *args: Any, **options: Any) -> None:
        self._under = lmdb.open(*args, **options)

    def begin(self, *args: Any, **options: Any) -> "_Transaction":
        return _Transaction(self._under.begin(*args, **options))

    def open_db(self, key: Any = None, *args: Any, **options: Any) -> Any:
        return self._under.open_db(as_bytes(key), *args, **options)

    def __enter__(self) -> "Environment":
        return self

    def __exit__(self, *args: Any) -> None:
        self._under.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._under, name)


class _Bytes:
    """What hands its keys and values on as bytes."""

    def __init__(self, under: Any) -> None:
        self._under = under

    def put(self, key: Any, value: Any, *args: Any, **options: Any) -> Any:
        return self._under.put(as_bytes(key), as_bytes(value), *args, **options)

    def get(self, key: Any, *args: Any, **options: Any) -> Any:
        return self._under.get(as_bytes(key), *args, **options)

    def delete(self, *args: Any, **options: Any) -> Any:
        return self._under.delete(*map(as_bytes, args), **options)

    def __enter__(self) -> Any:
        self._under.__enter__()
        return self

    def __exit__(self, *args: Any) -> Any:
        return self._under.__exit__(*args)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._under, name)


class _Transaction(_Bytes):
    def cursor(self, *args: Any, **options: Any) -> "_Cursor":
        return _Cursor(self._under.cursor(*args, **options))


class _Cursor(_Bytes):
    def key(self) -> Any:
        return native(self._under.key())

    def item(self) -> Any:
        return self.key(), self._under.value()

    def set_key(self, key: Any) -> bool:
        return bool(self._under.set_key(as_bytes(key)))

    def set_range(self, key: Any) -> bool:
        return bool(self._under.set_range(as_bytes(key)))

    def iternext(self, *args: Any, **options: Any) -> Iterator[Any]:
        for found in self._under.iternext(*args, **options):
            yield (native(found[0]), found[1]) if isinstance(found, tuple) else found

    def __iter__(self) -> Iterator[Any]:
        return self.iternext()
