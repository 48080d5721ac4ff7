"""The dreams that pages have asked for: one at a time, the others in a queue."""

import secrets
import threading
import time
import traceback
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Optional, Tuple

from netfile.errors import NetError
from netfile.terminal import counted

from .. import nets
from ..dream.octaves import Progress
from ..errors import DreamError, OutputError, ZeroGradientError
from ..request import cost
from ..request.job import Job
from ..settings import WEB, Web
from . import drawn, dreams
from .asked import Asked
from .dreams import Cancelled, Result
from .hub import Hub
from .kept import Pictures
from .models import address
from .previews import Previews

WAITING, OPENING, DREAMING = "waiting", "opening", "dreaming"
DONE, STOPPED, FAILED = "done", "stopped", "failed"
_EVERY = 0.1  # seconds from one word of how far it is to the next


class Dreaming:
    """A dream that a page has asked for.

    state: one of the above. frame: the newest picture of it, a JPEG, and its number.
    """

    def __init__(self, asked: Asked) -> None:
        self.id = secrets.token_hex(8)
        self.asked = asked
        self.state = WAITING
        self.message = ""
        self.stopping = False
        self.frame: Tuple[int, bytes] = (0, b"")
        self.at: Dict[str, Any] = {}

    @property
    def ended(self) -> bool:
        return self.state in (DONE, STOPPED, FAILED)


@dataclass
class Drawing:
    """Small pictures of a net's layers that are still to be made, {layer: name}."""

    model: nets.Model
    called: str
    left: Dict[str, str]


class Jobs:
    """The queue, and the thread that makes its dreams one after another.

    Args:
        kept: the pictures.
        hub: where everything is told.
        how: engine, gpu and tiling of every dream.
        advised: an error's text with what to do about it.
        command: the command line of what is asked for.
        limits: of the queue, the results and the pictures in between.
    """

    def __init__(
        self,
        kept: Pictures,
        hub: Hub,
        how: Dict[str, Any],
        advised: Callable[[Exception], str],
        command: Callable[..., str],
        limits: Web = WEB,
    ) -> None:
        self._kept, self._hub, self._how, self._limits = kept, hub, how, limits
        self._advised, self._command = advised, command
        self._queue: List[Dreaming] = []
        self._drawings: List[Drawing] = []  # which are made while nothing is in the queue
        self._all: OrderedDict[str, Dreaming] = OrderedDict()
        self._results: OrderedDict[str, Result] = OrderedDict()
        self._changed = threading.Condition(kept.lock)
        self._before: Optional[nets.OpenNet] = None  # of the last dream; opening takes seconds
        self._closed = False
        kept.make_room = self._drop_oldest
        self._thread = threading.Thread(target=self._work, name="dreams", daemon=True)
        self._thread.start()

    def add(self, asked: Asked) -> Dreaming:
        """Put a dream into the queue. Raises OutputError where that is full."""
        with self._changed:
            if len(self._queue) >= self._limits.waiting:
                raise OutputError(
                    f"{counted(len(self._queue), 'dream')} wait already, and no more may; stop one"
                )
            one = Dreaming(asked)
            self._kept.hold(asked.pictures)
            self._queue.append(one)
            self._all[one.id] = one
            while (
                len(self._all) > 2 * self._limits.waiting and next(iter(self._all.values())).ended
            ):
                self._all.popitem(last=False)
            self._changed.notify_all()
        self._tell_queue()
        return one

    def stop(self, key: str) -> bool:
        """End a dream after its present step, or before its first; whether there is one."""
        with self._changed:
            one = self._all.get(key)
            if one is None:
                return False
            one.stopping = True
            if one in self._queue:
                self._queue.remove(one)
                self._end(one, STOPPED)
        self._tell(one)
        self._tell_queue()
        return True

    def draw(self, model: nets.Model, called: str, layers: Dict[str, str]) -> None:
        """Make small pictures of layers, {layer: name}, and keep them; dreams come first."""
        with self._changed:
            if layers and not any(one.called == called for one in self._drawings):
                self._drawings.append(Drawing(model, called, dict(layers)))
                self._changed.notify_all()

    def stop_drawing(self, called: str) -> None:
        """Make no more pictures of a net's layers."""
        with self._changed:
            for one in self._drawings:
                if one.called == called:
                    one.left.clear()
                    self._drawings.remove(one)
                    break
        self._hub.tell("drawn", model=called, layer="", picture="", left=0, message="")

    def get(self, key: str) -> Optional[Dreaming]:
        return self._all.get(key)

    def place(self, one: Dreaming) -> int:
        """How many dreams there are until this one, itself among them; 0 for none that waits."""
        with self._changed:
            return self._queue.index(one) + 1 if one in self._queue else 0

    def result(self, key: str) -> Optional[Result]:
        return self._results.get(key)

    def forget(self, key: str) -> None:
        """Let go of a result."""
        with self._changed:
            result = self._results.pop(key, None)
            if result:
                self._kept.release(result.pictures)
        self._hub.tell("forgotten", id=key)

    def command(self, result: Result) -> str:
        """The command line that makes a result again, if it was not stopped."""
        return self._command(result.asked)

    def told(self) -> Dict[str, Any]:
        """What a page that opens is told: the dreams that go on, and the results."""
        with self._changed:
            return {
                "dreams": [self._facts(one) for one in self._all.values() if not one.ended],
                "drawings": {one.called: len(one.left) for one in self._drawings},
                "results": [dreams.told(r, self.command(r)) for r in self._results.values()],
            }

    def close(self) -> None:
        """Stop what goes on, within a step, and wait for that."""
        with self._changed:
            self._closed = True
            for one in self._all.values():
                one.stopping = True
            self._changed.notify_all()
        self._thread.join(10)

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._queue and not self._drawings and not self._closed:
                    self._changed.wait()
                if self._closed:
                    return
                if self._queue:
                    one = self._queue.pop(0)
                    one.state = OPENING
                else:
                    drawing, one = self._drawings[0], None
            if one is None:
                self._draw(drawing)
                continue
            self._tell(one)
            self._tell_queue()
            state, result = self._made(one)
            with self._changed:
                self._end(one, state)
            self._tell(one, result)

    def _made(self, one: Dreaming) -> Tuple[str, Optional[Result]]:
        """Make one dream; nothing that goes wrong ends the thread."""
        try:
            result = self._dreamt(one)
            self._add(result)
            return (STOPPED if one.stopping else DONE), result
        except Cancelled:
            return STOPPED, None
        except (DreamError, NetError) as e:
            one.message = self._kept.public(self._advised(e))
        except MemoryError:
            one.message = "there is not enough memory for this; make the picture smaller"
        except Exception as e:
            traceback.print_exc()
            one.message = f"this went wrong here, and is a fault of deepdream's: {e!r}"
        return FAILED, None

    def _draw(self, one: "Drawing") -> None:
        """Make the next picture of a drawing; nothing that goes wrong ends the thread."""
        with self._changed:
            if not one.left:  # it was stopped just now
                return
            layer, name = next(iter(one.left.items()))
        picture = message = ""
        how, self._before = {**self._how, "before": self._before}, None
        try:
            content, self._before = drawn.drawn(
                one.model, layer, how, lambda: bool(self._queue) or self._closed or not one.left
            )
            drawn.keep(one.model, name, content)
            picture = address(one.called, name)
        except drawn.Unfinished:
            return  # it comes again, or it was stopped
        except ZeroGradientError:
            pass  # a layer that sees nothing has no picture
        except MemoryError:
            message = "there is not enough memory for pictures of these layers"
        except (DreamError, NetError) as e:
            message = self._kept.public(self._advised(e))
        except Exception as e:
            traceback.print_exc()
            message = f"this went wrong here, and is a fault of deepdream's: {e!r}"
        with self._changed:
            if message:
                one.left.clear()
            one.left.pop(layer, None)
            left = len(one.left)
            if not left and one in self._drawings:
                self._drawings.remove(one)
        facts = {"layer": layer, "picture": picture, "left": left, "message": message}
        self._hub.tell("drawn", model=one.called, **facts)

    def _dreamt(self, one: Dreaming) -> Result:
        request = one.asked.request(before=self._before, **self._how)
        self._before = None  # until this one has gone well
        job = request.job(str(one.asked.image.path), one.asked.seed)
        job = one.asked.with_names(job)
        if one.stopping:
            raise Cancelled
        one.state = DREAMING
        for note in (*job.photo.notes, *job.opened.model.notes):
            self._hub.tell("note", id=one.id, text=self._kept.public(note))
        steps = _Steps(one, job, self._limits, self._hub)
        made = dreams.make(one.asked, job, self._kept, steps, lambda: one.stopping)
        self._before = job.opened
        return made

    def _add(self, result: Result) -> None:
        with self._changed:
            self._kept.hold(result.asked.pictures)  # its frames are held already
            self._results[result.id] = result
        while len(self._results) > self._limits.results:
            self._drop_oldest()

    def _drop_oldest(self) -> bool:
        """Let go of the oldest result; whether there was one."""
        oldest = next(iter(self._results), None)
        if oldest is None:
            return False
        self.forget(oldest)
        return True

    def _end(self, one: Dreaming, state: str) -> None:
        one.state = state
        self._kept.release(one.asked.pictures)

    def _tell(self, one: Dreaming, result: Optional[Result] = None) -> None:
        made = dreams.told(result, self.command(result)) if result else None
        self._hub.tell("dream", **self._facts(one), result=made)

    def _tell_queue(self) -> None:
        with self._changed:
            self._hub.tell("queue", waiting=[one.id for one in self._queue])

    def _facts(self, one: Dreaming) -> Dict[str, Any]:
        return {
            "id": one.id,
            "state": one.state,
            "place": self.place(one),
            "image": one.asked.image.id,
            "message": one.message,
            "stopping": one.stopping,
            **one.at,
        }


