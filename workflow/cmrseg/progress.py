"""How far a long transfer is, in the log."""

import logging
import time

logger = logging.getLogger(__name__)

# A line each 30 s, or for each tenth of the whole if that takes 5 s at least: what is done in a
# few seconds says nothing.
PERIOD_S, SHORTEST_S = 30.0, 5.0
STEP = 0.1


def readable(n_bytes: float) -> str:
    """A number of bytes as people say it, in powers of 1000: '3.2 GB'."""
    for unit in ("bytes", "kB", "MB"):
        if abs(n_bytes) < 1000:
            return f"{n_bytes:.0f} {unit}" if unit == "bytes" else f"{n_bytes:.1f} {unit}"
        n_bytes /= 1000
    return f"{n_bytes:.1f} GB"


class Progress:
    """Counts bytes and writes a line to the log now and then.

    what: how the line starts. total_bytes: None where nobody knows it. done_bytes: what was there
    before.
    """

    def __init__(self, what: str, total_bytes: int | None, done_bytes: int = 0):
        self.what, self.total_bytes, self.done_bytes = what, total_bytes, done_bytes
        self._said_s, self._said_bytes = time.monotonic(), done_bytes

    def add(self, n_bytes: int) -> None:
        self.done_bytes += n_bytes
        now_s = time.monotonic()
        passed_s = now_s - self._said_s
        step = self.done_bytes - self._said_bytes >= STEP * (self.total_bytes or float("inf"))
        if passed_s >= PERIOD_S or (step and passed_s >= SHORTEST_S):
            speed = readable((self.done_bytes - self._said_bytes) / passed_s)
            logger.info("%s: %s, %s/s", self.what, self._far(), speed)
            self._said_s, self._said_bytes = now_s, self.done_bytes

    def _far(self) -> str:
        if not self.total_bytes:
            return readable(self.done_bytes)
        share = self.done_bytes / self.total_bytes
        return f"{share:.0%} of {readable(self.total_bytes)}"
