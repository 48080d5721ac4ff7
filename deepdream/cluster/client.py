"""The client's side of a cluster: joining one, or starting one here; work handed out ahead, and
its results in order."""

import logging
import os
import signal
from collections import deque
from concurrent.futures import CancelledError
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, Callable, Deque, Dict, Iterable, Iterator, Optional, Sequence

from netfile.errors import printable
from netfile.system.places import install

from ..errors import ClusterError, LostWorkersError, MissingExtraError
from ..settings import CLUSTER
from . import check
from .worker import Net

# what the libraries of a real Caffe take their number of threads from, and the built-in engine
_THREADS = ("CAFFE_COMPAT_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_TICK = "1s"


class Cluster:
    """Workers, by the client that joined them. address: of their scheduler."""

    def __init__(self, client: Any, address: str) -> None:
        self.address, self._client = address, client
        self._distributed = _distributed()
        self._said: Callable[[str], None] = lambda text: None

    @property
    def workers(self) -> Dict[str, Any]:
        """The workers that there are now, by their addresses."""
        return dict(self._client.scheduler_info(n_workers=-1)["workers"])

    def listen(self, said: Callable[[str], None]) -> None:
        """Have `said` called with what a person may want to know."""
        self._said = said

    def check(self, net: Net) -> None:
        """Ask every worker whether it is as this process is.

        Raises:
            ClusterError: one is not, or none is there.
        """
        version = net.traits["deepdream-caffe"]
        with self._joined():
            try:
                self._client.wait_for_workers(1, timeout=CLUSTER.seconds)
            except self._distributed.TimeoutError:
                raise ClusterError(
                    f"scheduler {self.address}: has no workers; start one with: dask worker "
                    f"{self.address} --nthreads 1"
                ) from None
            answers = self._client.run(
                check.told, version, net.model, net.place, net.engine, on_error="return"
            )
        for worker, told in sorted(answers.items()):
            if isinstance(told, BaseException):
                raise ClusterError(
                    f"worker {worker}: cannot run deepdream-caffe {version}: "
                    f"{' '.join(str(told).split()) or type(told).__name__}; install that version "
                    "there"
                )
            check.check(worker, told, net.traits, net.model.name)

    def begin(self, work: Callable[..., Any], *what: Any) -> Any:
        """Hand a piece of work out; returns what `result` takes."""
        with self._joined():
            return self._client.submit(work, *what, pure=False, retries=0)

    def result(self, begun: Any) -> Any:
        """What a piece of work gave, once it is done. Raises what it raised.

        Raises:
            LostWorkersError: it ended one worker after the other.
            ClusterError: the scheduler is gone.
        """
        distributed, told = self._distributed, False
        with self._joined():
            while not begun.done():
                with suppress(distributed.TimeoutError), self._client.as_current():
                    distributed.wait([begun], timeout=CLUSTER.look)
                    break
                if not told and not self.workers:
                    told = True
                    self._said("no worker is left; the work waits for one, and Ctrl-C ends it")
        if begun.cancelled() or begun.status == "lost":
            raise self._gone()
        with self._joined():
            if begun.status == "finished":
                return begun.result()
            error = begun.exception()
        if type(error).__name__ == "KilledWorker":
            raise LostWorkersError(
                f"{getattr(error, 'allowed_failures', 0) + 1} workers died while they worked on "
                "it; their logs may say why, too little memory for one"
            )
        raise error.with_traceback(None)

    def results(self, work: Callable[..., Any], pieces: Iterable[Sequence[Any]]) -> Iterator[Any]:
        """What a piece of work gave for each of these arguments, in order; some are always on their
        way. Raises as `result` does."""
        begun: Deque[Any] = deque()
        for what in pieces:
            if len(begun) >= self.ahead:
                yield self.result(begun.popleft())
            begun.append(self.begin(work, *what))
        while begun:
            yield self.result(begun.popleft())

    @property
    def ahead(self) -> int:
        """How many pieces of work are to be on their way."""
        return max(1, CLUSTER.ahead * len(self.workers))

    @contextmanager
    def _joined(self) -> Iterator[None]:
        """Context manager: what is raised where the scheduler is gone is a ClusterError."""
        try:
            yield
        except (CancelledError, self._distributed.comm.CommClosedError):
            raise self._gone() from None

    def _gone(self) -> ClusterError:
        return ClusterError(
            f"scheduler {self.address}: is gone, or has dropped this work; what is written stays"
        )


class Ahead:
    """Pieces of work whose results are taken in order, while those that follow are on their way.

    Args:
        pieces: all of them, in order.
        begin: hands one out; returns what `Cluster.result` takes, and what is kept with it.
    """

    def __init__(
        self, cluster: Cluster, pieces: Sequence[Any], begin: Callable[[Any], Any]
    ) -> None:
        self._cluster, self._begin = cluster, begin
        self._left, self._begun = list(pieces), []  # type: Any, Any

    def take(self, piece: Any) -> Any:
        """Has this piece and those that follow begun; returns what `begin` gave for this one, or
        raises what it raised."""
        most = self._cluster.ahead
        while self._left and (len(self._begun) < most or piece not in (p for p, _ in self._begun)):
            following = self._left.pop(0)
            try:
                self._begun.append((following, self._begin(following)))
            except Exception as e:  # of this piece, which says so when its turn comes
                self._begun.append((following, e))
        while self._begun:
            one, given = self._begun.pop(0)
            if one == piece:
                if isinstance(given, Exception):
                    raise given
                return given
        raise LookupError(f"{piece}: is not among the pieces that are left")


@contextmanager
def joined(scheduler: Optional[str], workers: Optional[int]) -> Iterator[Cluster]:
    """Context manager: the cluster of a scheduler, or one of so many processes on this machine.

    At the end the work that is not done is given up.

    Raises:
        MissingExtraError: Dask distributed is not installed.
        ClusterError: there is no scheduler.
    """
    distributed = _distributed()
    with ExitStack() as stack:
        if scheduler is None:
            local = stack.enter_context(_local(distributed, workers or 1))
            where, address = local, local.scheduler_address
        else:
            _ask(distributed, scheduler)
            where = address = scheduler
        try:
            client = distributed.Client(where, timeout=CLUSTER.seconds, set_as_default=False)
        except (OSError, ValueError, distributed.TimeoutError) as e:
            raise _no_scheduler(address, e) from None
        stack.callback(_leave, client)
        yield Cluster(client, printable(address))


def _ask(distributed: Any, address: str) -> None:
    """Ask whether a scheduler answers at this address; a Client that finds none is slow to end.

    Raises:
        ClusterError: none does.
    """

    import asyncio  # a command that joins no cluster starts without it

    async def kind() -> str:
        arguments = distributed.Security().get_connection_args("client")
        async with distributed.core.rpc(
            address, timeout=CLUSTER.seconds, connection_args=arguments
        ) as asked:
            about = await asyncio.wait_for(asked.identity(), CLUSTER.seconds)
            return str(about.get("type", ""))

    try:
        found = asyncio.run(kind())
    except Exception as e:  # whatever answers there may send anything
        raise _no_scheduler(address, e) from None
    if found != "Scheduler":
        raise ClusterError(f"scheduler {address}: is a {found or 'program'} of Dask, no scheduler")


def _no_scheduler(address: str, error: Exception) -> ClusterError:
    why = " ".join(str(error).split()) or type(error).__name__
    if "TimeoutError" in (type(error).__name__, why) or "Timed out" in why:
        why = f"no scheduler answers within {CLUSTER.seconds} s"
    return ClusterError(f"scheduler {address}: {why}; `dask scheduler` starts one")


def _leave(client: Any) -> None:
    with suppress(Exception):
        client.close(timeout=CLUSTER.seconds)


@contextmanager
def _local(distributed: Any, workers: int) -> Iterator[Any]:
    """A cluster of processes on this machine, whose connections are encrypted: else any user of
    the machine could have them run programs."""
    import dask

    share = str(max(1, cores() // workers))
    # set before a worker is started, in this process too
    before = {
        "DASK_LOGGING__DISTRIBUTED": "critical",  # what went wrong is said by the client
        # Dask's profiler and its watch over itself take a twentieth of a core in each process
        "DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False",
        "DASK_DISTRIBUTED__ADMIN__TICK__INTERVAL": _TICK,
    }
    try:
        with _without_interrupts(), dask.config.set(
            {"distributed.nanny.pre-spawn-environ": before}
        ):
            local = distributed.LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                processes=True,
                host="127.0.0.1",
                dashboard_address=None,
                memory_limit=None,  # the request itself asks how much there is
                security=True,
                silence_logs=logging.CRITICAL,
                env={name: share for name in _THREADS},
            )
    except (OSError, RuntimeError) as e:
        raise ClusterError(f"no worker can be started here: {' '.join(str(e).split())}") from None
    try:
        yield local
    finally:
        with suppress(Exception):  # its processes end with this one at the latest
            local.close(timeout=CLUSTER.seconds)


def cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Context manager: threads and processes that begin in it never see Ctrl-C, which a terminal
    sends to all of them; this process sees it at the end."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    from multiprocessing import resource_tracker

    # which each process that is started asks for, and whose start lets the signal through again
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _distributed() -> Any:
    try:
        import dask

        quiet: Dict[str, Any] = {"logging": {"distributed": "critical"}}
        quiet["distributed.worker.profile.enabled"] = False
        quiet["distributed.admin.tick.interval"] = _TICK
        quiet["distributed.admin.large-graph-warning-threshold"] = "1TB"  # of a photograph
        dask.config.set(quiet)
        import cryptography  # noqa: F401  of the connections
        import distributed
    except ImportError as e:
        raise MissingExtraError(
            f"a cluster needs Dask distributed ({e}); install it with: {install('cluster')}",
            extra="cluster",
        ) from None
    return distributed
