"""Cores that other programs leave free, for a training that runs beside other work."""

import os
import time
from pathlib import Path


class SpareCores:
    """Counts the cores that other programs left free since it was last asked.

    Threads of one product wait for each other: where one of them has to share its core, all are as
    slow as that one, so that fewer threads are faster then.
    """

    def __init__(self) -> None:
        self.wall, self.others = time.monotonic(), self._others()

    def _others(self) -> float:
        """Seconds of processor time that other programs have used; 0 where it is not told."""
        stat = Path("/proc/stat")
        if not stat.exists():
            return 0.0
        user, nice, system, _, _, irq, soft, steal = map(int, stat.read_text().split()[1:9])
        busy = (user + nice + system + irq + soft + steal) / os.sysconf("SC_CLK_TCK")
        return busy - time.process_time()

    def count(self) -> int:
        """Free cores on average since the last call, at least one."""
        wall, others = time.monotonic(), self._others()
        used = (others - self.others) / max(wall - self.wall, 1e-3)
        self.wall, self.others = wall, others
        return max(1, round((os.cpu_count() or 1) - used))
