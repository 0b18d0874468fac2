/** Whole networks as the runtime is given them; `vitest -u` writes the texts again. */
import { describe, expect, it } from "vitest";
import { graphOf } from "../../../../src-main/core/graph/node.ts";
import { lowerGraph } from "../../../../src-main/core/onnx/lower.ts";
import { networks } from "../../../support/networks/index.ts";
import { inferring } from "../../../support/networks/network.ts";
import { printModel } from "../../../support/print-model.ts";

describe.each(["mlp", "autoencoder", "transformer"])("%s", (name) => {
  it("is lowered to the nodes that are stored", async () => {
    const network = networks[name]?.("tiny");
    if (network === undefined) throw new Error(`no network is called ${name}`);
    const graph = graphOf({ forward: inferring(network, 1) });
    const { bytes } = lowerGraph(graph, { provider: "cpu" });
    const path = `../../../fixtures/onnx/${name}.txt`;
    await expect(`${printModel(bytes)}\n`).toMatchFileSnapshot(path);
  });
});
