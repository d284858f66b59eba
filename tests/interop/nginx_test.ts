/** nginx (https://nginx.org) between our client and our listener. */

import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import type { Caller } from "../../mod.ts";
import { runProgram } from "../support/program.ts";
import { echoes, LONG_BINARY, LONG_TEXT, MEBIBYTE } from "./support/conversation.ts";
import { needs } from "./support/needs.ts";
import { NGINX_ADDRESS, nginxBefore } from "./support/nginx.ts";
import { connect, listen, ofClient, type Ours, Reception } from "./support/ours.ts";

const SECURE_CLIENT = fileURLToPath(new URL("support/secure_client.ts", import.meta.url));
const ECHO = { onMessage: (_caller: unknown, message: string | Uint8Array) => message };

/** Both our ends of a connection through nginx. */
async function meet(): Promise<{ client: Ours; caller: Ours }> {
  const reception = new Reception();
  const { port } = await listen(reception.service);
  const { url } = await nginxBefore(port!);
  const client = ofClient(await connect(url));
  return { client, caller: await reception.ours };
}

it(
  "nginx: messages of every kind and of 1 MiB there and back",
  needs("nginx", async () => {
    const { port } = await listen(ECHO);
    const { url } = await nginxBefore(port!);
    const client = ofClient(await connect(url));
    await echoes(client, ["Grüße, 世界 👋", "", Uint8Array.of(0, 128, 255), new Uint8Array(0), LONG_TEXT, LONG_BINARY]);
  }),
);

it(
  "nginx: the client closes with a code and a reason",
  needs("nginx", async () => {
    const { client, caller } = await meet();
    client.close(4000, "we are done ✓");
    expect(await caller.closed).toMatchObject({ code: 4000, reason: "we are done ✓" });
    expect(await client.closed).toMatchObject({ code: 4000, clean: true });
  }),
);

it(
  "nginx: the service closes with a code and a reason",
  needs("nginx", async () => {
    const { client, caller } = await meet();
    caller.close(4001, "it is done ✓");
    expect(await client.closed).toEqual({ code: 4001, reason: "it is done ✓", clean: true });
    expect(await caller.closed).toMatchObject({ code: 4001 });
  }),
);

it(
  "nginx: proxy_read_timeout cuts a silent connection, and pingInterval keeps one",
  needs("nginx", async () => {
    const { port } = await listen(ECHO);
    const { url } = await nginxBefore(port!, "1s");
    const pinging = ofClient(await connect(url, { pingInterval: 0.25 }));
    const silent = await connect(url);
    const { code, clean, received } = await silent.closed;
    expect({ code, clean, received }).toEqual({ code: 1006, clean: false, received: undefined });
    // It is older than the other, and was as silent but for its pings.
    await echoes(pinging, ["still here"]);
  }),
);

it(
  "nginx: the service sees the cut as 1006, and its pingInterval prevents it",
  needs("nginx", async () => {
    const [cut, kept] = [new Reception(), new Reception()];
    const pinging = await listen(kept.service, {}, { pingInterval: 0.25 });
    const keeping = ofClient(await connect((await nginxBefore(pinging.port!, "1s")).url));
    const silent = await listen(cut.service);
    await connect((await nginxBefore(silent.port!, "1s")).url);
    expect((await (await cut.ours).closed).code).toBe(1006);
    await (await kept.ours).send("still here");
    expect(await keeping.read()).toBe("still here");
  }),
);

it(
  "nginx: tells who connected, to a listener that trusts it, and only what it added counts",
  needs("nginx", async () => {
    const answer = async (trustedProxies?: readonly string[]): Promise<string> => {
      const service = { onOpen: (caller: Caller) => `${caller.remoteAddress} ${caller.isSecure()}` };
      const { port } = await listen(service, trustedProxies && { trustedProxies });
      const { url } = await nginxBefore(port!);
      const forged = { "X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https" };
      return await (await connect(url, { customHeaders: forged })).readTextMessage();
    };
    expect(await answer()).toBe(`${NGINX_ADDRESS} false`);
    expect(await answer(["192.0.2.0/24", NGINX_ADDRESS])).toBe("127.0.0.1 false");
    expect(await answer(["127.0.0.1", "203.0.113.0/24"])).toBe(`${NGINX_ADDRESS} false`);
  }),
);

it(
  "nginx: TLS ends at it, and pages of its host and port may connect",
  needs("nginx", async () => {
    const { port } = await listen(ECHO);
    const { secureUrl, authority } = await nginxBefore(port!);
    const { output, ok } = await runProgram(SECURE_CLIENT, {
      URL: secureUrl,
      ORIGIN: new URL(secureUrl.replace("wss:", "https:")).origin,
      NODE_EXTRA_CA_CERTS: authority,
      DENO_CERT: authority,
    });
    expect(ok, output).toBe(true);
    expect(JSON.parse(output.trim().split("\n").at(-1)!)).toEqual({
      secure: true,
      text: "over TLS",
      length: MEBIBYTE,
      code: 1000,
      clean: true,
    });
  }),
);
