"""Loads LoRA files with kohya's own network class and compares the weights that it would merge."""

import torch
from common import Reference, answer, complaints, question
from kohya import canonical_names, parts


def main():
    from networks.lora import create_network_from_weights

    asked = question()
    results = {}
    for name, (file, reference) in asked["files"].items():
        # Fresh ones: applying a network replaces the forward of the layers.
        unet, encoders = parts(asked["family"])
        with complaints() as lines, torch.no_grad():
            network, tensors = create_network_from_weights(
                1.0, file, None, list(encoders.values()), unet, for_inference=True
            )
            network.apply_to(list(encoders.values()), unet)
            keys = network.load_state_dict(tensors, strict=False)
            paths = canonical_names(unet, encoders)
            products = (
                (paths[lora.org_module_ref[0]], lora.get_weight())
                for lora in network.text_encoder_loras + network.unet_loras
            )
            results[name] = Reference(reference).compare(products)
        results[name]["complaints"] = lines
        results[name]["unexpected"] = sorted(keys.unexpected_keys)
        results[name]["unfilled"] = sorted(keys.missing_keys)
    answer(results)


main()
