/** Heads of both kinds, in pieces, judged, and beside ws; extensions and their negotiation. */

import { reach } from "../../src/client/tunnel.ts";
import { parseProxy } from "../../src/client/http_proxy.ts";
import { ConnectionError, InvalidHandshakeError, ProxyError } from "../../src/errors.ts";
import { judgeAnswer } from "../../src/handshake/client_handshake.ts";
import {
  answerDeflate,
  type DeflateWishes,
  offerDeflate,
  verifyDeflate,
} from "../../src/handshake/deflate_negotiation.ts";
import { parseExtensions, serializeExtensions, verifyExtensions } from "../../src/handshake/extension_offer.ts";
import {
  type HeadParser,
  HttpHeadError,
  type RequestHead,
  requestHeadParser,
  type ResponseHead,
  responseHeadParser,
  serializeRequest,
  serializeResponse,
} from "../../src/handshake/http_head.ts";
import { isRefusal, judgeRequest } from "../../src/handshake/server_handshake.ts";
import { sameBytes } from "../support/hex.ts";
import { FakeTransport } from "../support/fake_transport.ts";
import { Random } from "../support/random.ts";
import { extension } from "../support/ws_package.ts";
import { isExplained } from "./differences.ts";
import { HANDSHAKE_DIFFERENCES, LIST_DIFFERENCES } from "./handshake_differences.ts";
import { mutated } from "./mutated.ts";
import { type Property, type Sample, sampleOf } from "./property.ts";
import { type Opened, parametersOf, wsOpens } from "./ws_handshake.ts";

const REQUEST = [
  "GET /chat?room=1 HTTP/1.1",
  "Host: example.com:8080",
  "Upgrade: websocket",
  "Connection: keep-alive, Upgrade",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  "Sec-WebSocket-Version: 13",
];
const MORE = [
  "Sec-WebSocket-Protocol: chat, superchat",
  "Sec-WebSocket-Protocol: chat.v1",
  "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits",
  "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=10, permessage-deflate",
  "Origin: https://example.com",
  "Cookie: a=1; b=2",
  "Content-Length: 0",
];
const ANSWER = [
  "HTTP/1.1 101 Switching Protocols",
  "Upgrade: websocket",
  "Connection: Upgrade",
  "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
];
const MORE_ANSWERED = [
  "Sec-WebSocket-Protocol: chat",
  "Sec-WebSocket-Extensions: permessage-deflate",
  "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_max_window_bits=12",
  "Set-Cookie: a=1; Path=/",
  "Set-Cookie: b=2",
];
const OTHER_ANSWERS = [
  "HTTP/1.1 200 Connection established",
  "HTTP/1.1 407 ",
  "HTTP/1.0 302 Found",
  "HTTP/1.1 100 Go on",
];
const WISHES: DeflateWishes = {
  serverMaxWindowBits: 15,
  clientMaxWindowBits: 15,
  serverNoContextTakeover: false,
  clientNoContextTakeover: false,
};
const NAMES = ["permessage-deflate", "x-webkit-deflate-frame", "constructor", "__proto__", "foo"];
const PARAMETERS = [
  "server_no_context_takeover",
  "client_no_context_takeover",
  "client_max_window_bits",
  "client_max_window_bits=10",
  'server_max_window_bits="12"',
  "server_max_window_bits=8",
  "client_max_window_bits=16",
  "mode=fast",
  'a="b\\c"',
];

export const HANDSHAKE_PROPERTIES: readonly Property[] = [
  {
    name: "a request's head is read the same however it comes, and is what it is written as",
    kind: "request",
    make: (random) => sampleOf(random, () => maybeMutated(random, "request", request(random))),
    check: (tried) =>
      readsTheSame(
        tried,
        requestHeadParser,
        ({ method, target, headers }) => serializeRequest(method, target, headers),
      ),
  },
  {
    name: "ws opens the same requests, on the same terms",
    kind: "request",
    make: (random) => sampleOf(random, () => maybeMutated(random, "request", request(random))),
    check: opensBesideWs,
  },
  {
    name: "an answer's head is read the same however it comes, and is what it is written as",
    kind: "answer",
    make: (random) => sampleOf(random, () => maybeMutated(random, "answer", answer(random))),
    check: (tried) =>
      readsTheSame(
        tried,
        responseHeadParser,
        ({ status, reason, headers }) => serializeResponse(status, reason, headers),
      ),
  },
  {
    name: "an answer opens a WebSocket only when it says what was asked for",
    kind: "answer",
    make: (random) => sampleOf(random, () => maybeMutated(random, "answer", answer(random))),
    check: isJudged,
  },
  {
    name: "a proxy's answer opens a tunnel, and loses nothing behind it, or is a ProxyError",
    kind: "answer",
    make: (random) =>
      sampleOf(random, () => maybeMutated(random, "answer", [random.pick(OTHER_ANSWERS), ...answer(random).slice(1)])),
    check: tunnels,
  },
  {
    name: "ws reads the same in a list of extensions, and it is what it is written as",
    kind: "extensions",
    make: (random) => sampleOf(random, () => maybeMutated(random, "extensions", [extensions(random)])),
    check: extensionsBesideWs,
  },
  {
    name: "both sides agree on the same compression, whatever they wish",
    kind: "wishes",
    make: (random) => sampleOf(random, () => [wishes(random), wishes(random)]),
    check: agrees,
  },
];

