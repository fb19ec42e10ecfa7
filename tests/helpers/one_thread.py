"""One thread for the arithmetic of a process of tests: several processes share the machine.

To be imported before NumPy and PyTorch, which read these variables once. Threads that wait for each
other on cores that others use make a test ten times as long.
"""

import os

for library in ("OMP", "MKL", "OPENBLAS"):
    os.environ[f"{library}_NUM_THREADS"] = "1"
