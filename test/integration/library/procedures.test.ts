/** The library's and the jobs' part of the contract, called as a page calls it: results, codes, places. */
import { join } from "node:path";
import { createRouterClient, ORPCError } from "@orpc/server";
import { expect, it } from "vitest";
import { FacetError } from "../../../src-main/core/errors.ts";
import { answerWith, outward } from "../../../src-main/procedures/errors.ts";
import { jobProcedures } from "../../../src-main/procedures/jobs.ts";
import { libraryProcedures } from "../../../src-main/procedures/library.ts";
import { writeFakeLora } from "../../support/fake-engine.ts";
import { testLibrary } from "../../support/library.ts";

async function client() {
  const made = await testLibrary();
  const answer = answerWith((_, error) => {
    throw error;
  });
  const router = {
    library: answer.library.router(libraryProcedures(answer, made)),
    jobs: answer.jobs.router(jobProcedures(answer, made)),
  };
  return { ...made, client: createRouterClient(router) };
}

it("imports, lists, edits and undoes", async () => {
  const { client: studio, files } = await client();
  await writeFakeLora(join(files, "anna.safetensors"), { seed: 1 });
  const { job } = await studio.library.import({ paths: [files], storage: "reference" });
  for await (const change of await studio.jobs.watch()) {
    if (change.id === job && change.state === "done") break;
  }
  const { cards, total } = await studio.library.list({ query: "anna" });
  expect(total).toBe(1);
  const id = cards[0]?.id ?? "";
  expect(await studio.library.update({ ids: [id], changes: { rating: 3 } })).toEqual({
    updated: 1,
  });
  expect(await studio.library.remove({ ids: [id] })).toEqual({ removed: 1 });
  expect(await studio.library.restore({ ids: [id] })).toEqual({ restored: 1 });
  expect(await studio.library.get({ id })).toMatchObject({ rating: 3, storage: "referenced" });
  expect(await studio.library.similar({ id })).toEqual([]);
  expect(await studio.library.overview()).toMatchObject({ all: 1 });
  expect(await studio.jobs.dismiss({ id: job })).toEqual({ dismissed: true });
});

it("says what is wrong by code, file and field", async () => {
  const { client: studio, files } = await client();
  const failure = async (call: Promise<unknown>) => {
    const error = await call.then(
      () => null,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(ORPCError);
    const { code, message, data } = error as ORPCError<string, unknown>;
    return { code, message, data };
  };
  expect(await failure(studio.library.get({ id: "nobody" }))).toEqual({
    code: "not-found",
    message: "There is no identity nobody in the library.",
    data: { field: "id" },
  });
  const path = join(files, "nowhere.safetensors");
  expect(await failure(studio.library.inspect({ path }))).toMatchObject({
    code: "not-found",
    data: { path },
  });
  expect(
    await failure(studio.library.update({ ids: ["a"], changes: { rating: 9 } })),
  ).toMatchObject({ code: "invalid-argument", data: { field: "changes.rating" } });
  expect(await failure(studio.jobs.cancel({ id: "nothing" }))).toMatchObject({ code: "not-found" });
});

it("lets nothing out of what is nobody's business", () => {
  const reports: [string, unknown][] = [];
  const secret = new Error("SELECT from /home/anna/secret");
  const out = outward(secret, (id, error) => reports.push([id, error]));
  const [[id, error] = ["", null]] = reports;
  expect(error).toBe(secret);
  expect(out).toMatchObject({ code: "INTERNAL", status: 500 });
  expect(out.message).toContain(id);
  expect(JSON.stringify(out)).not.toContain("anna");
  const known = outward(
    new FacetError("disk-full", "Full.", { path: "/x", cause: secret }),
    () => {},
  );
  expect(known.toJSON()).toMatchObject({
    code: "disk-full",
    message: "Full.",
    data: { path: "/x" },
  });
});