function maybeMutated(random: Random, kind: Property["kind"], steps: string[]): string[] {
  return random.oneIn(4) ? steps : mutated(random, kind, steps);
}

function request(random: Random): string[] {
  const lines = [...REQUEST, ...MORE.filter(() => random.oneIn(3))];
  if (random.oneIn(3)) lines.push(`Sec-WebSocket-Extensions: ${extensions(random)}`);
  return lines;
}

function answer(random: Random): string[] {
  return [random.oneIn(8) ? random.pick(OTHER_ANSWERS) : ANSWER[0]!, ...ANSWER.slice(1)]
    .concat(MORE_ANSWERED.filter((line) => line.includes("Protocol") || random.oneIn(3)));
}

function extensions(random: Random): string {
  return Array.from({ length: 1 + random.below(3) }, () => {
    const parameters = Array.from({ length: random.below(4) }, () => random.pick(PARAMETERS));
    return [random.oneIn(3) ? random.pick(NAMES) : NAMES[0]!, ...parameters].join(random.pick([";", "; ", " ; "]));
  }).join(random.pick([",", ", ", " , "]));
}

function headOf({ steps }: Sample): Uint8Array {
  return latin1(`${steps.join("\r\n")}\r\n\r\n`);
}

/** Each character as a byte. */
function latin1(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

type AnyHead = RequestHead | ResponseHead;

/** The head, and how much came behind it; the problem with it; undefined: it is not complete. */
function read<Head extends AnyHead>(
  parser: HeadParser<Head>,
  chunks: readonly Uint8Array[],
): { head: Head; rest: Uint8Array } | string | undefined {
  try {
    for (const [i, chunk] of chunks.entries()) {
      const parsed = parser.receive(chunk);
      if (parsed === undefined) continue;
      const rest = Uint8Array.from([parsed.rest, ...chunks.slice(i + 1)].flatMap((bytes) => [...bytes]));
      return { head: parsed.head, rest };
    }
    return undefined;
  } catch (error) {
    if (error instanceof HttpHeadError) return error.problem;
    throw error;
  }
}

function pieces(bytes: Uint8Array, random: Random): Uint8Array[] {
  const most = random.pick([1, 5, 50, 1_000]);
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = at + 1 + random.below(most);
    chunks.push(bytes.slice(at, end));
    at = end;
  }
  return chunks;
}

function readsTheSame<Head extends AnyHead>(
  tried: Sample,
  makeParser: () => HeadParser<Head>,
  write: (head: Head) => Uint8Array,
): string | undefined {
  const bytes = headOf(tried);
  const whole = read(makeParser(), [bytes]);
  const cut = read(makeParser(), pieces(bytes, new Random(tried.seed)));
  if (asText(whole) !== asText(cut)) return `in pieces it is ${asText(cut)}, and whole ${asText(whole)}`;
  if (whole === undefined || typeof whole === "string") return undefined;
  const again = read(makeParser(), [write(whole.head)]);
  const expected = { head: { ...whole.head, version: "1.1" }, rest: new Uint8Array(0) };
  return asText(again) === asText(expected) ? undefined : `written and read again it is ${asText(again)}`;
}

function asText(parsed: ReturnType<typeof read>): string {
  if (typeof parsed !== "object") return String(parsed);
  // Behind the last comma an empty one leaves a space, which is not read again.
  const headers = [...parsed.head.headers].map(([name, value]) => [name, value.trimEnd()]);
  return JSON.stringify([{ ...parsed.head, headers }, [...parsed.rest]]);
}

