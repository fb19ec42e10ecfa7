"""Work of a network spread over threads of a processor, with the same result on any number."""

from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

import torch

Result = TypeVar("Result")


def spread(
    work: Callable[[int], Result], starts: range, device: str
) -> Generator[Result, None, None]:
    """What some work gives for each start, in their order.

    A call of it is one thread's: its sums are in the same order with any number of threads.
    """
    threads = torch.get_num_threads()
    workers = threads if device == "cpu" else 1
    try:
        with ThreadPoolExecutor(workers, "", torch.set_num_threads, (1,)) as pool:
            waiting = iter(starts)
            # Only some ahead, so that an error does not have to wait for all.
            ahead = deque(pool.submit(work, first) for first in islice(waiting, 2 * workers))
            while ahead:
                yield ahead.popleft().result()
                ahead.extend(pool.submit(work, first) for first in islice(waiting, 1))
    finally:
        torch.set_num_threads(threads)
