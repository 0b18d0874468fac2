"""kohya's model classes, empty, and how its module names stand to Facet's paths."""

import os
import sys

from common import hollow, stand_in, text_encoders

sys.path.insert(0, os.environ["FACET_KOHYA"])
stand_in("cv2", "einops", "imagesize", "toml", "torchvision", "voluptuous", "bitsandbytes", "onnxruntime")


def parts(family):
    """The UNet that kohya trains, and text encoders with the module names of the transformers it pins (below 5.6)."""
    encoders = text_encoders(family, inner=True)
    if family == "sdxl":
        from library.sdxl_original_unet import SdxlUNet2DConditionModel

        return hollow(SdxlUNet2DConditionModel), encoders
    from library.model_util import create_unet_diffusers_config
    from library.original_unet import UNet2DConditionModel

    config = create_unet_diffusers_config(v2=False)
    return hollow(lambda: UNet2DConditionModel(**config)), encoders


def canonical_names(unet, encoders):
    """Facet's path of every module; for SDXL by kohya's own table between its UNet and diffusers'."""
    prefixes = {}
    if type(unet).__name__.startswith("Sdxl"):
        from library.sdxl_model_util import make_unet_conversion_map

        prefixes = dict(make_unet_conversion_map())
    paths = {}
    for name, module in unet.named_modules():
        ours = next((prefixes[old] + f"{name}."[len(old) :] for old in prefixes if f"{name}.".startswith(old)), f"{name}.")
        paths[module] = f"unet.{ours[:-1]}"
    for component, encoder in encoders.items():
        for name, module in encoder.named_modules():
            paths[module] = f"{component}.{name}"
    return paths
