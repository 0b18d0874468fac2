"""One UNet in diffusers, a process of its own: python unets.py tiny|middle THREADS. Speaks as ../unet-steps.ts does."""

import json
import pathlib
import re
import sys
import time

import torch
from diffusers import UNet2DConditionModel

# ../unet-sizes.ts has the same.
SIZES = {
    "tiny": {"block_out_channels": (32, 64, 128), "transformer_layers_per_block": (1, 1, 2), "attention_head_dim": (1, 1, 2)},
    "middle": {"block_out_channels": (160, 320, 640), "transformer_layers_per_block": (1, 2, 4), "attention_head_dim": (1, 5, 10)},
}
CONTEXT = {"tiny": (96, 64), "middle": (2048, 1280)}
SIDE, BATCH, TOKENS = 64, 2, 77

name, threads = sys.argv[1], int(sys.argv[2])
torch.set_num_threads(threads)
torch.manual_seed(1)
context, pooled = CONTEXT[name]
unet = UNet2DConditionModel(
    sample_size=SIDE,
    down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    cross_attention_dim=context,
    addition_embed_type="text_time",
    addition_time_embed_dim=256,
    projection_class_embeddings_input_dim=pooled + 6 * 256,
    use_linear_projection=True,
    **SIZES[name],
).eval()
given = (torch.randn(BATCH, 4, SIDE, SIDE), torch.full((BATCH,), 500.0), torch.randn(BATCH, TOKENS, context))
added = {"text_embeds": torch.randn(BATCH, pooled), "time_ids": torch.full((BATCH, 6), 512.0)}

with torch.inference_mode():
    for line in sys.stdin:
        started = time.perf_counter()
        for _ in range(int(line)):
            unet(*given, added_cond_kwargs=added)
        print(json.dumps({"seconds": time.perf_counter() - started}), flush=True)

peak = re.search(r"VmHWM:\s*(\d+)", pathlib.Path("/proc/self/status").read_text())
print(json.dumps({"peakBytes": int(peak[1]) * 1024}), flush=True)
