/** Where a path leads, and where a message does. */

import { bind, dispatch } from "../../src/service/bind.ts";
import { Router } from "../../src/service/router.ts";
import type { Service } from "../../src/service/service.ts";
import { serve } from "../service/serve.ts";
import type { Random } from "../support/random.ts";
import { mutated } from "./mutated.ts";
import { difference, type Property, type Sample, sampleOf } from "./property.ts";

export const SERVICE_PROPERTIES: readonly Property[] = [
  {
    name: "a path leads to the route that a slow search finds",
    kind: "routes",
    make: (random) => sampleOf(random, () => maybeMutated(random, "routes", routes(random))),
    check: leadTo,
  },
  {
    name: "a message goes to the handler that its word names, and to no other",
    kind: "json",
    make: (random) => sampleOf(random, () => maybeMutated(random, "json", messages(random))),
    check: areDispatched,
  },
];

function maybeMutated(random: Random, kind: Property["kind"], steps: string[]): string[] {
  return random.oneIn(2) ? steps : mutated(random, kind, steps);
}

const SEGMENTS = ["a", "b", "%61", "a%2fb", "caf%C3%A9", "a;x=1", "", "constructor", "__proto__", "%zz"];

/** `+` attaches a path, `?` asks for one. */
function routes(random: Random): string[] {
  const path = (segments: readonly string[], most: number): string =>
    `/${Array.from({ length: random.below(most) }, () => random.pick(segments)).join("/")}`;
  const attached = Array.from({ length: 2 + random.below(6) }, () => {
    const names = ["x", "__proto__", "constructor"];
    const segments = path(["a", "b", ":", ":", "caf%C3%A9"], 4).replace(/:/g, () => `:${names.shift() ?? "y"}`);
    return `+${segments}${random.oneIn(4) ? `${segments.endsWith("/") ? "" : "/"}*` : ""}`;
  });
  return [...attached, ...Array.from({ length: 8 }, () => `?${path(SEGMENTS, 5)}`)];
}

interface Attached {
  readonly path: string;
  readonly segments: readonly string[];
}

function leadTo({ steps }: Sample): string | undefined {
  const router = new Router();
  const attached: Attached[] = [];
  const paths = new Map<unknown, string>();
  for (const step of steps) {
    const path = step.slice(1);
    if (step.startsWith("+")) {
      const service = { get: () => ({}) };
      try {
        router.attach(path, service);
      } catch (error) {
        if (error instanceof TypeError) continue;
        throw error;
      }
      paths.set(service, path);
      const segments = path.split("/").filter((segment) => segment !== "");
      attached.push({ path, segments: segments.map((text) => text.startsWith(":") ? text : decodeURIComponent(text)) });
    } else {
      const [expected, found] = [search(attached, path), ask(router, path, paths)];
      if (expected !== found) return `${JSON.stringify(path)} leads to ${found}, and should to ${expected}`;
    }
  }
  return undefined;
}

function ask(router: Router, path: string, paths: ReadonlyMap<unknown, string>): string {
  try {
    const match = router.match(path);
    if (match === undefined) return "nothing";
    return JSON.stringify([paths.get(match.service), Object.entries(match.params)]);
  } catch (error) {
    if (error instanceof URIError) return "a bad escape";
    throw error;
  }
}

/** Tries every route, and takes the one that is most to the letter, from left to right. */
function search(attached: readonly Attached[], path: string): string {
  let asked: string[];
  try {
    asked = path.split("/").map((segment) => segment.replace(/;.*/s, "")).filter((segment) => segment !== "")
      .map(decodeURIComponent);
  } catch {
    return "a bad escape";
  }
  const fitting = attached.flatMap(({ path, segments }) => {
    const params: [string, string][] = [];
    let rank = "";
    for (const [i, segment] of segments.entries()) {
      if (segment === "*" && i === segments.length - 1) {
        params.push(["*", asked.slice(i).join("/")]);
        return [{ rank: `${rank}3`, said: JSON.stringify([path, params]) }];
      }
      if (asked[i] === undefined) return [];
      if (segment.startsWith(":")) params.push([segment.slice(1), asked[i]]);
      else if (segment !== asked[i]) return [];
      rank += segment.startsWith(":") ? "2" : "1";
    }
    return asked.length === segments.length ? [{ rank: `${rank}0`, said: JSON.stringify([path, params]) }] : [];
  });
  return fitting.sort((a, b) => a.rank < b.rank ? -1 : 1)[0]?.said ?? "nothing";
}

