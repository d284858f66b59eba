/** The row H2 of the acceptance table: what a listener takes of everybody together, of one address, and in a second. */

import { describe, expect, it } from "vitest";
import { Client, InvalidHandshakeError, type Service } from "../../mod.ts";
import { crowd } from "../support/crowd.ts";
import { deferred, ECHO, failure, onSockets } from "../support/on_sockets.ts";
import { statusOf, upgradeRequest } from "../support/raw_client.ts";

const { listen, connect, upgraded, dial, clientAndServer } = onSockets();

describe("maxConnections", () => {
  it("H2: takes as many as that, refuses the next with 503, and takes another when one has gone", async () => {
    const closed = deferred();
    const service: Service = { ...ECHO, onClose: () => closed.resolve() };
    const listener = await listen(service, {}, { maxConnections: 2 });
    const [first, second] = [await connect(listener.url), await connect(listener.url)];

    const refused = await failure(Client.connect(listener.url));
    expect(refused).toBeInstanceOf(InvalidHandshakeError);
    expect(refused).toMatchObject({ status: 503 });
    expect(listener.stats()).toMatchObject({ open: 2, opened: 2, refused: { 503: 1 } });

    await first.close();
    await closed.promise;
    const third = await connect(listener.url);
    for (const client of [second, third]) {
      await client.writeTextMessage("still here");
      expect(await client.readTextMessage()).toBe("still here");
    }
  });

  it("H2: counts who is being decided on, and gives the place back when the answer is no", async () => {
    const asked = deferred();
    const answer = deferred<Response>();
    const listener = await listen(ECHO, {}, { maxConnections: 1 });
    listener.attach("/slow", {
      get: () => {
        asked.resolve();
        return answer.promise;
      },
    });
    const slow = await dial(listener.port);
    await slow.write(upgradeRequest("/slow"));
    await asked.promise;
    expect(await failure(Client.connect(listener.url))).toMatchObject({ status: 503 });

    answer.resolve(new Response("no", { status: 403 }));
    expect(statusOf(await slow.head())).toBe(403);
    expect((await connect(listener.url)).isOpen()).toBe(true);
  });

  it("H2: without it there is no limit", async () => {
    const listener = await listen();
    await crowd(listener.port, "/", 300);
    expect(listener.stats().open).toBe(300);
  });
});

describe("maxConnectionsPerAddress", () => {
  it("H2: refuses one more from an address with 429, and nobody else", async () => {
    const listener = await listen(ECHO, {}, { maxConnectionsPerAddress: 2, trustedProxies: ["127.0.0.1"] });
    const from = (address: string): Record<string, string> => ({ "X-Forwarded-For": address });
    await upgraded(listener.port, "/", from("192.0.2.1"));
    await upgraded(listener.port, "/", from("192.0.2.1"));
    const third = failure(Client.connect(listener.url, { customHeaders: from("192.0.2.1") }));
    expect(await third).toMatchObject({ name: "InvalidHandshakeError", status: 429 });
    await upgraded(listener.port, "/", from("192.0.2.2"));

    // One customer has as many IPv6 addresses as he likes.
    await upgraded(listener.port, "/", from("2001:db8::1"));
    await upgraded(listener.port, "/", from("2001:db8::2"));
    const sixth = failure(Client.connect(listener.url, { customHeaders: from("2001:db8::3") }));
    expect(await sixth).toMatchObject({ status: 429 });
    expect(listener.stats()).toMatchObject({ open: 5, refused: { 429: 2 } });
  });

  it("H2: an address gets its place back, whoever hangs up", async () => {
    const gone: (() => void)[] = [];
    const service: Service = { ...ECHO, onClose: () => gone.shift()?.() };
    const listener = await listen(service, {}, { maxConnectionsPerAddress: 1 });
    for (const ending of ["reset", "hang up", "close"] as const) {
      const over = deferred();
      gone.push(() => over.resolve());
      const peer = await upgraded(listener.port);
      expect(await failure(Client.connect(listener.url))).toMatchObject({ status: 429 });
      if (ending === "reset") peer.socket.resetAndDestroy();
      else if (ending === "hang up") peer.socket.destroy();
      else await peer.close();
      await over.promise;
    }
    expect(listener.stats().refused).toEqual({ 429: 3 });
  });
});

describe("maxMessagesPerSecond", () => {
  it("H2: a service handles as many as that, and closes with 1008 at one more", async () => {
    const errors: unknown[] = [];
    const service: Service = {
      onMessage: (_caller, text) => text,
      onError: (_caller, error) => void errors.push(error),
    };
    const listener = await listen(service, { maxMessagesPerSecond: 3 });
    const peer = await upgraded(listener.port);
    for (const text of ["1", "2", "3", "4"]) await peer.text(text);
    for (const text of ["1", "2", "3"]) expect(await peer.next()).toMatchObject({ opcode: 1, text });
    expect(await peer.closeFrame()).toMatchObject({ code: 1008, text: expect.stringMatching(/too many messages$/) });
    peer.socket.end();
    await peer.raw.rest();
    expect(errors.map(String)).toEqual([expect.stringContaining("sent more than maxMessagesPerSecond takes")]);
    expect(listener.stats().dropped).toBe(1);
  });

  it("H2: a client holds its server to it, too", async () => {
    const { client, peer } = await clientAndServer({ maxMessagesPerSecond: 2 });
    for (const text of ["1", "2", "3"]) await peer.text(text);
    expect([await client.readTextMessage(), await client.readTextMessage()]).toEqual(["1", "2"]);
    expect(await peer.closeFrame()).toMatchObject({ code: 1008, text: expect.stringMatching(/too many messages$/) });
    peer.socket.end();
    expect(String((await client.closed).error)).toContain("sent more than maxMessagesPerSecond takes");
  });
});
