"""The standard form by numpy: python standardise.py FACTORS RANK; shapes as JSON on the first line of stdin, then one
run for every further line, each answered by its seconds."""

import json
import sys
import time

import numpy as np

rank = int(sys.argv[2])
flat = np.fromfile(sys.argv[1], dtype=np.float32)
factors, at = [], 0
for out, columns in json.loads(sys.stdin.readline()):
    up = flat[at : at + out * rank].reshape(out, rank)
    at += out * rank
    down = flat[at : at + rank * columns].reshape(rank, columns)
    at += rank * columns
    factors.append((up, down))


def standardise(up, down):
    q_up, r_up = np.linalg.qr(up)
    q_down, r_down = np.linalg.qr(down.T)
    left, values, right = np.linalg.svd(r_up @ r_down.T)
    root = np.sqrt(values)
    up, down = q_up @ (left * root), (root[:, None] * right) @ q_down.T
    signs = np.sign(up[np.abs(up).argmax(axis=0), np.arange(rank)])
    return up * signs, signs[:, None] * down


for _ in sys.stdin:
    started = time.perf_counter()
    for up, down in factors:
        standardise(up, down)
    print(time.perf_counter() - started, flush=True)
