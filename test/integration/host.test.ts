/** The browser host against visitors that it must refuse, and against those that it serves. */
import { createHash } from "node:crypto";
import { mkdtemp, mkdir, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { request, type IncomingHttpHeaders } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createORPCClient } from "@orpc/client";
import { RPCLink } from "@orpc/client/websocket";
import { os, type RouterClient } from "@orpc/server";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { z } from "zod";
import { startHost, type Host } from "../../src-main/host/http.ts";

const router = {
  echo: os.input(z.object({ text: z.string() })).handler(({ input }) => ({ said: input.text })),
};

const PICTURE = createHash("sha256").update("a preview").digest("hex");
const LINKED = createHash("sha256").update("a link").digest("hex");
const TOKEN = "export-0b6f2f0e-9b1c-4d43-8a57-6b1d8f0a7c11";
const LIMIT = 1000;

let folder: string;
let library: string;
let host: Host;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "facet host's test "));
  library = join(folder, "library");
  const bundle = join(folder, "bundle");
  const previews = join(library, "previews");
  await mkdir(join(bundle, "assets"), { recursive: true });
  await mkdir(previews, { recursive: true });
  await mkdir(join(library, "staging", TOKEN), { recursive: true });
  await writeFile(join(folder, "secret"), "the secret");
  await writeFile(join(bundle, "index.html"), "<title>Facet</title>");
  await writeFile(join(bundle, ".stamp"), "hidden");
  await writeFile(join(bundle, "assets", "app-1234.js"), "export {};");
  await writeFile(join(previews, `${PICTURE}.webp`), "a preview");
  await symlink(join(folder, "secret"), join(previews, `${LINKED}.webp`));
  await writeFile(join(library, "staging", TOKEN, "Zoë's “face”.safetensors"), "weights");
  host = await startHost({ router, library, bundle, port: 0, largestUpload: LIMIT });
});

afterAll(async () => {
  await host.close();
  await rm(folder, { recursive: true, force: true });
});

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

interface Ask {
  method?: string;
  headers?: Record<string, string>;
  body?: string | Buffer;
}

/** Sends the path exactly as given, which fetch would not. */
function ask(path: string, { method = "GET", headers = {}, body }: Ask = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(
      { host: "127.0.0.1", port: host.port, path, method, headers, agent: false },
      (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => (text += chunk));
        response.on("end", () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }),
        );
        response.on("error", reject);
      },
    );
    sent.on("error", reject);
    sent.end(body);
  });
}

const bearer = () => ({ authorization: `Bearer ${host.token}` });
const origin = () => `http://127.0.0.1:${host.port}`;

async function cookie(): Promise<string> {
  const answer = await ask("/session", { method: "POST", headers: bearer() });
  return answer.headers["set-cookie"]?.[0]?.split(";")[0] ?? "";
}

/** Opens /rpc; resolves with the socket or rejects, naming the status of the refusal. */
function openSocket(protocols: string[], headers: Record<string, string> = {}): Promise<WebSocket> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://127.0.0.1:${host.port}/rpc`, protocols, {
      headers: { origin: origin(), ...headers },
    });
    socket.on("open", () => resolve(socket));
    socket.on("unexpected-response", (_request, response) =>
      reject(new Error(`refused with ${response.statusCode}`)),
    );
    socket.on("error", reject);
  });
}

