"""What happens on the server, told to every page that is open, as server-sent events."""

import asyncio
import json
import threading
from typing import Any, Optional, Set

_ROOM = 200  # events that a slow page may be behind
_ALIVE = 10.0  # seconds from one sign of life to the next


class Hub:
    """Hands events, from any thread, to the pages that listen. most: how many may."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._pages: Set[asyncio.Queue[Optional[str]]] = set()
        self._loop: Optional[asyncio.AbstractEventLoop] = None
        self._lock = threading.Lock()
        self._closed = False

    def tell(self, event: str, **facts: Any) -> None:
        """Send an event with these facts."""
        text = f"event: {event}\ndata: {json.dumps(facts)}\n\n"
        with self._lock:
            if self._loop is not None and not self._closed:
                self._loop.call_soon_threadsafe(self._put, text)

    def close(self) -> None:
        """End every page's stream, so that the server can stop."""
        with self._lock:
            if self._loop is not None and not self._closed:
                self._loop.call_soon_threadsafe(self._put, None)
            self._closed = True

    def join(self) -> "Optional[Page]":
        """A new page's events, or None where too many listen already."""
        with self._lock:
            self._loop = asyncio.get_running_loop()
            if len(self._pages) >= self._most or self._closed:
                return None
        queue: asyncio.Queue[Optional[str]] = asyncio.Queue(_ROOM)
        self._pages.add(queue)
        return Page(self, queue)

    def leave(self, queue: "asyncio.Queue[Optional[str]]") -> None:
        self._pages.discard(queue)

    def _put(self, text: Optional[str]) -> None:
        for queue in self._pages:
            if text is None or queue.full():  # a page that is too slow begins anew
                while not queue.empty():
                    queue.get_nowait()
                queue.put_nowait(None)
            else:
                queue.put_nowait(text)


class Page:
    """One page's events, as an asynchronous iterator of texts, with signs of life between them."""

    def __init__(self, hub: Hub, queue: "asyncio.Queue[Optional[str]]") -> None:
        self._hub, self._queue = hub, queue

    def __aiter__(self) -> "Page":
        return self

    async def __anext__(self) -> str:
        try:
            text = await asyncio.wait_for(self._queue.get(), _ALIVE)
        except asyncio.TimeoutError:
            return ": still here\n\n"
        if text is None:
            raise StopAsyncIteration
        return text

    def leave(self) -> None:
        """The page has gone."""
        self._hub.leave(self._queue)
