"""What the server answers: the page, its pictures, and what it asks for. Each name in an address is
looked up in what is there; none becomes a path."""

import json
import secrets
import traceback
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Callable, Dict, List
from urllib.parse import quote

from netfile.errors import NetError

from ..errors import DreamError, ImageError
from ..request.presets import PRESETS
from ..settings import DREAM, WEB, ZOOM
from ..studies.colours import variables
from ..version import __version__
from . import asked, dreams, samples
from .hub import Hub
from .jobs import Jobs
from .kept import SHOWN, THUMB, Pictures
from .models import Models
from .security import Refusal, body

PAGE = Path(__file__).with_name("page")
_KINDS = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
_WHOLE = {
    "zip": "application/zip",
    "gif": "image/gif",
    "webp": "image/webp",
    "mp4": "video/mp4",
}
_MOST_JSON = 1 << 17  # bytes of a request that is no picture
_SIDES = {"shown": SHOWN, "thumb": THUMB}


class Routes:
    """The answers. Everything here may be called by a hostile page, and ends in an answer.

    Args:
        models, kept, jobs, hub: what there is.
        advised: an error's text with what to do about it.
        command: the command line of what is asked for.
    """

    def __init__(
        self,
        models: Models,
        kept: Pictures,
        jobs: Jobs,
        hub: Hub,
        advised: Callable[[Exception], str],
        command: Callable[..., str],
    ) -> None:
        import anyio

        self._models, self._kept, self._jobs, self._hub = models, kept, jobs, hub
        self._advised, self._command = advised, command
        self._boot = secrets.token_hex(8)
        self._files = {p.name: p for p in PAGE.iterdir() if p.suffix in _KINDS}
        self._decoding = anyio.Semaphore(2)  # pictures at once, each of which takes memory

    def app(self) -> Any:
        """The ASGI application, without its guard."""
        from starlette.applications import Starlette
        from starlette.routing import Route

        get: List[Any] = [
            ("/", self.page),
            ("/page/{name}", self.file),
            ("/layers/{model}/{name}", self.layer),
            ("/state", self.state),
            ("/models/{model}", self.model),
            ("/samples/{name}", self.sample),
            ("/pictures/{id}/{size}", self.picture),
            ("/pictures/{id}", self.file_of_picture),
            ("/frames/{id}/{number}", self.frame),
            ("/results/{id}.{kind}", self.whole_result),
            ("/events", self.events),
        ]
        post: List[Any] = [
            ("/pictures", self.add_picture),
            ("/samples/{name}", self.add_sample),
            ("/models/{model}/pictures", self.draw),
            ("/models/{model}/pictures/stop", self.stop_drawing),
            ("/check", self.check),
            ("/dreams", self.dream),
            ("/dreams/{id}/stop", self.stop),
        ]
        routes = [Route(path, _safely(call, self._say), methods=["GET"]) for path, call in get]
        routes += [Route(path, _safely(call, self._say), methods=["POST"]) for path, call in post]
        return Starlette(routes=routes)

    def _say(self, error: Exception) -> str:
        return self._kept.public(self._advised(error))

    async def page(self, request: Any) -> Any:
        return _file(self._files["index.html"])

    async def file(self, request: Any) -> Any:
        name = request.path_params["name"]
        if name == "colours.css":
            return _response(variables().encode(), "text/css", "no-cache")
        return _file(self._files[name])

    async def layer(self, request: Any) -> Any:
        path = self._models.picture(request.path_params["model"], request.path_params["name"])
        if path is None:
            raise KeyError
        return _response(path.read_bytes(), "image/webp", "max-age=3600")

    async def state(self, request: Any) -> Any:
        return _json(await _thread(self._state))

    def _state(self) -> Dict[str, Any]:
        return {
            "server": self._boot,
            "version": __version__,
            "models": self._models.listed(),
            "model": self._models.first,
            "samples": [one._asdict() for one in samples.listed()],
            "presets": {n: {"about": p.about, **p.settings} for n, p in PRESETS.items()},
            "settings": {
                "iterations": DREAM.iterations,
                "octaves": DREAM.octaves,
                "octave_scale": DREAM.octave_scale,
                "step_size": DREAM.step_size,
                "jitter": DREAM.jitter,
                "smooth": DREAM.smooth,
                "scale": ZOOM.scale,
                "max_size": WEB.max_size,
            },
            "animations": [
                kind for kind in ("gif", "webp", "mp4") if kind != "mp4" or _has_video()
            ],
            "limits": {"bytes": WEB.upload_bytes, "guides": asked.MOST_GUIDES},
            **self._jobs.told(),
        }

    async def model(self, request: Any) -> Any:
        return _json(await _thread(self._models.about, request.path_params["model"]))

    async def draw(self, request: Any) -> Any:
        """Make small pictures of a net's layers, while nothing else is to be made."""
        called = request.path_params["model"]
        layers = await _thread(self._models.undrawn, called)
        self._jobs.draw(self._models.get(called).model, called, layers)
        return _json({"left": len(layers)})

    async def stop_drawing(self, request: Any) -> Any:
        self._jobs.stop_drawing(request.path_params["model"])
        return _json({})

    async def sample(self, request: Any) -> Any:
        content = await _thread(samples.content, request.path_params["name"])
        kind = "image/png" if content[:4] == b"\x89PNG" else "image/jpeg"
        return _response(content, kind, "max-age=3600")

    async def add_sample(self, request: Any) -> Any:
        name = request.path_params["name"]
        return await self._added(await _thread(samples.content, name), name)

    async def add_picture(self, request: Any) -> Any:
        content = await body(request, WEB.upload_bytes)
        return await self._added(content, str(request.query_params.get("name", ""))[:1000])

    async def _added(self, content: bytes, name: str) -> Any:
        if not content:
            raise ImageError("this file is empty; choose a picture")
        async with self._decoding:
            one = await _thread(self._kept.add, content, name)
        return _json({"id": one.id, "name": one.name, "size": list(one.size[::-1])})

    async def picture(self, request: Any) -> Any:
        side = _SIDES[request.path_params["size"]]
        return _response(self._kept.shown(request.path_params["id"], side), "image/jpeg")

    async def file_of_picture(self, request: Any) -> Any:
        """A picture's own file, to be saved."""
        one = self._kept.get(request.path_params["id"])
        content = await _thread(one.path.read_bytes)
        return _saved(content, "application/octet-stream", one.name)

    async def frame(self, request: Any) -> Any:
        one = self._jobs.get(request.path_params["id"])
        if one is None or not one.frame[1]:
            raise KeyError
        return _response(one.frame[1], "image/jpeg")

    async def whole_result(self, request: Any) -> Any:
        """A result with all that it was made from, or its frames as an animation."""
        result, kind = self._jobs.result(request.path_params["id"]), request.path_params["kind"]
        if result is None:
            raise KeyError
        self._kept.hold(result.pictures)  # a newer result may take its place meanwhile
        try:
            async with self._decoding:
                content = await _thread(self._content, result, kind)
        finally:
            self._kept.release(result.pictures)
        return _saved(content, _WHOLE[kind], f"{dreams.stem(result.picture.name)}-dream.{kind}")

    def _content(self, result: dreams.Result, kind: str) -> bytes:
        if kind == "zip":
            return dreams.archive(result, self._jobs.command(result))
        if kind not in _WHOLE or len(result.frames) == 1:
            raise KeyError
        return dreams.animated(result, kind)

    async def check(self, request: Any) -> Any:
        """The command line of what is asked for, or what is wrong with it."""
        form = await self._asked(request)
        return _json({"command": await _thread(self._command, form)})

    async def dream(self, request: Any) -> Any:
        form = await self._asked(request)
        command = await _thread(self._command, form)
        one = self._jobs.add(form)
        return _json({"id": one.id, "place": self._jobs.place(one), "command": command})

    async def _asked(self, request: Any) -> asked.Asked:
        text = (await body(request, _MOST_JSON)).decode("utf-8", "replace")
        read: asked.Asked = await _thread(asked.read, text, self._models, self._kept)
        return read

    async def stop(self, request: Any) -> Any:
        if not self._jobs.stop(request.path_params["id"]):
            raise KeyError
        return _json({})

    async def events(self, request: Any) -> Any:
        from starlette.responses import StreamingResponse

        page = self._hub.join()
        if page is None:
            raise Refusal(503, "too many pages are open on this server; close one")

        async def stream() -> Any:
            try:
                yield f"retry: 1500\nevent: hello\ndata: {json.dumps({'server': self._boot})}\n\n"
                async for text in page:
                    yield text
            finally:
                page.leave()

        return StreamingResponse(
            stream(), media_type="text/event-stream", headers={"cache-control": "no-store"}
        )