describe("the pages", () => {
  it("are public and carry the security headers", async () => {
    const answer = await ask("/");
    expect(answer.status).toBe(200);
    expect(answer.body).toContain("Facet");
    const policy = answer.headers["content-security-policy"] ?? "";
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self';");
    expect(policy).not.toContain("unsafe-eval");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).toMatch(/connect-src 'self' ws:\/\/127\.0\.0\.1:\d+ /);
    expect(answer.headers["x-content-type-options"]).toBe("nosniff");
    expect(answer.headers["cross-origin-resource-policy"]).toBe("same-origin");
  });

  it("keep their own addresses, and hashed assets are kept for ever", async () => {
    expect((await ask("/library")).body).toContain("Facet");
    const asset = await ask("/assets/app-1234.js");
    expect(asset.headers["content-type"]).toMatch(/^text\/javascript/);
    expect(asset.headers["cache-control"]).toContain("immutable");
    expect((await ask("/missing.js")).status).toBe(404);
    expect((await ask("/.stamp")).status).toBe(400);
  });

  it("answer HEAD without a body and refuse other methods", async () => {
    const head = await ask("/", { method: "HEAD" });
    expect([head.status, head.body, head.headers["content-length"]]).toEqual([200, "", "20"]);
    for (const method of ["PUT", "DELETE", "POST", "OPTIONS", "PATCH"]) {
      expect((await ask("/", { method })).status, method).toBe(405);
    }
  });

  it.each([
    "/../secret",
    "/%2e%2e/secret",
    "/%2E%2e%2fsecret",
    "/..%2fsecret",
    "/..%5csecret",
    "/..\\secret",
    "/assets/../../secret",
    "/assets/%2e%2e/%2e%2e/secret",
    "/assets/..;/../secret",
    "/assets/%252e%252e/secret",
    "/picture/../../../secret",
    "/picture/%2e%2e%2f%2e%2e%2fsecret.webp",
    "/download/..%2f..%2f..%2fsecret",
    "//127.0.0.1/../secret",
    "/secret%00.html",
  ])("give nothing away for %s", async (path) => {
    const answer = await ask(path, { headers: bearer() });
    expect(answer.status).toBe(400);
    expect(answer.body).not.toContain("the secret");
  });
});

describe("who may ask", () => {
  it.each(["evil.example", "127.0.0.1.evil.example", "192.168.1.5", "localhost.evil", "a b"])(
    "refuses the Host %j, as after DNS rebinding",
    async (name) => {
      expect((await ask("/", { headers: { host: name } })).status).toBe(421);
    },
  );

  it.each(["127.0.0.1", "localhost:9000", "[::1]:80", "LOCALHOST"])(
    "takes the Host %j",
    async (name) => {
      expect((await ask("/", { headers: { host: name } })).status).toBe(200);
    },
  );

  it("wants the token for a session, for pictures and for downloads", async () => {
    const wrong = { authorization: `Bearer ${"x".repeat(43)}` };
    expect((await ask("/session", { method: "POST" })).status).toBe(401);
    expect((await ask("/session", { method: "POST", headers: wrong })).status).toBe(401);
    expect((await ask(`/picture/${PICTURE}.webp`)).status).toBe(401);
    expect((await ask(`/picture/${"0".repeat(64)}.webp`)).status).toBe(401);
    expect((await ask(`/download/${TOKEN}`, { headers: wrong })).status).toBe(401);
    const guessed = { cookie: `facet-${host.port}=${"x".repeat(43)}` };
    expect((await ask(`/picture/${PICTURE}.webp`, { headers: guessed })).status).toBe(401);
    const asCookie = { cookie: `facet-${host.port}=${host.token}` };
    expect((await ask(`/picture/${PICTURE}.webp`, { headers: asCookie })).status).toBe(401);
  });

  it("hands out a cookie that scripts and foreign pages never see", async () => {
    const answer = await ask("/session", { method: "POST", headers: bearer() });
    expect(answer.status).toBe(204);
    const [header = ""] = answer.headers["set-cookie"] ?? [];
    expect(header).toMatch(/; HttpOnly(;|$)/);
    expect(header).toMatch(/; SameSite=Strict(;|$)/);
    expect(header).not.toContain(host.token);
    expect((await ask("/session", { headers: bearer() })).status).toBe(405);
  });

  it("renews a session for a second tab, which has the cookie but not the token", async () => {
    const again = { cookie: await cookie(), origin: origin() };
    expect((await ask("/session", { method: "POST", headers: again })).status).toBe(204);
    const foreign = { ...again, origin: "http://127.0.0.1:1" };
    expect((await ask("/session", { method: "POST", headers: foreign })).status).toBe(403);
  });

  it("opens no session for a page of another origin, even with the token", async () => {
    for (const foreign of ["http://evil.example", "http://127.0.0.1:1", "null"]) {
      const headers = { ...bearer(), origin: foreign };
      expect((await ask("/session", { method: "POST", headers })).status, foreign).toBe(403);
    }
  });

  it("refuses tokens that could be guessed", async () => {
    const options = { router, library, bundle: folder, port: 0 };
    await expect(startHost({ ...options, token: "short" })).rejects.toThrow(/5 characters.*24/);
    await expect(startHost({ ...options, token: `${"x".repeat(30)}\r\n` })).rejects.toThrow();
  });
});