const WORDS = [
  "subscribe",
  "Subscribe",
  "sub scribe",
  "price.get",
  "x/y",
  "message",
  "open",
  "error",
  "subscribe error",
]
  .concat(["constructor", "__proto__", "toString", "hasOwnProperty", "subscribeError", "", "é", "textMessage"]);

function messages(random: Random): string[] {
  return Array.from({ length: 1 + random.below(6) }, () => {
    const event: unknown = random.oneIn(8) ? random.pick([1, null, ["subscribe"], { a: 1 }, true]) : random.pick(WORDS);
    const symbol = random.pick(["ACME", 5, null, undefined, "a\u0000"]);
    const text = JSON.stringify({ [random.oneIn(9) ? "__proto__" : "event"]: event, symbol });
    return random.oneIn(9) ? `[${text}]` : text;
  });
}

interface Priced {
  readonly symbol: string;
}

const isPriced = (value: unknown): value is Priced =>
  typeof value === "object" && value !== null && typeof (value as Partial<Priced>).symbol === "string";

const PRICED = {
  "~standard": {
    version: 1,
    vendor: "fuzz",
    validate: (value: unknown) => isPriced(value) ? { value } : { issues: [{ message: "Without a symbol" }] },
  },
} as const;

function areDispatched({ steps }: Sample): string | undefined {
  const heard: string[] = [];
  const service: Service & Record<string, unknown> = {
    onSubscribe: bind<Priced>(PRICED, (_caller, { symbol }) => void heard.push(`subscribe ${symbol}`)),
    onSubscribeError: () => void heard.push("subscribe refused"),
    onPriceGet: (_caller: unknown, value: unknown) => void heard.push(`price ${JSON.stringify(value)}`),
    onDispatched: dispatch("x/y", () => void heard.push("x/y")),
    onMessage: (_caller, message) => void heard.push(`rest ${String(message)}`),
  };
  const { receive, errors, socket } = serve(service, { dispatcherKey: "event" });
  receive(...steps);
  const wrong = difference(heard, steps.map(handled));
  if (wrong !== undefined) return wrong;
  if (errors.length > 0) return errors[0];
  return socket.sent.length === 0 ? undefined : `it sent ${String(socket.sent[0])}`;
}

/** What should be heard of `message`. */
function handled(message: string): string {
  let value: unknown;
  try {
    value = JSON.parse(message);
  } catch {
    return `rest ${message}`;
  }
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  const word = isObject
    ? Object.entries(value as object).find(([name]) => name === "event")?.[1] as unknown
    : undefined;
  if (word === "x/y") return "x/y";
  switch (typeof word === "string" && word.length <= 256 ? joinedParts(word) : "") {
    case "Subscribe":
      return isPriced(value) ? `subscribe ${value.symbol}` : "subscribe refused";
    case "PriceGet":
      return `price ${JSON.stringify(value)}`;
    default:
      return `rest ${message}`;
  }
}

/** Its letters and digits, each run of them with a capital. */
function joinedParts(word: string): string {
  return word.normalize().split(/[^\p{L}\p{Nd}\p{M}]+/u).map((part) => {
    // A mark without a letter is no part of a name.
    const [first = "", ...rest] = part.replace(/^\p{M}+/u, "");
    return first.toUpperCase() + rest.join("");
  }).join("");
}
