"""Trains nothing, but saves LoRAs as diffusers and peft save them, with the factors that peft multiplies."""

import os

import torch
from common import Reference, answer, diffusers_unet, question, text_encoders
from safetensors.torch import save_file

ATTENTION = ["to_q", "to_k", "to_v", "to_out.0", "proj_in", "proj_out", "ff.net.0.proj", "ff.net.2"]
CONVOLUTION = ["conv1", "conv2", "conv_shortcut", "time_emb_proj", "downsamplers.0.conv", "upsamplers.0.conv"]
ENCODER = ["q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2"]


def configurations(**more):
    from peft import LoraConfig

    unet = LoraConfig(
        r=4,
        lora_alpha=6,
        target_modules=ATTENTION + CONVOLUTION,
        rank_pattern={"to_v": 2, "conv1": 3, "up_blocks.1.attentions.0.proj_in": 5},
        alpha_pattern={"to_k": 1, "conv1": 9, "up_blocks.1.attentions.0.proj_in": 2},
        **more,
    )
    encoder = LoraConfig(r=3, lora_alpha=1.5, target_modules=ENCODER, rank_pattern={"fc1": 2}, **more)
    return unet, encoder


def fill(model):
    for name, parameter in model.named_parameters():
        if ".lora_" in name:
            parameter.data = torch.randn(parameter.shape) * 0.05


def layers(component, model):
    """Canonical path and layer of everything adapted."""
    inner = "text_model." if component == "text_encoder" and not hasattr(model, "text_model") else ""
    for name, module in model.named_modules():
        for adapter in getattr(module, "lora_A", {}):
            yield f"{component}.{inner}{name.removeprefix('base_model.model.')}", module, adapter


def factors(path, module, adapter):
    down, up = module.lora_A[adapter].weight.detach(), module.lora_B[adapter].weight.detach()
    magnitudes = getattr(module, "lora_magnitude_vector", {})
    dora = {f"{path}.magnitude": magnitudes[adapter].weight.detach().flatten()} if adapter in magnitudes else {}
    return {
        f"{path}.down": down.flatten(1).contiguous(),
        f"{path}.up": (up.flatten(1) * module.scaling[adapter]).contiguous(),
        **dora,
    }


def save_reference(file, models):
    """The factors, and how far they are from peft's own products."""
    found = [entry for component, model in models.items() for entry in layers(component, model)]
    save_file({key: value for entry in found for key, value in factors(*entry).items()}, file)
    reference = Reference(file)
    return reference.compare((path, module.get_delta_weight(adapter)) for path, module, adapter in found)


def save_pipeline(family, folder, scripts=True, **more):
    """As the training scripts of diffusers do at their end, or with the names that peft gives."""
    from diffusers import StableDiffusionPipeline, StableDiffusionXLPipeline
    from diffusers.training_utils import _collate_lora_metadata
    from diffusers.utils import convert_state_dict_to_diffusers
    from peft.utils import get_peft_model_state_dict

    models = {"unet": diffusers_unet(family), **text_encoders(family)}
    configuration, encoder = configurations(**more)
    for component, model in models.items():
        model.add_adapter(configuration if component == "unet" else encoder)
        fill(model)
    rename = convert_state_dict_to_diffusers if scripts else dict
    layers_of = {
        f"{component}_lora_layers": rename(get_peft_model_state_dict(model)) for component, model in models.items()
    }
    kind = StableDiffusionXLPipeline if family == "sdxl" else StableDiffusionPipeline
    kind.save_lora_weights(folder, **layers_of, **_collate_lora_metadata(models))
    return save_reference(f"{folder}/reference.safetensors", models)


def save_peft(family, folder, **more):
    """peft's own format: one model, its configuration beside it."""
    from peft import get_peft_model

    model = get_peft_model(diffusers_unet(family), configurations(**more)[0])
    fill(model)
    model.save_pretrained(folder)
    return save_reference(f"{folder}/reference.safetensors", {"unet": model})


def main():
    asked = question()
    family, folder = asked["family"], asked["folder"]
    cases = {
        "scripts": lambda path: save_pipeline(family, path),
        "diffusers": lambda path: save_pipeline(family, path, scripts=False),
        "rslora": lambda path: save_pipeline(family, path, scripts=False, use_rslora=True),
        "peft": lambda path: save_peft(family, path),
        "dora": lambda path: save_peft(family, path, use_dora=True),
    }
    results = {}
    for name in asked["cases"]:
        path = f"{folder}/{name}"
        os.makedirs(path, exist_ok=True)
        results[name] = cases[name](path)
    answer(results)


main()
