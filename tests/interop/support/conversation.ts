/** What is tried with every peer, whichever of the two connects. */

import { Buffer } from "node:buffer";
import { afterAll, describe, expect, it } from "vitest";
import { BINARY_FRAGMENTS, TEXT_FRAGMENTS } from "../peers/parrot.ts";
import type { ListenerConfiguration } from "../../../mod.ts";
import type { SystemNeed } from "../../../scripts/system_packages.ts";
import { expectAgreement, expectUse } from "./compression.ts";
import { needs } from "./needs.ts";
import { connect, listen, ofClient, type Ours, Reception } from "./ours.ts";
import type { PeerConnection } from "./peer_process.ts";
import { type Wiretap, wiretap } from "./wiretap.ts";

export const MEBIBYTE = 1_048_576;
/** As text it is 1 MiB long in UTF-8, with characters of each length. */
export const LONG_TEXT: string = "aé€😀 01234".repeat(MEBIBYTE / 16);
export const LONG_BINARY: Uint8Array = longBinary();

/** A peer that was started: see PeerProcess. */
export interface Peer {
  /** Of a server: where it listens. */
  port?(): Promise<number>;
  /** Of a client: where to go to. */
  tell?(url: string): void;
  nextConnection(): Promise<PeerConnection>;
  stop(): Promise<void>;
}

export interface PeerOptions {
  readonly role: "client" | "server";
  /** Starts it, once for all its tests. */
  readonly start: () => Peer;
  readonly need?: SystemNeed;
  /** For our listener, when it has to do more than listen. */
  readonly config?: ListenerConfiguration;
  /** Whether its API can send fragments. */
  readonly sendsFragments: boolean;
  /** What it does about permessage-deflate, used as it is here: nothing, only read what is compressed, or write, too. */
  readonly deflate: "no" | "reads" | "writes";
  /** The code that we see when it closes without naming one. 1005: its close frame is empty. */
  readonly plainClose: number;
}

interface Meeting {
  readonly ours: Ours;
  readonly peer: PeerConnection;
}

/** Describes what we and one peer do together. */
export function converseWith(name: string, options: PeerOptions): void {
  const { role, start, need, config, sendsFragments, deflate, plainClose } = options;
  let peer: Peer | undefined;
  afterAll(() => peer?.stop());

  async function meet(tap?: (port: number) => Promise<number>): Promise<Meeting> {
    peer ??= start();
    if (role === "server") {
      const port = await peer.port!();
      const ours = ofClient(await connect(`ws://127.0.0.1:${await tap?.(port) ?? port}/`));
      return { ours, peer: await peer.nextConnection() };
    }
    const reception = new Reception();
    const { port } = await listen(reception.service, config);
    peer.tell!(`ws://127.0.0.1:${await tap?.(port!) ?? port}/`);
    const connection = await peer.nextConnection();
    return { ours: await reception.ours, peer: connection };
  }

  async function meetOverTap(): Promise<Meeting & { tap: Wiretap }> {
    let tap: Wiretap | undefined;
    const meeting = await meet(async (port) => {
      tap = await wiretap(port);
      return tap.port;
    });
    return { ...meeting, tap: tap! };
  }

  function test(title: string, body: () => Promise<void>): void {
    it(`${name}: ${title}`, need === undefined ? body : needs(need, body));
  }

  describe(role === "server" ? "our client, to a server of" : "our listener, from a client of", () => {
    test("text, binary and empty messages there and back", async () => {
      const { ours } = await meet();
      await echoes(ours, ["hello", "Grüße, 世界 👋", "", Uint8Array.of(0, 1, 127, 128, 255), new Uint8Array(0), "end"]);
    });

    test("messages of 1 MiB there and back", async () => {
      const { ours } = await meet();
      await echoes(ours, [LONG_TEXT, LONG_BINARY]);
    });

    if (sendsFragments) {
      test("its fragments come as one message", async () => {
        const { ours, tap } = await meetOverTap();
        await ours.send("!fragments");
        expect(await ours.read()).toBe(TEXT_FRAGMENTS.join(""));
        expect(await ours.read()).toEqual(new Uint8Array(Buffer.concat(BINARY_FRAGMENTS)));
        const { frames } = role === "server" ? tap.fromServer : tap.fromClient;
        expect(frames.length).toBeGreaterThanOrEqual(6);
        expect(frames.filter(({ fin }) => fin)).toHaveLength(2);
      });
    }

    test("we close with a code and a reason", async () => {
      const { ours, peer } = await meet();
      ours.close(4000, "we are done ✓");
      expect(await peer.closed).toEqual({ code: 4000, reason: "we are done ✓" });
      expect(await ours.closed).toMatchObject({ code: 4000, clean: true });
    });

    test("we close without saying more", async () => {
      const { ours, peer } = await meet();
      ours.close();
      expect(await peer.closed).toEqual({ code: 1000, reason: "" });
      expect(await ours.closed).toMatchObject({ code: 1000, clean: true });
    });

    test("it closes with a code and a reason", async () => {
      const { ours, peer } = await meet();
      await ours.send("!close 4001 it is done ✓");
      expect(await ours.closed).toEqual({ code: 4001, reason: "it is done ✓", clean: true });
      expect(await peer.closed).toMatchObject({ code: 4001 });
    });

    test("it closes without saying more", async () => {
      const { ours, peer } = await meet();
      await ours.send("!close");
      expect(await ours.closed).toEqual({ code: plainClose, reason: "", clean: true });
      expect(await peer.closed).toMatchObject({ code: plainClose });
    });

    test("what is compressed, and whether", async () => {
      const { ours, peer, tap } = await meetOverTap();
      await echoes(ours, [LONG_TEXT]);
      const agreed = deflate !== "no";
      expectAgreement(tap, agreed);
      expect(peer.extensions.includes("permessage-deflate")).toBe(agreed);
      const [us, it] = role === "server" ? [tap.fromClient, tap.fromServer] : [tap.fromServer, tap.fromClient];
      expectUse(us, agreed, MEBIBYTE);
      expectUse(it, agreed && deflate === "writes", MEBIBYTE);
    });
  });
}

/** Sends all messages at once, and demands them back as they were. */
export async function echoes(ours: Ours, messages: readonly (string | Uint8Array)[]): Promise<void> {
  const sending = (async () => {
    for (const message of messages) await ours.send(message);
  })();
  for (const message of messages) expectSame(await ours.read(), message);
  await sending;
}

/** Compares without printing a mebibyte. */
function expectSame(got: string | Uint8Array | undefined, wanted: string | Uint8Array): void {
  if (wanted.length <= 100) return expect(got).toEqual(wanted);
  expect([typeof got, got?.length]).toEqual([typeof wanted, wanted.length]);
  const same = typeof got === "string" ? got === wanted : Buffer.compare(got!, wanted as Uint8Array) === 0;
  expect(same, "the contents are the same").toBe(true);
}

/** Bytes that no compression makes smaller, the same each time. */
function longBinary(): Uint8Array {
  let state = 1;
  return Uint8Array.from({ length: MEBIBYTE }, () => (state = Math.imul(state, 1_664_525) + 1_013_904_223) >>> 24);
}
