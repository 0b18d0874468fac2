"""Saves a LoRA as kohya's trainer saves it, with the factors that its forward multiplies."""

import sys

import torch
from common import answer, question
from kohya import canonical_names, parts
from safetensors.torch import save_file


def main():
    from networks.lora import create_network

    asked = question()
    family, folder = asked["family"], asked["folder"]
    unet, encoders = parts(family)
    network = create_network(1.0, 4, 1.0, None, list(encoders.values()), unet, conv_dim=2, conv_alpha=3)
    # Before `apply_to`, which lets go of the module.
    paths = canonical_names(unet, encoders)
    loras = network.text_encoder_loras + network.unet_loras
    path_of = {lora.lora_name: paths[lora.org_module] for lora in loras}
    network.apply_to(list(encoders.values()), unet)
    factors = {}
    for lora in loras:
        for matrix in (lora.lora_down, lora.lora_up):
            matrix.weight.data = torch.randn(matrix.weight.shape) * 0.05
        path = path_of[lora.lora_name]
        factors[f"{path}.down"] = lora.lora_down.weight.detach().flatten(1).contiguous()
        factors[f"{path}.up"] = (lora.lora_up.weight.detach().flatten(1) * lora.scale).contiguous()
    save_file(factors, f"{folder}/reference.safetensors")
    # Imported by the module that hashes what is saved; gone from transformers 5.
    transformers = sys.modules["transformers"]
    transformers.CLIPFeatureExtractor = transformers.CLIPImageProcessor
    network.save_weights(f"{folder}/kohya.safetensors", None, {"ss_network_module": "networks.lora"})
    network.save_weights(f"{folder}/kohya.pt", None, None)
    answer({"modules": len(loras)})


main()
