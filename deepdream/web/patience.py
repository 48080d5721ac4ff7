"""How long a connection may take to say what it wants. uvicorn waits for ever, and a few hundred
connections that begin a request and do not end it would keep every page out."""

from typing import Any, Optional

HEAD_SECONDS = 15.0  # from a connection's beginning, or a request's, to the end of its head


def protocol() -> Any:
    """uvicorn's protocol on h11, with that bound: what is slower is closed without an answer."""
    from uvicorn.protocols.http.h11_impl import H11Protocol

    class Patient(H11Protocol):  # type: ignore[misc]
        _late: Optional[Any] = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._wait()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if not self._has_no_request():
                self._stop_waiting()
            elif self._late is None:  # the next request on this connection has begun
                self._wait()

        def connection_lost(self, exc: Optional[Exception]) -> None:
            self._stop_waiting()
            super().connection_lost(exc)

        def _has_no_request(self) -> bool:
            return self.cycle is None or bool(self.cycle.response_complete)

        def _wait(self) -> None:
            self._late = self.loop.call_later(HEAD_SECONDS, self._give_up)

        def _stop_waiting(self) -> None:
            if self._late is not None:
                self._late.cancel()
                self._late = None

        def _give_up(self) -> None:
            self._late = None
            if self._has_no_request():
                self.transport.close()

    return Patient
