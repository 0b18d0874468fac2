/** What SDXL is told of the picture's size (Podell et al. 2023, https://arxiv.org/abs/2307.01952, 2.2). */

/**
 * Height and width of the original, top and left of the crop, height and width aimed at: the same numbers in both
 * conventions. diffusers' pipeline takes the picture's size for both; ComfyUI's sampler gives the latent's, eight
 * times (comfy/samplers.py, encode_model_conds), to every prompt that CLIPTextEncode made. The 768 of
 * comfy/model_base.py is never reached there.
 */
export function sizeConditioning(picture: {
  readonly height: number;
  readonly width: number;
}): Float32Array {
  const { height, width } = picture;
  return Float32Array.of(height, width, 0, 0, height, width);
}
