"""Loads LoRA files with ComfyUI's own loader (or Fooocus's copy of it) and compares the weights that it computes."""

import contextlib
import importlib
import io
import os
import sys
import types

import torch
from common import Reference, answer, complaints, diffusers_unet, question, stand_in

folder = os.environ["FACET_COMFY"]
sys.path.insert(0, folder)
# Both parse the command line when they are imported.
sys.argv = [sys.argv[0], *sys.argv[1:2]]
package = "comfy" if os.path.isdir(f"{folder}/comfy") else "ldm_patched.modules"
stand_in("einops", "torchsde", "torchaudio", "torchvision", "av", "aiohttp")


def part(name):
    return importlib.import_module(f"{package}.{name}")


part("options")
arguments = part("cli_args" if package == "comfy" else "args_parser").args
arguments.cpu = arguments.always_cpu = True
utils, lora = part("utils"), part("lora")


def models(family):
    """ComfyUI's own model classes on the meta device: names and shapes without numbers."""
    shapes = diffusers_unet(family).state_dict()
    detection = part("model_detection")
    dtype = () if package == "comfy" else (torch.float32,)
    config = detection.model_config_from_diffusers_unet(shapes, *dtype)
    meta = torch.device("meta")
    unet = config.get_model({}, device=meta)
    clip = part("sdxl_clip").SDXLClipModel if family == "sdxl" else part("sd1_clip").SD1ClipModel
    with meta:
        return unet, clip(device=meta, dtype=torch.float32)


def canonical_names(unet, clip):
    """ComfyUI's weight names to Facet's paths, by ComfyUI's own table for the UNet."""
    names = {}
    for theirs, key in utils.unet_to_diffusers(unet.model_config.unet_config).items():
        # Its table has two names for SDXL's size conditioning; the other one is that of class-conditional models.
        if theirs.endswith(".weight") and not theirs.startswith("class_embedding"):
            names[f"diffusion_model.{key}"] = f"unet.{theirs.removesuffix('.weight')}"
    encoders = {"clip_l.transformer.": "text_encoder.", "clip_g.transformer.": "text_encoder_2."}
    for key in clip.state_dict():
        for prefix, component in encoders.items():
            if key.startswith(prefix) and key.endswith(".weight"):
                names[key] = component + key.removeprefix(prefix).removesuffix(".weight")
    return names


def calculate(patch, weight, key):
    if hasattr(lora, "calculate_weight"):
        return lora.calculate_weight([(1.0, patch, 1.0, None, None)], weight, key)
    patcher = part("model_patcher").ModelPatcher
    return patcher.calculate_weight(types.SimpleNamespace(), [(1.0, patch, 1.0)], weight, key)


def main():
    asked = question()
    unet, clip = models(asked["family"])
    shapes = {key: value.shape for key, value in [*unet.state_dict().items(), *clip.state_dict().items()]}
    names = canonical_names(unet, clip)
    key_map = lora.model_lora_keys_unet(unet, {})
    key_map = lora.model_lora_keys_clip(clip, key_map)
    results = {}
    for name, (file, reference) in asked["files"].items():
        printed = io.StringIO()
        with complaints() as lines, contextlib.redirect_stdout(printed):
            tensors = utils.load_torch_file(file, safe_load=True)
            if package == "comfy":
                tensors = part("lora_convert").convert_lora(tensors)
            patches = lora.load_lora(tensors, key_map)
            products = (
                (names.get(key, key), calculate(patch, torch.zeros(shapes[key]), key))
                for key, patch in patches.items()
            )
            results[name] = Reference(reference).compare(products)
        results[name]["complaints"] = [*lines, *printed.getvalue().splitlines()]
    answer(results)


main()
