/** Prompts to begin with. `{trigger}` is the identity's trigger word. */

export interface Preset {
  readonly id: string;
  readonly name: string;
  readonly prompt: string;
  readonly negative: string;
}

const FLAWS = "blurry, low quality, deformed, text, watermark";

const smiling: Preset = {
  id: "smiling",
  name: "Smiling",
  prompt: "portrait of {trigger} smiling, grey background",
  negative: FLAWS,
};

export const firstPreset = smiling;

export const shippedPresets: readonly Preset[] = [
  smiling,
  {
    id: "neutral",
    name: "Neutral",
    prompt: "portrait of {trigger}, neutral expression, even light, grey background",
    negative: FLAWS,
  },
  {
    id: "studio",
    name: "Studio",
    prompt: "studio portrait photo of {trigger}, 85 mm lens, softbox, dark background",
    negative: FLAWS,
  },
  {
    id: "window",
    name: "Window light",
    prompt: "close-up photo of {trigger} by a window, soft daylight, film grain",
    negative: FLAWS,
  },
  {
    id: "outdoors",
    name: "Outdoors",
    prompt: "photo of {trigger} in a park, afternoon sun, shallow depth of field",
    negative: FLAWS,
  },
  {
    id: "side",
    name: "From the side",
    prompt: "profile view of {trigger}, side light, plain background",
    negative: FLAWS,
  },
  {
    id: "whole",
    name: "Full length",
    prompt: "full body photo of {trigger} walking down a street",
    negative: `${FLAWS}, cropped`,
  },
  {
    id: "drawing",
    name: "Pencil",
    prompt: "pencil drawing of {trigger}, white paper, fine lines",
    negative: "photo, colour, text, watermark",
  },
];
