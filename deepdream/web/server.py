"""The server of the page: started, and ended, with all that it keeps."""

import secrets
import signal
import socket
import tempfile
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, Optional

from .. import nets
from ..errors import AddressError, MissingExtraError
from ..settings import WEB
from . import patience
from .hub import Hub
from .jobs import Jobs
from .kept import Pictures
from .models import Models
from .routes import Routes
from .security import Guard, Hosts, is_loopback

_GRACE = 3  # seconds that open connections have when the server stops
_CONNECTIONS = 200


def check_installed() -> None:
    """Ask whether the packages of the page are there.

    Raises:
        MissingExtraError: they are not; with the command that installs them.
    """
    try:
        import starlette  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError:
        raise MissingExtraError(
            "the page needs Starlette and uvicorn; pip install 'deepdream-caffe[web]'", extra="web"
        ) from None


class Server:
    """The page's server: listens from the beginning, and answers while `run` runs.

    Args:
        model: the net that the page opens with.
        how: engine, gpu and tiling of every dream, as `jobs.how` gives them.
        advised: an error's text with what to do about it.
        command: the command line of an Asked.
        host, port: where it listens; port 0 takes any that is free. An address that others reach
            asks them for a token.

    Raises:
        MissingExtraError: the packages of the page are not installed.
        AddressError: it cannot listen there.
    """

    def __init__(
        self,
        model: nets.Model,
        how: Dict[str, Any],
        advised: Callable[[Exception], str],
        command: Callable[..., str],
        host: str = WEB.host,
        port: int = WEB.port,
    ) -> None:
        check_installed()
        self._socket = _listening(host, port)
        self._host, self.port = host, int(self._socket.getsockname()[1])
        self.token = "" if is_loopback(host) else secrets.token_urlsafe(24)
        self._folder = tempfile.TemporaryDirectory(prefix="deepdream-")
        self.hub = Hub(WEB.watchers)
        kept = Pictures(Path(self._folder.name))
        self._models = Models(how["engine"], model)
        self.jobs = Jobs(kept, self.hub, how, advised, command)
        routes = Routes(self._models, kept, self.jobs, self.hub, advised, command)
        self._app = Guard(routes.app(), Hosts(host), self.token)
        self._server: Any = None

    @property
    def address(self) -> str:
        """What a browser opens, the token included."""
        shown = {"0.0.0.0": socket.gethostname(), "::": socket.gethostname(), "": "localhost"}
        name = shown.get(self._host, self._host)
        name = f"[{name}]" if ":" in name else name
        query = f"?token={self.token}" if self.token else ""
        return f"http://{name}:{self.port}/{query}"

    def run(self, started: Callable[[], None] = lambda: None) -> None:
        """Answer until `stop`, or a signal that ends programs.

        started: is called as soon as it does.
        """
        self._server = self._uvicorn(started)
        threading.Thread(target=self._warm, daemon=True).start()
        try:
            with _ended_by_sigterm():
                self._server.run(sockets=[self._socket])
        finally:
            self.hub.close()
            self.jobs.close()
            self._socket.close()
            self._folder.cleanup()

    def stop(self) -> None:
        """End `run`, from another thread."""
        self.hub.close()
        self._server.should_exit = True

    def _warm(self) -> None:
        """Load the engine before the first page asks for it; what fails is said to that page."""
        try:
            self._models.about(self._models.first)
        except Exception:
            return

    def _uvicorn(self, started: Callable[[], None]) -> Any:
        import uvicorn

        hub = self.hub

        class Uvicorn(uvicorn.Server):  # type: ignore[misc]
            def handle_exit(self, sig: int, frame: Any) -> None:
                hub.close()  # pages that listen would keep it from ending
                super().handle_exit(sig, frame)

            async def startup(self, sockets: Any = None) -> None:
                await super().startup(sockets)
                started()

        return Uvicorn(
            uvicorn.Config(
                self._app,
                http=patience.protocol(),
                ws="none",
                loop="asyncio",
                lifespan="off",
                log_level="critical",
                access_log=False,
                server_header=False,
                proxy_headers=False,
                limit_concurrency=_CONNECTIONS,
                timeout_graceful_shutdown=_GRACE,
                h11_max_incomplete_event_size=1 << 16,
            )
        )


@contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """Context manager: SIGTERM raises SystemExit, so that what must be cleaned up is. uvicorn sends
    itself the signal once more when it has ended, and by then the system's way would be to die."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def leave(number: int, frame: Any) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _listening(host: str, port: int) -> socket.socket:
    """A socket that listens. Raises AddressError where it cannot."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made: Optional[socket.socket] = None
    try:
        made = socket.socket(family, socket.SOCK_STREAM)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((host, port))
        made.listen(128)
    except (OSError, UnicodeError) as e:
        if made is not None:
            made.close()
        why = getattr(e, "strerror", None) or str(e)
        raise AddressError(f"cannot listen on {host}, port {port}: {why}") from None
    return made
