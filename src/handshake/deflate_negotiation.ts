/**
 * permessage-deflate in the opening handshake: the client's offers, the server's answer, and the client's look at it
 * (RFC 7692 §7.1). Names and values are data, compared exactly. Knows nothing of compressing.
 */

import { quote } from "../printable.ts";
import type { Extension } from "./extension_offer.ts";
import type { Parameter } from "./header_grammar.ts";

/** What one side wants. */
export interface DeflateWishes {
  /** The most history the server's compressor may use: 9 to 15, the base-2 logarithm of bytes. */
  readonly serverMaxWindowBits: number;
  /** The most history the client's compressor may use: 9 to 15. */
  readonly clientMaxWindowBits: number;
  /** The server's compressor starts each message without history. */
  readonly serverNoContextTakeover: boolean;
  /** The client's compressor starts each message without history. */
  readonly clientNoContextTakeover: boolean;
}

/**
 * What was agreed on, as one side sees it: the most that its own compressor uses, and the least that it keeps of what
 * the peer compressed. The sides may differ, and then whoever decompresses keeps more than the other uses.
 */
export interface DeflateTerms {
  /** The server's window: 8 to 15. The server's side never has 8, which zlib cannot compress with. */
  readonly serverMaxWindowBits: number;
  /** The client's window: 8 to 15. With 8 a client that has zlib must not compress. */
  readonly clientMaxWindowBits: number;
  /** The server's compressor starts each message without history. */
  readonly serverNoContextTakeover: boolean;
  /** The client's compressor starts each message without history. */
  readonly clientNoContextTakeover: boolean;
}

const NAME = "permessage-deflate";
const SERVER_NO_TAKEOVER = "server_no_context_takeover";
const CLIENT_NO_TAKEOVER = "client_no_context_takeover";
const SERVER_WINDOW = "server_max_window_bits";
const CLIENT_WINDOW = "client_max_window_bits";

/** What a window without its parameter is, and a bare client_max_window_bits allows: 32 KiB. §7.1.2 */
const LARGEST = 15;

/** Decimal, without leading zeroes. §7.1.2.1, §7.1.2.2 */
const WINDOW_BITS = /^(?:[89]|1[0-5])$/;

/** The client's offers, favourite first. The second has no windows: some servers decline what they do not know. */
export function offerDeflate(wishes: DeflateWishes): readonly Extension[] {
  const { serverMaxWindowBits, clientMaxWindowBits } = wishes;
  const flags = flagParameters(wishes);
  // §7.1.2.2: a server may name the client's window only when the offer does, even if only to say that it may.
  const windows = [
    clientMaxWindowBits < LARGEST
      ? windowParameter(CLIENT_WINDOW, clientMaxWindowBits)
      : { name: CLIENT_WINDOW, value: undefined },
  ];
  if (serverMaxWindowBits < LARGEST) windows.push(windowParameter(SERVER_WINDOW, serverMaxWindowBits));
  return [{ name: NAME, parameters: [...windows, ...flags] }, { name: NAME, parameters: flags }];
}

/** The server's answer to the first offer that it can accept, with the terms; undefined when it declines them all. */
export function answerDeflate(
  offers: readonly Extension[],
  wishes: DeflateWishes,
): { readonly answer: Extension; readonly terms: DeflateTerms } | undefined {
  for (const offer of offers) {
    if (offer.name !== NAME) continue;
    // §7.1: such an offer must be declined, and says nothing about the next.
    const offered = readParameters(offer, "offer");
    if (typeof offered === "string") continue;
    // §7.1.2.1: declined because it cannot be kept. zlib takes 9 for 8 without a word and overruns the client's window.
    if (windowOf(offered, SERVER_WINDOW) === 8) continue;

    const terms: DeflateTerms = {
      // §7.1.2.1: the same or smaller. Unasked it is a private matter: whoever keeps 32 KiB can read any window.
      serverMaxWindowBits: Math.min(windowOf(offered, SERVER_WINDOW), wishes.serverMaxWindowBits),
      // §7.1.2.2: a client that did not say it understands the parameter may use all of 32 KiB.
      clientMaxWindowBits: offered.has(CLIENT_WINDOW)
        ? Math.min(windowOf(offered, CLIENT_WINDOW), wishes.clientMaxWindowBits)
        : LARGEST,
      // §7.1.1.1: must be answered when offered, may be unasked.
      serverNoContextTakeover: offered.has(SERVER_NO_TAKEOVER) || wishes.serverNoContextTakeover,
      // §7.1.1.2: may be answered, asked or not; every client understands it.
      clientNoContextTakeover: offered.has(CLIENT_NO_TAKEOVER) || wishes.clientNoContextTakeover,
    };
    const parameters: Parameter[] = [];
    if (offered.has(SERVER_WINDOW)) parameters.push(windowParameter(SERVER_WINDOW, terms.serverMaxWindowBits));
    if (offered.has(CLIENT_WINDOW)) parameters.push(windowParameter(CLIENT_WINDOW, terms.clientMaxWindowBits));
    return { answer: { name: NAME, parameters: [...parameters, ...flagParameters(terms)] }, terms };
  }
  return undefined;
}

