"""The case and its answers: image delivered, mounted, executed from, and what followed."""

import os

__version__ = "0.1.0"

# NumPy's BLAS is never called: its threads would only spin when NumPy is loaded, for 0.1 s of CPU in each process
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