class _Steps:
    """Tells of a dream's steps: how far it is, how long it will take, and what it looks like."""

    def __init__(self, one: Dreaming, job: Job, limits: Web, hub: Hub) -> None:
        self._one, self._hub = one, hub
        self._previews = Previews(job, limits)
        self._frames = job.zoom.frames if job.zoom else 1
        self._total = cost.pixel_steps(job) * self._frames
        self._done, self._frame = 0, 1
        self._started = self._told = time.monotonic()

    def __call__(self, p: Progress) -> None:
        self._done += p.size[0] * p.size[1]
        now = time.monotonic()
        shown = self._previews(p)
        if shown:
            self._one.frame = self._one.frame[0] + 1, shown
        is_last = p.octave == p.octaves and p.step == p.steps
        if shown or is_last or now - self._told >= _EVERY:
            self._told = now
            left = (now - self._started) / self._done * (self._total - self._done)
            self._one.at = {
                "octave": [p.octave, p.octaves],
                "step": [p.step, p.steps],
                "size": list(p.size[::-1]),
                "frame": [self._frame, self._frames],
                "share": round(self._done / self._total, 4),
                "left": round(left, 1),
                "shown": self._one.frame[0],
            }
            self._hub.tell("step", id=self._one.id, **self._one.at)
        self._frame += is_last


def how(engine: str, gpu: Optional[int], memory: Optional[int]) -> Dict[str, Any]:
    """What `Jobs` takes of a command line's engine, GPU and bytes of memory."""
    return {"engine": engine, "gpu": gpu, "tiling": nets.Tiling(most=memory)}
