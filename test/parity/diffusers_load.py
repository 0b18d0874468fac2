"""Loads LoRA files into diffusers' pipelines and compares every injected layer with what Facet says."""

import torch
from common import Reference, answer, complaints, diffusers_unet, question, text_encoders


def pipeline(family, inner):
    from diffusers import DDIMScheduler, StableDiffusionPipeline, StableDiffusionXLPipeline

    encoders = text_encoders(family, inner)
    parts = {"unet": diffusers_unet(family), "scheduler": DDIMScheduler(), "vae": None, "tokenizer": None, **encoders}
    if family == "sdxl":
        return StableDiffusionXLPipeline(**parts, tokenizer_2=None, add_watermarker=False)
    return StableDiffusionPipeline(
        **parts, safety_checker=None, feature_extractor=None, requires_safety_checker=False
    )


def products(pipe, adapter):
    for component in ("unet", "text_encoder", "text_encoder_2"):
        model = getattr(pipe, component, None)
        if model is None:
            continue
        inner = "text_model." if component == "text_encoder" and not hasattr(model, "text_model") else ""
        for name, module in model.named_modules():
            if adapter in getattr(module, "lora_A", {}):
                yield f"{component}.{inner}{name}", module.get_delta_weight(adapter)


def main():
    asked = question()
    pipe = pipeline(asked["family"], asked.get("inner", False))
    results = {}
    for name, (file, reference) in asked["files"].items():
        # The last file leaves nothing behind that the next could be taken for.
        pipe.unload_lora_weights()
        with complaints("diffusers", "transformers", "peft") as lines, torch.no_grad():
            try:
                pipe.load_lora_weights(file, adapter_name="facet")
                results[name] = Reference(reference).compare(products(pipe, "facet"))
            except Exception as error:
                results[name] = {"refused": f"{type(error).__name__}: {error}"[:2000]}
        results[name]["complaints"] = lines
    answer(results)


main()