def _safely(call: Callable[[Any], Any], say: Callable[[Exception], str]) -> Callable[[Any], Any]:
    """An endpoint whose errors are answers: one line of JSON each."""

    async def endpoint(request: Any) -> Any:
        try:
            return await call(request)
        except Refusal as e:
            return _json({"error": e.text}, e.status)
        except KeyError:
            return _json({"error": "this is not here, or not any more"}, 404)
        except (DreamError, NetError) as e:
            return _json({"error": say(e)}, 422)
        except MemoryError:
            return _json({"error": "there is not enough memory for this"}, 507)
        except Exception as e:  # a fault of ours ends one answer, and not the server
            if type(e).__name__ != "ClientDisconnect":
                traceback.print_exc()
            return _json({"error": f"this went wrong here: {type(e).__name__}"}, 500)

    return endpoint


def _has_video() -> bool:
    return find_spec("av") is not None


async def _thread(call: Callable[..., Any], *args: Any) -> Any:
    from starlette.concurrency import run_in_threadpool

    return await run_in_threadpool(call, *args)


def _response(content: bytes, kind: str, cache: str = "no-store") -> Any:
    from starlette.responses import Response

    return Response(content, media_type=kind, headers={"cache-control": cache})


def _json(facts: Any, status: int = 200) -> Any:
    from starlette.responses import JSONResponse

    return JSONResponse(facts, status, headers={"cache-control": "no-store"})


def _file(path: Path) -> Any:
    return _response(path.read_bytes(), _KINDS[path.suffix], "no-cache")


def _saved(content: bytes, kind: str, name: str) -> Any:
    """A file that a browser saves under a name."""
    response = _response(content, kind)
    response.headers["content-disposition"] = f"attachment; filename*=UTF-8''{quote(name)}"
    return response
