/** Gradients of convolutions, which are convolutions again in x and products in w. */
import { convolveBy, convolveTransposed } from "../../graph/build/index.ts";
import type { Window } from "../../graph/operators.ts";
import type { Differentiation } from "../rule.ts";
import { ofKernel } from "./kernel.ts";

export const convolution = {
  convolve: ({ input, gradient, parameters }) => [
    () => convolveTransposed(gradient, input(1), input(0).shape.slice(2), parameters),
    () => ofKernel(input(0), gradient, input(1).shape, parameters),
  ],
  convolveTransposed: ({ input, gradient, parameters }) => [
    () => convolveBy(gradient, input(1), windowOnly(parameters)),
    () => ofKernel(gradient, input(0), input(1).shape, parameters),
  ],
} satisfies { [O in "convolve" | "convolveTransposed"]: Differentiation<O> };

function windowOnly({ strides, before, after, dilations, groups }: Window): Window {
  return { strides, before, after, dilations, groups };
}
