"""One network in torch eager: python networks.py NAME training|inference THREADS; answers each line of stdin, a number
of steps, with the seconds that they took, and the end of it with its peak memory."""

import json
import pathlib
import re
import sys
import time

import torch

sys.path.insert(0, str(pathlib.Path(__file__).parent / "../../support/networks"))
sys.dont_write_bytecode = True
from networks import network  # noqa: E402

name, mode, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
torch.set_num_threads(threads)
torch.manual_seed(1)
net = network(name, "full")
data = net.data()

if mode == "training":
    optimiser = torch.optim.AdamW(net.parameters(), lr=1e-4)

    def step():
        optimiser.zero_grad()
        _, loss = net.run(**data)
        loss.backward()
        optimiser.step()
        return loss.item()

else:
    net.eval()
    # What only the loss takes is no part of inference.
    inputs = {k: v for k, v in data.items() if k not in ("target", "next")}

    @torch.inference_mode()
    def step():
        return net(*inputs.values())


for line in sys.stdin:
    started = time.perf_counter()
    for _ in range(int(line)):
        step()
    print(json.dumps({"seconds": time.perf_counter() - started}), flush=True)

peak = re.search(r"VmHWM:\s*(\d+)", pathlib.Path("/proc/self/status").read_text())
print(json.dumps({"peakBytes": int(peak[1]) * 1024}), flush=True)
