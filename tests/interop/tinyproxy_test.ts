/** tinyproxy (https://tinyproxy.github.io) between our client and a listener. */

import { expect, it, onTestFinished } from "vitest";
import { type Caller, ProxyError } from "../../mod.ts";
import { tlsBefore } from "../support/connect_proxy.ts";
import { outcomesOf } from "../support/on_proxies.ts";
import { AUTHORITY, CERTIFICATE as cert, KEY as key } from "../support/tls_certificate.ts";
import { echoes, LONG_BINARY, LONG_TEXT, MEBIBYTE } from "./support/conversation.ts";
import { needs } from "./support/needs.ts";
import { connect, listen, ofClient } from "./support/ours.ts";
import { tinyproxy, TINYPROXY_ADDRESS } from "./support/tinyproxy.ts";

const ECHO = { onMessage: (_caller: unknown, message: string | Uint8Array) => message };
const whenOver = (close: () => unknown): void => onTestFinished(async () => void await close());

it(
  "tinyproxy: messages of every kind and of 1 MiB there and back, and a close with a code",
  needs("tinyproxy", async () => {
    const { port } = await listen(ECHO);
    const { url } = await tinyproxy([port!]);
    const client = ofClient(await connect(`ws://localhost:${port}/`, { proxy: url }));
    await echoes(client, ["Grüße, 世界 👋", "", Uint8Array.of(0, 128, 255), new Uint8Array(0), LONG_TEXT, LONG_BINARY]);
    client.close(4000, "we are done ✓");
    expect(await client.closed).toEqual({ code: 4000, reason: "", clean: true });
  }),
);

it(
  "tinyproxy: it is whom the service sees",
  needs("tinyproxy", async () => {
    const { port } = await listen({ onOpen: (caller: Caller) => caller.remoteAddress });
    const { url } = await tinyproxy([port!]);
    const address = async (proxy?: string): Promise<string> =>
      await (await connect(`ws://127.0.0.1:${port}/`, proxy === undefined ? {} : { proxy })).readTextMessage();
    expect([await address(url), await address()]).toEqual([TINYPROXY_ADDRESS, "127.0.0.1"]);
  }),
);

it(
  "tinyproxy: what it refuses is a ProxyError: wrong credentials or none with 407, a port it does not lead to with 403",
  needs("tinyproxy", async () => {
    const { port } = await listen(ECHO);
    const { url, bareUrl } = await tinyproxy([port!]);
    const refusal = (target: number, proxy: string): Promise<unknown> =>
      connect(`ws://localhost:${target}/`, { proxy }).then(() => "open", (error: unknown) => error);
    for (const proxy of [bareUrl, url.replace("s3cret", "wrong")]) {
      const error = await refusal(port!, proxy);
      expect(error).toBeInstanceOf(ProxyError);
      expect((error as ProxyError).status).toBe(proxy === bareUrl ? 407 : 401);
    }
    expect(await refusal(1, url)).toMatchObject({ name: "ProxyError", status: 403 });
  }),
);

it(
  "tinyproxy: wss: through it, and what HTTPS_PROXY and NO_PROXY say",
  needs("tinyproxy", async () => {
    const { port } = await listen(ECHO);
    const securePort = await tlsBefore(whenOver, port!, { cert, key });
    // To this one the proxy does not lead.
    const otherPort = await tlsBefore(whenOver, port!, { cert, key });
    const { url } = await tinyproxy([securePort]);
    const proxy = "environment";
    const attempts = [
      { url: `wss://localhost:${securePort}/`, config: { proxy: url } },
      { url: `wss://127.0.0.1:${securePort}/`, config: { proxy } },
      { url: `wss://localhost:${otherPort}/`, config: { proxy } },
      { url: `wss://127.0.0.1:${otherPort}/`, config: { proxy } },
    ];
    const environment = { HTTPS_PROXY: url, NO_PROXY: `example.com,localhost:${otherPort}` };
    const outcomes = await outcomesOf(whenOver, AUTHORITY, attempts, environment);
    const fine = { echo: "over TLS, I hope", length: MEBIBYTE, code: 1000, clean: true };
    const refused = { error: "ProxyError", message: expect.stringContaining("status 403") };
    expect(outcomes).toEqual([fine, fine, fine, refused]);
  }),
);
