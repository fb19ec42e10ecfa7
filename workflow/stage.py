"""What every script does first: log to the rule's file, say errors in a sentence, limit threads.

Outside the package and hence not tracked: nothing here may change a result.
"""

import ctypes
import logging
import os
import platform
import sys
import traceback
import warnings


def start(snakemake) -> None:
    """Log to the rule's log file and stderr, and keep to the rule's threads.

    An error that ends the script is written as one sentence to stderr and with its traceback to
    the log.
    """
    formatter = logging.Formatter("%(asctime)s %(levelname)s %(message)s", "%H:%M:%S")
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    if snakemake.log:
        handlers.append(logging.FileHandler(snakemake.log[0], mode="w"))
    for handler in handlers:
        handler.setFormatter(formatter)
    logging.basicConfig(level=logging.INFO, handlers=handlers, force=True)
    logging.captureWarnings(True)
    warnings.simplefilter("default")

    def on_error(kind, error, trace):
        logging.error("%s: %s", kind.__name__, error)
        if snakemake.log:
            with open(snakemake.log[0], "a") as log:
                traceback.print_exception(kind, error, trace, file=log)

    sys.excepthook = on_error
    # cuBLAS sums in one order, if it is told so before it starts.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    _limit_threads(snakemake.threads)
    keep_memory()


# Parameters of glibc's mallopt, and what they are set to in bytes.
MALLOPT = {"M_MMAP_THRESHOLD": (-3, 2**30), "M_TRIM_THRESHOLD": (-1, 2**31 - 1)}


def keep_memory() -> None:
    """Keep freed memory for the next array of the same size instead of giving it back.

    Training on a CPU takes and frees the same large arrays in every step; with glibc's defaults
    the kernel fills each with zeros anew, which took a third to a half of the time.
    """
    if platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        for parameter, size in MALLOPT.values():
            libc.mallopt(parameter, size)


def _limit_threads(threads: int) -> None:
    try:
        from threadpoolctl import threadpool_limits
    except ModuleNotFoundError:  # a stage without numerical libraries has nothing to limit
        pass
    else:
        threadpool_limits(limits=threads)
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(threads)


def device() -> str:
    """Where torch computes: cuda, else mps, else cpu. Written to the record, never a param."""
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"
