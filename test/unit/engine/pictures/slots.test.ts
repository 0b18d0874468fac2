/** Turns at the one engine that makes pictures. */
import { expect, it } from "vitest";
import { Slots, Superseded } from "../../../../src-main/engine/pictures/slots.ts";

it("lets requests of several slots wait for each other, in order", async () => {
  const slots = new Slots();
  const order: string[] = [];
  const work = async (slot: string) => {
    using turn = await slots.take(slot);
    order.push(`${slot} begins`);
    await turn.check();
    order.push(`${slot} ends`);
  };
  await Promise.all([work("a"), work("b"), work("c")]);
  expect(order).toEqual(["a begins", "a ends", "b begins", "b ends", "c begins", "c ends"]);
});

it("gives up what runs and what waits for a newer request of the slot", async () => {
  const slots = new Slots();
  const running = await slots.take("a");
  const other = slots.take("b");
  const waiting = [slots.take("a"), slots.take("a")];
  const [first, second] = waiting;
  await expect(first).rejects.toThrow(Superseded);
  await expect(running.check()).rejects.toThrow(Superseded);
  running[Symbol.dispose]();
  using next = await other;
  await next.check();
  next[Symbol.dispose]();
  using last = await second;
  if (last === undefined) throw new Error("nobody waits");
  await last.check();
});

it("cancels a slot, and says whether there was anything", async () => {
  const slots = new Slots();
  using turn = await slots.take("a");
  expect(slots.cancel("b")).toBe(false);
  expect(slots.cancel("a")).toBe(true);
  expect(slots.cancel("a")).toBe(false);
  await expect(turn.check()).rejects.toThrow(Superseded);
});

it("gives up a request whose reader left, and no newer one of its slot", async () => {
  const slots = new Slots();
  const [first, second] = [new AbortController(), new AbortController()];
  const old = await slots.take("a", first.signal);
  const newer = slots.take("a", second.signal);
  first.abort();
  await expect(old.check()).rejects.toThrow(Superseded);
  old[Symbol.dispose]();
  using turn = await newer;
  await turn.check();
  second.abort();
  await expect(turn.check()).rejects.toThrow(Superseded);
});
