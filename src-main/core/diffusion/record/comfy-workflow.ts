/** The same graph as ComfyUI's canvas shows it (workflow schema 0.4, docs.comfy.org/specs). */
import { assert } from "../../errors.ts";
import { classOf, type ComfyNode, type SocketType } from "./comfy-nodes.ts";

/** Pixels of the canvas: between columns, between nodes with the bar of their titles, and around. */
const gap = { across: 60, down: 70, around: 40 };

interface Link {
  readonly id: number;
  readonly from: ComfyNode;
  readonly slot: number;
  readonly to: ComfyNode;
  readonly input: number;
  readonly type: SocketType;
}

export function comfyWorkflow(nodes: readonly ComfyNode[]): Record<string, unknown> {
  const links = linksOf(nodes);
  const places = layout(nodes);
  return {
    last_node_id: nodes.length,
    last_link_id: links.length,
    nodes: nodes.map((node, order) => {
      const { inputs, outputs, size } = classOf(node.type);
      return {
        id: node.id,
        type: node.type,
        ...(node.title === undefined ? {} : { title: node.title }),
        pos: places.get(node),
        size,
        flags: {},
        order,
        mode: 0,
        inputs: inputs.map(([name, type], input) => ({
          name,
          type,
          link: links.find((link) => link.to === node && link.input === input)?.id ?? null,
        })),
        outputs: outputs.map((type, slot) => ({
          name: type,
          type,
          links: links
            .filter((link) => link.from === node && link.slot === slot)
            .map(({ id }) => id),
          slot_index: slot,
        })),
        properties: { "Node name for S&R": node.type },
        widgets_values: widgetValues(node),
      };
    }),
    links: links.map(({ id, from, slot, to, input, type }) => [
      id,
      from.id,
      slot,
      to.id,
      input,
      type,
    ]),
    groups: [],
    config: {},
    extra: {},
    version: 0.4,
  };
}

function linksOf(nodes: readonly ComfyNode[]): Link[] {
  const links: Link[] = [];
  for (const to of nodes) {
    for (const [input, [name, type]] of classOf(to.type).inputs.entries()) {
      const socket = to.inputs[name];
      assert(socket !== undefined, `${to.type} lacks its input ${name}`);
      links.push({ id: links.length + 1, from: socket.node, slot: socket.slot, to, input, type });
    }
  }
  return links;
}

function widgetValues({ type, widgets }: ComfyNode): (string | number | boolean)[] {
  return classOf(type).widgets.flatMap((name) => {
    const value = widgets[name];
    assert(value !== undefined, `${type} lacks its widget ${name}`);
    // The canvas adds a widget after the seed: what becomes of it after a run.
    if (name === "seed") return [value, "fixed"];
    return typeof value === "string" && name === "text" ? [literal(value)] : [value];
  });
}

/** The canvas picks one of {a|b} before it asks for a run, unless the brace is escaped. */
function literal(text: string): string {
  return text.replace(/(?<!\\)[{}]/g, (brace) => `\\${brace}`);
}

/** Columns from left to right, a node right of all that it reads; in a column one below the other. */
function layout(nodes: readonly ComfyNode[]): Map<ComfyNode, [number, number]> {
  const columns: ComfyNode[][] = [];
  const columnOf = new Map<ComfyNode, number>();
  for (const node of nodes) {
    const before = Object.values(node.inputs).map((socket) => columnOf.get(socket.node) ?? 0);
    const column = Math.max(-1, ...before) + 1;
    columnOf.set(node, column);
    (columns[column] ??= []).push(node);
  }
  const places = new Map<ComfyNode, [number, number]>();
  let x = gap.around;
  for (const column of columns) {
    let y = gap.around + gap.down;
    for (const node of column) {
      places.set(node, [x, y]);
      y += classOf(node.type).size[1] + gap.down;
    }
    x += Math.max(...column.map(({ type }) => classOf(type).size[0])) + gap.across;
  }
  return places;
}