/**
 * Holds the server's answer, known to name only extensions that were offered, against what `offerDeflate` made of the
 * wishes: the terms, undefined when the server does not compress, or what is wrong. §7.1
 */
export function verifyDeflate(
  answered: readonly Extension[],
  wishes: DeflateWishes,
): { readonly terms: DeflateTerms | undefined } | { readonly problem: string } {
  const [answer, another] = answered.filter(({ name }) => name === NAME);
  if (answer === undefined) return { terms: undefined };
  // §6: RSV1 can belong to one of them only.
  if (another !== undefined) return { problem: `the server chose the extension ${quote(NAME)} twice` };
  const given = readParameters(answer, "answer");
  if (typeof given === "string") return { problem: `the server answered ${quote(NAME)} with ${given}` };

  // §7.1.1.1: both offers ask for it, and a server accepts them by answering it.
  if (wishes.serverNoContextTakeover && !given.has(SERVER_NO_TAKEOVER)) {
    return { problem: `the server answered ${quote(NAME)} without ${quote(SERVER_NO_TAKEOVER)}, which was offered` };
  }
  return {
    terms: {
      // §7.1.2.1: also more than the first offer says, or nothing. The second names no window, and may be the one taken.
      serverMaxWindowBits: windowOf(given, SERVER_WINDOW),
      // §7.1.2.2, §7.1.1.2: what we offered of our own compressor holds, whether the server repeats it or allows more.
      clientMaxWindowBits: Math.min(windowOf(given, CLIENT_WINDOW), wishes.clientMaxWindowBits),
      serverNoContextTakeover: given.has(SERVER_NO_TAKEOVER),
      clientNoContextTakeover: given.has(CLIENT_NO_TAKEOVER) || wishes.clientNoContextTakeover,
    },
  };
}

/** Values by name, all of them well-formed. */
type Parameters = ReadonlyMap<string, string | undefined>;

/** The parameters, or the first thing that is wrong with them, as the end of a sentence. §7.1 */
function readParameters({ parameters }: Extension, from: "offer" | "answer"): Parameters | string {
  const values = new Map<string, string | undefined>();
  for (const { name, value } of parameters) {
    if (values.has(name)) return `the parameter ${quote(name)} twice`;
    values.set(name, value);
    switch (name) {
      case SERVER_NO_TAKEOVER:
      case CLIENT_NO_TAKEOVER:
        // §7.1.1.1, §7.1.1.2
        if (value !== undefined) return `the value ${quote(value)} for ${quote(name)}, which takes none`;
        break;
      case SERVER_WINDOW:
      case CLIENT_WINDOW:
        if (value === undefined) {
          // §7.1.2.2: only this one, and only the client may leave it bare.
          if (name === CLIENT_WINDOW && from === "offer") break;
          return `no value for ${quote(name)}`;
        }
        if (!WINDOW_BITS.test(value)) return `the value ${quote(value)} for ${quote(name)}, which is not from 8 to 15`;
        break;
      default:
        return `the unknown parameter ${quote(name)}`;
    }
  }
  return values;
}

function windowOf(parameters: Parameters, name: string): number {
  return Number(parameters.get(name) ?? LARGEST);
}

function windowParameter(name: string, bits: number): Parameter {
  return { name, value: String(bits) };
}

function flagParameters(flags: DeflateWishes | DeflateTerms): Parameter[] {
  const parameters: Parameter[] = [];
  if (flags.serverNoContextTakeover) parameters.push({ name: SERVER_NO_TAKEOVER, value: undefined });
  if (flags.clientNoContextTakeover) parameters.push({ name: CLIENT_NO_TAKEOVER, value: undefined });
  return parameters;
}
