"""Kernels run in Triton's interpreter here, which has to be said before triton is imported."""

import os

os.environ["TRITON_INTERPRET"] = "1"