describe("pictures and downloads", () => {
  it("serves a preview by its hash for ever", async () => {
    const answer = await ask(`/picture/${PICTURE}.webp`, { headers: { cookie: await cookie() } });
    expect([answer.status, answer.body]).toEqual([200, "a preview"]);
    expect(answer.headers["content-type"]).toBe("image/webp");
    expect(answer.headers["cache-control"]).toBe("private, max-age=31536000, immutable");
    expect(answer.headers["x-content-type-options"]).toBe("nosniff");
  });

  it("follows no link out of the library and takes nothing but hashes", async () => {
    const headers = bearer();
    expect((await ask(`/picture/${LINKED}.webp`, { headers })).status).toBe(404);
    expect((await ask(`/picture/${PICTURE.slice(0, 60)}zzzz.webp`, { headers })).status).toBe(404);
    expect((await ask(`/picture/${PICTURE}.png`, { headers })).status).toBe(404);
  });

  it("sends a staged export under its own name", async () => {
    const answer = await ask(`/download/${TOKEN}`, { headers: bearer() });
    expect([answer.status, answer.body]).toEqual([200, "weights"]);
    expect(answer.headers["content-disposition"]).toBe(
      `attachment; filename="Zo_'s _face_.safetensors"; ` +
        "filename*=UTF-8''Zo%C3%AB%27s%20%E2%80%9Cface%E2%80%9D.safetensors",
    );
    expect(
      (await ask(`/download/${TOKEN.replace("0b", "1c")}`, { headers: bearer() })).status,
    ).toBe(404);
  });
});

describe("uploads", () => {
  const upload = (query: string, body: string | Buffer, headers: Record<string, string> = {}) =>
    ask(`/upload?${query}`, { method: "POST", body, headers: { ...bearer(), ...headers } });
  const batch = "6f0d7a52-31c8-4b0e-9d35-c1c64f0fb8a9";

  it("arrive whole in the staging folder under a name that is safe anywhere", async () => {
    const name = `../../a:b/Zoë "x"\u0001 ${"é".repeat(300)}.safetensors`.replace("../../", "");
    const answer = await upload(`name=${encodeURIComponent(name)}`, "some bytes");
    expect(answer.status).toBe(201);
    const { path, bytes } = JSON.parse(answer.body) as { path: string; bytes: number };
    expect(bytes).toBe(10);
    expect(path.startsWith(join(library, "staging"))).toBe(true);
    expect(await readFile(path, "utf8")).toBe("some bytes");
    const [parent, file] = path.split(/[\\/]/).slice(-2);
    expect(parent).toBe("a_b");
    expect(file).toMatch(/^Zoë _x__ é+\.safetensors$/);
    expect(Buffer.byteLength(file ?? "")).toBeLessThanOrEqual(200);
  });

  it("of one batch lie together and never replace each other", async () => {
    const first = await upload(`batch=${batch}&name=peft/adapter_model.safetensors`, "a");
    const second = await upload(`batch=${batch}&name=peft%2Fadapter_config.json`, "b");
    expect([first.status, second.status]).toEqual([201, 201]);
    expect((await readdir(join(library, "staging", batch, "peft"))).toSorted()).toEqual([
      "adapter_config.json",
      "adapter_model.safetensors",
    ]);
    expect((await upload(`batch=${batch}&name=peft/adapter_model.safetensors`, "c")).status).toBe(
      409,
    );
    expect(
      await readFile(join(library, "staging", batch, "peft", "adapter_model.safetensors"), "utf8"),
    ).toBe("a");
  });

  it.each(["name=", "", "name=..", "name=a/../../b", "name=a&batch=../x", "name=a&batch=x"])(
    "are refused with %j",
    async (query) => {
      expect((await upload(query, "x")).status).toBe(400);
    },
  );

  it("above the limit are refused at once when announced, and when they grow", async () => {
    const announced = await upload("name=big", Buffer.alloc(LIMIT + 1));
    expect(announced.status).toBe(413);
    expect(JSON.parse(announced.body)).toMatchObject({ error: { code: "too-large" } });
    const before = await readdir(join(library, "staging"));
    const grown = await new Promise<string>((resolve, reject) => {
      const socket = connect(host.port, "127.0.0.1");
      let text = "";
      socket.on("data", (chunk: Buffer) => (text += chunk.toString()));
      socket.on("close", () => resolve(text));
      socket.on("error", reject);
      const body = "x".repeat(600);
      socket.write(
        `POST /upload?name=grown HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${host.token}\r\n` +
          "Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n" +
          `258\r\n${body}\r\n258\r\n${body}\r\n0\r\n\r\n`,
      );
    });
    expect(grown).toMatch(/^HTTP\/1\.1 413 /);
    const created = (await readdir(join(library, "staging"))).filter(
      (name) => !before.includes(name),
    );
    for (const name of created) {
      expect(await readdir(join(library, "staging", name))).toEqual([]);
    }
  });

  it("that break off leave no file", async () => {
    const id = "11111111-31c8-4b0e-9d35-c1c64f0fb8a9";
    await new Promise<void>((resolve, reject) => {
      const socket = connect(host.port, "127.0.0.1", () => {
        socket.write(
          `POST /upload?name=half&batch=${id} HTTP/1.1\r\nHost: localhost\r\n` +
            `Authorization: Bearer ${host.token}\r\nContent-Length: 500\r\n\r\nhalf`,
        );
        setTimeout(() => socket.destroy(), 200);
      });
      socket.on("close", () => resolve());
      socket.on("error", reject);
    });
    await expect.poll(() => readdir(join(library, "staging", id))).toEqual([]);
  });

  it("need a page of this host where only the cookie speaks", async () => {
    const headers = { cookie: await cookie() };
    const send = (extra: Record<string, string>) =>
      ask("/upload?name=a", { method: "POST", body: "x", headers: { ...headers, ...extra } });
    expect((await send({})).status).toBe(403);
    expect((await send({ origin: "http://evil.example" })).status).toBe(403);
    expect((await send({ origin: origin(), host: "localhost" })).status).toBe(403);
    expect((await send({ origin: origin() })).status).toBe(201);
    const stranger = { method: "POST", body: "x", headers: { origin: origin() } };
    expect((await ask("/upload?name=a", stranger)).status).toBe(401);
  });
});

