"""What the scripts share: models that take no memory, products of LoRAs, and stand-ins for packages nobody calls."""

import importlib.abc
import importlib.machinery
import importlib.util
import json
import logging
import sys
import types
import warnings
from contextlib import contextmanager

import torch
from safetensors import safe_open

warnings.filterwarnings("ignore")

# What differs from the default of transformers' CLIPTextConfig.
CLIP_L = {"hidden_act": "quick_gelu", "hidden_size": 768, "intermediate_size": 3072}
BIG_G = {"hidden_act": "gelu", "hidden_size": 1280, "intermediate_size": 5120, "num_hidden_layers": 32}
ENCODERS = {
    "text_encoder": {**CLIP_L, "num_hidden_layers": 12, "num_attention_heads": 12, "projection_dim": 768},
    "text_encoder_2": {**BIG_G, "num_attention_heads": 20, "projection_dim": 1280},
}
# As in the config.json of the two models' UNets.
UNETS = {
    "sd15": {"cross_attention_dim": 768, "attention_head_dim": 8, "sample_size": 64},
    "sdxl": {
        "sample_size": 128,
        "block_out_channels": (320, 640, 1280),
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        "transformer_layers_per_block": (1, 2, 10),
        "attention_head_dim": (5, 10, 20),
        "cross_attention_dim": 2048,
        "addition_embed_type": "text_time",
        "addition_time_embed_dim": 256,
        "projection_class_embeddings_input_dim": 2816,
        "use_linear_projection": True,
    },
}


def hollow(make):
    """A model of zeros in its true shapes: every tensor is one zero, seen at stride 0."""
    with torch.device("meta"):
        model = make()

    def zeros(tensor):
        return torch.zeros((), dtype=tensor.dtype).expand(tensor.shape)

    for module in model.modules():
        for name, parameter in list(module._parameters.items()):
            if parameter is not None:
                module._parameters[name] = torch.nn.Parameter(zeros(parameter), requires_grad=False)
        for name, buffer in list(module._buffers.items()):
            if buffer is not None:
                module._buffers[name] = zeros(buffer)
    return model.eval()


def diffusers_unet(family):
    from diffusers import UNet2DConditionModel

    return hollow(lambda: UNet2DConditionModel(**UNETS[family]))


def text_encoders(family, inner=False):
    """The pipeline's encoders; `inner` gives the first one the `text_model` level that transformers 5.6 took away."""
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    def make(component, kind):
        return hollow(lambda: kind(CLIPTextConfig(**ENCODERS[component])))

    first = make("text_encoder", CLIPTextModelWithProjection if inner else CLIPTextModel)
    if family == "sd15":
        return {"text_encoder": first}
    return {"text_encoder": first, "text_encoder_2": make("text_encoder_2", CLIPTextModelWithProjection)}


# Relative; above what half precision costs, below what any wrong scale gives.
WRONG = 0.02


class Reference:
    """The factors that Facet says a LoRA has: `<path>.down` [rank, columns] and `<path>.up` [out, rank]."""

    def __init__(self, path):
        with safe_open(path, "pt") as file:
            self.factors = {name: file.get_tensor(name).float() for name in file.keys()}
        self.paths = {name.removesuffix(".down") for name in self.factors if name.endswith(".down")}

    def compare(self, products):
        """
        `products` gives (path, weight delta) as the tool computes it. Both sides are held against random vectors: a
        wrong delta shows in them as in the whole matrix. A module that was made and never filled is wrong by 1.
        """
        seen, extra, wrong, worst = set(), [], {}, 0.0
        for path, delta in products:
            if path not in self.paths:
                extra.append(path)
                continue
            seen.add(path)
            error = self.error(path, delta)
            worst = max(worst, error)
            if not error < WRONG:
                wrong[path] = error
        return {
            "modules": len(seen),
            "missing": sorted(self.paths - seen),
            "extra": sorted(extra),
            "wrong": wrong,
            "error": worst,
        }

    def error(self, path, delta):
        down, up = self.factors[f"{path}.down"], self.factors[f"{path}.up"]
        probe = torch.randn(down.shape[1], 32)
        wanted = up @ (down @ probe)
        found = delta.detach().float().reshape(up.shape[0], down.shape[1]) @ probe
        return ((found - wanted).norm() / wanted.norm()).item()


class Complaints(logging.Handler):
    """Everything logged as a warning or worse while it is on."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.lines = []

    def emit(self, record):
        self.lines.append(record.getMessage())


@contextmanager
def complaints(*names):
    handler = Complaints()
    loggers = [logging.getLogger(name) for name in ("", *names)]
    for logger in loggers:
        logger.addHandler(handler)
    try:
        yield handler.lines
    finally:
        for logger in loggers:
            logger.removeHandler(handler)


class StandIn(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Packages that a tool imports and its LoRA loader never calls, where they are not installed."""

    def __init__(self, names):
        self.names = {name for name in names if importlib.util.find_spec(name) is None}

    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in self.names:
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec):
        module = Anything(spec.name)
        module.__path__ = []
        return module

    def exec_module(self, module):
        pass


def placeholder(name):
    """A class that can be called, subclassed, and asked for any name."""
    if name.startswith("__"):
        raise AttributeError(name)
    return PlaceholderType(name, (), {"__init__": lambda self, *a, **k: None})


class PlaceholderType(type):
    def __getattr__(cls, name):
        return placeholder(name)


class Anything(types.ModuleType):
    def __getattr__(self, name):
        return placeholder(name)


def stand_in(*names):
    # These two look for packages when they are imported, and must not find stand-ins.
    import diffusers.loaders.peft, peft, transformers.modeling_utils  # noqa: E401, F401

    sys.meta_path.append(StandIn(names))


def answer(value):
    """The last line of stdout: tools print as they like before it."""
    sys.stdout.flush()
    print(json.dumps(value))


def question():
    torch.manual_seed(0)
    return json.loads(sys.argv[1])