async function opensBesideWs(tried: Sample): Promise<string | undefined> {
  const parsed = read(requestHeadParser(), [headOf(tried)]);
  if (typeof parsed !== "object") return undefined;
  const { method, version, headers } = parsed.head;
  const terms = judgeRequest({ method, httpVersion: version, headers });
  const refusal = isRefusal(terms) ? terms.message : undefined;
  let ours: Opened | undefined;
  if (!isRefusal(terms)) {
    const agreed = answerDeflate(terms.extensions, WISHES);
    const deflate = agreed && parametersOf(serializeExtensions([agreed.answer]));
    ours = { protocol: terms.protocols[0] ?? "", deflate };
  }
  const theirs = wsOpens(method, Object.fromEntries(headers));
  if (JSON.stringify(ours) === JSON.stringify(theirs)) return undefined;
  const open = (without: string): Opened | undefined =>
    wsOpens(method, Object.fromEntries([...headers].filter(([name]) => name !== without)));
  if (await isExplained(HANDSHAKE_DIFFERENCES, { headers, ours, refusal, theirs, open })) return undefined;
  return `we: ${JSON.stringify(ours ?? refusal)}, ws: ${JSON.stringify(theirs ?? "refused")}`;
}

function isJudged(tried: Sample): string | undefined {
  const parsed = read(responseHeadParser(), [headOf(tried)]);
  if (typeof parsed !== "object") return undefined;
  const { head } = parsed;
  const protocols = tried.seed % 3 === 0 ? [] : ["superchat", "chat"];
  const offered = tried.seed % 2 === 0 ? [] : offerDeflate(WISHES);
  const expected = { accept: "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", protocols, extensions: offered };
  try {
    const { protocol, extensions } = judgeAnswer(head, expected, () => Promise.resolve(""));
    const lines = tried.steps.map((line) => line.toLowerCase().replace(/[ \t]/g, ""));
    if (head.status !== 101 || head.version !== "1.1") return "it opened without a 101 of HTTP/1.1";
    if (!lines.includes("upgrade:websocket")) return "it opened without an Upgrade";
    if (!head.headers.get("connection")!.toLowerCase().includes("upgrade")) return "it opened without a Connection";
    if (head.headers.get("sec-websocket-accept") !== expected.accept) return "it opened with another accept";
    if (protocols.length === 0 ? protocol !== "" : !protocols.includes(protocol)) return `it opened for ${protocol}`;
    if (offered.length === 0 && extensions.length > 0) return "it opened with extensions that nobody asked for";
    const verified = verifyDeflate(extensions, WISHES);
    const bits = "terms" in verified ? verified.terms?.serverMaxWindowBits ?? 15 : 15;
    return bits >= 8 && bits <= 15 ? undefined : `a window of ${bits} bits`;
  } catch (error) {
    return error instanceof InvalidHandshakeError ? undefined : `it threw ${String(error)}`;
  }
}

async function tunnels(tried: Sample): Promise<string | undefined> {
  const random = new Random(tried.seed);
  const behind = random.bytes(random.below(40));
  const answered = headOf(tried);
  const bytes = Uint8Array.from([...answered, ...behind]);
  const pipe = new FakeTransport();
  const target = { hostname: "example.com", port: 80, secure: false };
  const proxy = parseProxy("http://ada:s3cret@proxy:3128", "it");
  const reached = reach(() => Promise.resolve(pipe), target, () => proxy, new AbortController().signal)
    .catch((error: unknown) => error);
  for (let turn = 0; pipe.sink === undefined && turn < 10; turn++) await Promise.resolve();
  const parsed = read(responseHeadParser(), [bytes]);
  for (const piece of pieces(bytes, random)) pipe.deliver(piece);
  // Whoever waits for more of the head hears that there is none.
  pipe.sink!.closed();
  const outcome = await reached;
  if (outcome instanceof Error) {
    if (JSON.stringify(outcome.message).includes("s3cret")) return "the refusal tells the password";
    if (typeof parsed === "object" && parsed.head.status >= 200 && parsed.head.status < 300) {
      return `no tunnel: ${outcome.message}`;
    }
    const isRight = parsed === undefined ? outcome instanceof ConnectionError : outcome instanceof ProxyError;
    return isRight ? undefined : `it failed with ${String(outcome)}`;
  }
  if (typeof parsed !== "object" || parsed.head.status < 200 || parsed.head.status > 299) return "it opened a tunnel";
  const heard: number[] = [];
  const tunnel = outcome as FakeTransport;
  tunnel.start({ bytes: (chunk) => heard.push(...chunk), drained() {}, ended() {}, closed() {} });
  await new Promise((resolve) => setImmediate(resolve));
  return sameBytes(Uint8Array.from(heard), parsed.rest) ? undefined : "what came behind the head is not all there";
}