describe("the contract's WebSocket", () => {
  it("answers a page that brings the token as a subprotocol, without repeating it", async () => {
    const socket = await openSocket(["facet", `facet.${host.token}`]);
    expect(socket.protocol).toBe("facet");
    const client: RouterClient<typeof router> = createORPCClient(
      new RPCLink({ websocket: socket as unknown as globalThis.WebSocket }),
    );
    expect(await client.echo({ text: "hello" })).toEqual({ said: "hello" });
    socket.close();
  });

  it("answers a page with the session's cookie", async () => {
    const socket = await openSocket(["facet"], { cookie: await cookie() });
    socket.close();
  });

  it("refuses a wrong token, no token, a foreign origin and a foreign host", async () => {
    const good = ["facet", `facet.${host.token}`];
    await expect(openSocket(["facet", "facet.wrong"])).rejects.toThrow("refused with 401");
    await expect(openSocket([])).rejects.toThrow("refused with 401");
    await expect(openSocket(good, { origin: "http://evil.example" })).rejects.toThrow(
      "refused with 403",
    );
    await expect(openSocket(good, { origin: "http://127.0.0.1:1" })).rejects.toThrow(
      "refused with 403",
    );
    await expect(openSocket(good, { host: "evil.example" })).rejects.toThrow("refused with 421");
  });

  it("is not spoken anywhere else", async () => {
    expect((await ask("/rpc")).status).toBe(426);
    const socket = new WebSocket(`ws://127.0.0.1:${host.port}/other`, [`facet.${host.token}`], {
      origin: origin(),
    });
    const status = await new Promise((resolve) => {
      socket.on("unexpected-response", (_request, response) => resolve(response.statusCode));
      socket.on("error", () => {});
    });
    expect(status).toBe(404);
  });
});

it("closes with pages still connected, and gives its port back", async () => {
  const bundle = join(folder, "bundle");
  const other = await startHost({ router, library, bundle, port: 0 });
  const socket = new WebSocket(`ws://127.0.0.1:${other.port}/rpc`, [`facet.${other.token}`], {
    origin: `http://127.0.0.1:${other.port}`,
  });
  await new Promise((resolve) => socket.on("open", resolve));
  const closed = new Promise((resolve) => socket.on("close", resolve));
  await other.close();
  expect(await closed).toBe(1001);
  const again = await startHost({ router, library, bundle, port: other.port });
  expect(again.port).toBe(other.port);
  await again.close();
});
