/**
 * What the documents configure nginx with, in a real nginx between our client and our listener: it passes what it is said
 * to pass, each line of it is needed, and two servers change places behind it without a message lost.
 */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, it, onTestFinished } from "vitest";
import { type Caller, type Client, type InvalidHandshakeError, UpgradeError } from "../../mod.ts";
import { runCommand } from "../../scripts/command.ts";
import { blocksIn, blocksWritten } from "../support/documents.ts";
import { withOurImports } from "../support/own_imports.ts";
import { PipedProgram } from "../support/piped_program.ts";
import { runProgram, starter } from "../support/program.ts";
import { MEBIBYTE } from "./support/conversation.ts";
import { documentedNginx } from "./support/documented_nginx.ts";
import { manyFreePorts } from "./support/free_ports.ts";
import { needs } from "./support/needs.ts";
import { connect, listen } from "./support/ours.ts";
import { Talker } from "./support/talker.ts";

const SLOW = { timeout: 30_000 };
const DEPLOYMENT = "docs/deployment.md";
const SECURE_CLIENT = fileURLToPath(new URL("support/secure_client.ts", import.meta.url));

/** Where nginx comes from when it has to differ from where its clients are. */
const NGINX_ADDRESS = "127.0.0.2";

const folder = mkdtempSync(join(tmpdir(), "hawser-deployment-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** All of nginx that the page shows is one configuration. */
const CONFIGURATION = blocksWritten("nginx").filter(({ document }) => document === DEPLOYMENT)
  .map(({ text }) => text).join("\n");
const COMMANDS = blocksWritten("sh").filter(({ document }) => document === DEPLOYMENT)
  .flatMap(({ text }) => text.trim().split("\n"));
const SERVER = join(folder, "server.mts");
writeFileSync(SERVER, withOurImports(blocksIn(DEPLOYMENT).find(({ info }) => info === "ts server")!.text));

/** Behind its two upstreams: a listener that says which it is and who came, and what the test puts there. */
async function before(second?: number, change = (text: string): string => text): ReturnType<typeof documentedNginx> {
  const service = { onOpen: (caller: Caller) => `${caller.remoteAddress} ${caller.isSecure()}` };
  const { port } = await listenAnywhere(service, { trustedProxies: [NGINX_ADDRESS] });
  return await documentedNginx(change(CONFIGURATION), { 9091: port!, 9092: second ?? (await manyFreePorts(1))[0]! });
}

async function listenAnywhere(...[service, config, options]: Parameters<typeof listen>): ReturnType<typeof listen> {
  const listener = await listen(service, config, options);
  listener.attach("/echo", { ...options, get: () => service });
  return listener;
}

async function statusOf(connecting: Promise<Client>): Promise<number | undefined> {
  return await connecting.then(() => 101, ({ status }: InvalidHandshakeError) => status);
}

/** The status there. The worker that we kept a connection to may be on its way out. */
async function statusAt(url: string): Promise<number> {
  return await fetch(url).then(({ status }) => status, () => 0);
}

for (const { name, text } of blocksWritten("nginx").filter(({ document }) => document !== DEPLOYMENT)) {
  it(
    `${name}: nginx takes a message there and back`,
    SLOW,
    needs("nginx", async () => {
      const { port } = await listen({ onMessage: (_caller, message) => message });
      const { url } = await documentedNginx(text, { 9090: port! });
      const client = await connect(url);
      await client.writeTextMessage("through");
      expect(await client.readTextMessage()).toBe("through");
    }),
  );
}

it(
  "deployment: what is passed on, and what is not",
  SLOW,
  needs("nginx", async () => {
    const from = (text: string): string => text.replace("proxy_pass ", `proxy_bind ${NGINX_ADDRESS}; proxy_pass `);
    const { url, plainUrl, secureUrl } = await before(undefined, from);
    const forged = { "X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https" };
    const origin = url.replace("ws:", "http:");
    const client = await connect(`${url}/echo`, { customHeaders: forged, origin });
    expect(await client.readTextMessage()).toBe("127.0.0.1 false");

    for (const path of ["/stats", "/live", "/"]) expect((await fetch(`${origin}${path}`)).status).toBe(404);
    const { status, headers } = await fetch(`${plainUrl}/echo`, { redirect: "manual" });
    expect([status, headers.get("location")]).toEqual([301, "https://127.0.0.1/echo"]);
    expect(secureUrl).not.toBe(url);
  }),
);

it(
  "deployment: each line that the page calls needed is",
  SLOW,
  needs("nginx", async () => {
    const without = async (line: RegExp): Promise<number | undefined> => {
      expect(CONFIGURATION).toMatch(line);
      const { url } = await before(undefined, (text) => text.replace(line, ""));
      return await statusOf(connect(`${url}/echo`, { origin: url.replace("ws:", "http:") }));
    };
    expect(await without(/.*proxy_http_version .*/)).toBe(400);
    expect(await without(/.*proxy_set_header Upgrade .*/)).toBe(426);
    expect(await without(/.*proxy_set_header Connection .*/)).toBe(400);
    expect(await without(/.*proxy_set_header Host .*/)).toBe(403);
    expect(await without(/.*proxy_set_header X-Forwarded-Proto .*/)).toBe(101);
  }),
);

it(
  "deployment: TLS ends at nginx, and messages pass that are larger than bodies may be",
  SLOW,
  needs("nginx", async () => {
    const { port } = await listenAnywhere({ onMessage: (_caller, message) => message });
    const text = CONFIGURATION.replace("location /echo {", "location /echo { client_max_body_size 1k;");
    expect(text).not.toBe(CONFIGURATION);
    const { secureUrl, authority } = await documentedNginx(text, { 9091: port!, 9092: port! });
    const { output, ok } = await runProgram(SECURE_CLIENT, {
      URL: `${secureUrl}/echo`,
      ORIGIN: secureUrl.replace("wss:", "https:"),
      NODE_EXTRA_CA_CERTS: authority,
      DENO_CERT: authority,
    });
    expect(ok, output).toBe(true);
    expect(JSON.parse(output.trim().split("\n").at(-1)!)).toMatchObject({ secure: true, length: MEBIBYTE, code: 1000 });
  }),
);

it(
  "deployment: an instance that stops, or is not there, is passed over, and without any it is 502; the 51st of an address gets 429",
  SLOW,
  needs("nginx", async () => {
    const stopping = await listen({});
    stopping.attach("/echo", { get: () => new UpgradeError(503, "The server restarts") });
    const { url } = await before(stopping.port);
    await Promise.all(Array.from({ length: 10 }, () => connect(`${url}/echo`)));
    expect(stopping.stats().refused[503]).toBeGreaterThan(0);
    await stopping.immediateStop();
    await Promise.all(Array.from({ length: 40 }, () => connect(`${url}/echo`)));
    expect(await statusOf(connect(`${url}/echo`))).toBe(429);

    const [nobody, neither] = await manyFreePorts(2);
    const { url: alone } = await documentedNginx(CONFIGURATION, { 9091: nobody!, 9092: neither! });
    expect(await statusOf(connect(`${alone}/echo`))).toBe(502);
  }),
);

it(
  "deployment: a reload leaves connections alone, for as long as worker_shutdown_timeout says",
  SLOW,
  needs("nginx", async () => {
    const { port } = await listenAnywhere({ onMessage: (_caller, message) => message });
    const short = CONFIGURATION.replace("worker_shutdown_timeout 1h", "worker_shutdown_timeout 1s");
    expect(short).not.toBe(CONFIGURATION);
    for (const text of [CONFIGURATION, short]) {
      const { url, reload } = await documentedNginx(text, { 9091: port!, 9092: port! });
      const client = await connect(`${url}/echo`);
      await reload((configuration) =>
        configuration.replace("location /echo", "location /new { return 204; }\nlocation /echo")
      );
      // Until the new worker is there, and the old one takes no more connections.
      await expect.poll(() => statusAt(`${url.replace("ws:", "http:")}/new`), { interval: 10, timeout: 10_000 }).toBe(
        204,
      );
      if (text === short) {
        expect((await client.closed).code).toBe(1006);
      } else {
        await client.writeTextMessage("still here");
        expect(await client.readTextMessage()).toBe("still here");
      }
    }
  }),
);

it(
  "deployment: two instances change places behind nginx, and no message is lost",
  SLOW,
  needs(
    "nginx",
    needs("curl", async () => {
      const [first, second] = await manyFreePorts(2);
      const ports: Readonly<Record<string, number>> = { 9091: first!, 9092: second! };
      const instances = new Map<string, PipedProgram>();
      const systemctl: Readonly<Record<string, (port: string) => Promise<void>>> = {
        async start(port) {
          // Slower than the page has it, so that one sees that they are not closed all at once.
          const program = new PipedProgram([...starter(), SERVER], { PORT: `${ports[port]}`, DRAIN_RATE: "20" });
          onTestFinished(() => void program.kill("SIGKILL"));
          instances.set(port, program);
          await program.wrote(/Listening on/);
        },
        async stop(port) {
          const program = instances.get(port)!;
          expect(await program.kill("SIGTERM")).toBe(0);
          expect(program.output).toContain("Stopped, 0 connections cut\n");
        },
      };
      await systemctl["start"]!("9091");
      const { url } = await documentedNginx(CONFIGURATION, ports);
      const talkers = await Promise.all(Array.from({ length: 12 }, () => Talker.start(`${url}/echo`)));
      for (const talker of talkers) await talker.hears(5);

      let isOver = false;
      const newcomers = (async () => {
        let count = 0;
        for (; !isOver; count++) {
          const client = await connect(`${url}/echo`);
          await client.close();
        }
        return count;
      })();
      for (const command of COMMANDS) {
        const [, verb, port] = /^systemctl (start|stop) hawser@(\d+)$/.exec(command) ?? [];
        if (verb !== undefined) {
          await systemctl[verb]!(port!);
          continue;
        }
        const [program, ...args] = command.split(" ").map((word) =>
          word.replace(/(?<=:)\d{4}(?=\/)/, (port) => `${ports[port]}`)
        );
        expect(program).toBe("curl");
        expect(await runCommand("curl", args, { timeout: 10 })).toMatchObject({ ok: true });
      }
      isOver = true;
      // Nobody was refused while it went on.
      expect(await newcomers).toBeGreaterThan(0);

      for (const talker of talkers) await talker.hears(5);
      for (const talker of talkers) {
        expect(await talker.stop()).toEqual([]);
        expect(talker.losses.map(({ code, reason }) => `${code} ${reason}`)).toEqual(["1012 restart"]);
      }
      const times = talkers.map(({ losses }) => losses[0]!.time);
      expect(Math.max(...times) - Math.min(...times)).toBeGreaterThan(200);
      const stats = await (await fetch(`http://127.0.0.1:${second}/stats`)).json() as { opened: number };
      expect(stats.opened).toBeGreaterThanOrEqual(talkers.length);
    }),
  ),
);