async function extensionsBesideWs({ steps }: Sample): Promise<string | undefined> {
  for (const header of steps) {
    const ours = parseExtensions(header);
    const theirs = wsExtensions(header);
    const grouped = ours && asWs(ours);
    if (grouped !== theirs && !await isExplained(LIST_DIFFERENCES, { header, ours: grouped, theirs })) {
      return `${JSON.stringify(header)}: we read ${grouped}, ws ${theirs}`;
    }
    if (ours === undefined) continue;
    const written = serializeExtensions(ours);
    if (JSON.stringify(parseExtensions(written)) !== JSON.stringify(ours)) return `${written} is not what was read`;
    if ("problem" in verifyExtensions(ours, written)) return `${written} is not what was offered`;
    answerDeflate(ours, WISHES);
  }
  return undefined;
}

function wsExtensions(header: string): string | undefined {
  try {
    return JSON.stringify(Object.entries(extension.parse(header)));
  } catch {
    return undefined;
  }
}

/** By name, each with the values of its parameters by their names, as ws keeps them. */
function asWs(list: NonNullable<ReturnType<typeof parseExtensions>>): string {
  const byName = new Map<string, [string, (string | true)[]][][]>();
  for (const { name, parameters } of list) {
    const values = new Map<string, (string | true)[]>();
    for (const { name, value } of parameters) values.set(name, [...values.get(name) ?? [], value ?? true]);
    byName.set(name, [...byName.get(name) ?? [], [...values]]);
  }
  const objects = [...byName].map(([name, all]) => {
    const each = all.map((values) => {
      const object: Record<string, unknown> = Object.create(null);
      for (const [parameter, value] of values) object[parameter] = value;
      return object;
    });
    return [name, each] as const;
  });
  const grouped: Record<string, unknown> = Object.create(null);
  for (const [name, each] of objects) grouped[name] = each;
  return JSON.stringify(Object.entries(grouped));
}

function wishes(random: Random): string {
  return `${9 + random.below(7)} ${9 + random.below(7)} ${random.below(2)} ${random.below(2)}`;
}

function wishesOf(step: string | undefined): DeflateWishes {
  const [server = 15, client = 15, serverFlag, clientFlag] = (step ?? "15 15 0 0").split(" ").map(Number);
  return {
    serverMaxWindowBits: server,
    clientMaxWindowBits: client,
    serverNoContextTakeover: serverFlag === 1,
    clientNoContextTakeover: clientFlag === 1,
  };
}

function agrees({ steps }: Sample): string | undefined {
  const [client, server] = [wishesOf(steps[0]), wishesOf(steps[1])];
  const offered = offerDeflate(client);
  const offers = parseExtensions(serializeExtensions(offered));
  const agreed = offers && answerDeflate(offers, server);
  if (agreed === undefined) return "the server declined";
  const answered = verifyExtensions(offered, serializeExtensions([agreed.answer]));
  if ("problem" in answered) return answered.problem;
  const verified = verifyDeflate(answered.extensions, client);
  if ("problem" in verified) return verified.problem;
  const [ours, theirs] = [verified.terms, agreed.terms];
  if (ours === undefined) return "the client heard nothing of it";
  // Whoever compresses must not reach back further than the other remembers, nor remember what the other forgets.
  if (ours.clientMaxWindowBits > theirs.clientMaxWindowBits) return "the client's window is too large for the server";
  if (theirs.serverMaxWindowBits > ours.serverMaxWindowBits) return "the server's window is too large for the client";
  if (theirs.clientNoContextTakeover && !ours.clientNoContextTakeover) return "the server forgets, the client does not";
  if (ours.serverNoContextTakeover && !theirs.serverNoContextTakeover) return "the client forgets, the server does not";
  if (client.serverNoContextTakeover && !theirs.serverNoContextTakeover) return "the client's wish was not heard";
  if (server.clientNoContextTakeover && !ours.clientNoContextTakeover) return "the server's wish was not heard";
  return undefined;
}
