"""Tests of the window run without a screen; one thread computes, as there is a process of tests for each processor."""

import os

from hypothesis import settings

import model  # noqa: F401 - some tests import onnxruntime before anything of ours

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch, numpy and FAISS are imported

# how long an example takes says how busy the computer is, not whether the code is right
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
