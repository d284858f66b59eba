import { describe, expect, it } from "vitest";
import {
  answerDeflate,
  type DeflateTerms,
  type DeflateWishes,
  offerDeflate,
  verifyDeflate,
} from "../../src/handshake/deflate_negotiation.ts";
import {
  type Extension,
  parseExtensions,
  serializeExtensions,
  verifyExtensions,
} from "../../src/handshake/extension_offer.ts";
import { growth, LINEAR } from "./growth.ts";

const LARGEST: DeflateWishes = {
  serverMaxWindowBits: 15,
  clientMaxWindowBits: 15,
  serverNoContextTakeover: false,
  clientNoContextTakeover: false,
};
const SMALL: DeflateWishes = { ...LARGEST, serverMaxWindowBits: 12, clientMaxWindowBits: 12 };

const FLAGS = [false, true];
const WISHED_BITS = [9, 10, 11, 12, 13, 14, 15];
const ALL_BITS = [8, ...WISHED_BITS];

function* everyWish(): Generator<DeflateWishes> {
  for (const serverMaxWindowBits of WISHED_BITS) {
    for (const clientMaxWindowBits of WISHED_BITS) {
      for (const serverNoContextTakeover of FLAGS) {
        for (const clientNoContextTakeover of FLAGS) {
          yield { serverMaxWindowBits, clientMaxWindowBits, serverNoContextTakeover, clientNoContextTakeover };
        }
      }
    }
  }
}

/** What an offer can say; undefined: the parameter is not there. */
interface Said {
  readonly server: number | undefined;
  readonly client: number | "bare" | undefined;
  readonly serverFlag: boolean;
  readonly clientFlag: boolean;
}

function* everyOffer(): Generator<Said> {
  for (const server of [undefined, ...ALL_BITS]) {
    for (const client of [undefined, "bare" as const, ...ALL_BITS]) {
      for (const serverFlag of FLAGS) for (const clientFlag of FLAGS) yield { server, client, serverFlag, clientFlag };
    }
  }
}

function headerOf({ server, client, serverFlag, clientFlag }: Said): string {
  let text = "permessage-deflate";
  if (client !== undefined) {
    text += client === "bare" ? "; client_max_window_bits" : `; client_max_window_bits=${client}`;
  }
  if (server !== undefined) text += `; server_max_window_bits=${server}`;
  if (serverFlag) text += "; server_no_context_takeover";
  if (clientFlag) text += "; client_no_context_takeover";
  return text;
}

function parsed(header: string): readonly Extension[] {
  const extensions = parseExtensions(header);
  if (extensions === undefined) throw new Error(`The test's own header is ill-formed: ${header}`);
  return extensions;
}

function offerHeader(wishes: DeflateWishes): string {
  return serializeExtensions(offerDeflate(wishes));
}

/** The answer's header, undefined when all was declined. */
function answerHeader(offers: string, wishes: DeflateWishes): string | undefined {
  const agreed = answerDeflate(parsed(offers), wishes);
  return agreed && serializeExtensions([agreed.answer]);
}

function serverTerms(offers: string, wishes: DeflateWishes): DeflateTerms | undefined {
  return answerDeflate(parsed(offers), wishes)?.terms;
}

/** What the client makes of an answer, by way of the check that comes first. */
function verified(answer: string | null, wishes: DeflateWishes): ReturnType<typeof verifyDeflate> {
  const known = verifyExtensions([...offerDeflate(wishes), { name: "x-other", parameters: [] }], answer);
  return "problem" in known ? known : verifyDeflate(known.extensions, wishes);
}

function clientTerms(answer: string, wishes: DeflateWishes): DeflateTerms | undefined {
  const result = verified(answer, wishes);
  if ("problem" in result) throw new Error(result.problem);
  return result.terms;
}

/** Attack 28: parameters that neither side may take from the other. */
const ILL_FORMED: readonly string[] = [
  "foo",
  "foo=1",
  "server_max_window_bit=10",
  "server_max_window_bits",
  ...["server_max_window_bits", "client_max_window_bits"].flatMap((name) => [
    ...[
      "0",
      "1",
      "7",
      "16",
      "08",
      "010",
      "015",
      "80",
      "99",
      "100",
      "+9",
      "-9",
      "9.0",
      "1e1",
      "0xa",
      "0b1010",
      "ten",
      "8|9",
    ]
      .map((value) => `${name}=${value}`),
    ...["true", "undefined", "NaN", "Infinity", "__proto__", "\\1\\6", "99999999999999999999"]
      .map((value) => `${name}="${value}"`),
    `${name}=9; ${name}=9`,
    `${name}=9; ${name}=10`,
    `${name}=9; ${name}`,
    `${name.toUpperCase()}=9`,
  ]),
  ...["server_no_context_takeover", "client_no_context_takeover"].flatMap((name) => [
    `${name}=true`,
    `${name}=1`,
    `${name}="0"`,
    `${name}; ${name}`,
    `${name.toUpperCase()}`,
  ]),
  ...["__proto__", "constructor", "toString", "hasOwnProperty", "valueOf", "has", "get", "size", "length"]
    .flatMap((name) => [name, `${name}=9`, `${name}; ${name}`]),
];

/** What no header can carry, should a caller hand it over all the same. */
const UNSPEAKABLE: readonly string[] = ["", " ", "9 ", " 9", "9\n", "\n9", "9\n9", "٩", "１０", "9\0"];

describe("offerDeflate", () => {
  it("Z1: offers twice, the second time without windows", () => {
    expect(offerHeader(LARGEST)).toBe("permessage-deflate; client_max_window_bits, permessage-deflate");
    expect(offerHeader(SMALL)).toBe(
      "permessage-deflate; client_max_window_bits=12; server_max_window_bits=12, permessage-deflate",
    );
    expect(offerHeader({ ...LARGEST, serverMaxWindowBits: 9 })).toBe(
      "permessage-deflate; client_max_window_bits; server_max_window_bits=9, permessage-deflate",
    );
    expect(offerHeader({ ...LARGEST, clientMaxWindowBits: 14 })).toBe(
      "permessage-deflate; client_max_window_bits=14, permessage-deflate",
    );
  });

  it("has the flags in both offers", () => {
    expect(offerHeader({ ...LARGEST, serverNoContextTakeover: true })).toBe(
      "permessage-deflate; client_max_window_bits; server_no_context_takeover, " +
        "permessage-deflate; server_no_context_takeover",
    );
    expect(offerHeader({ ...SMALL, serverNoContextTakeover: true, clientNoContextTakeover: true })).toBe(
      "permessage-deflate; client_max_window_bits=12; server_max_window_bits=12; server_no_context_takeover; " +
        "client_no_context_takeover, permessage-deflate; server_no_context_takeover; client_no_context_takeover",
    );
    expect(offerHeader({ ...LARGEST, clientNoContextTakeover: true })).toContain("client_no_context_takeover");
    expect(offerHeader({ ...LARGEST, clientNoContextTakeover: true })).not.toContain("server_no_context_takeover");
  });

  it("makes two different offers, each acceptable, of every wish", () => {
    const wrong: string[] = [];
    for (const wishes of everyWish()) {
      const offers = offerDeflate(wishes);
      const alone = offers.map((offer) => answerDeflate([offer], LARGEST));
      if (new Set(offers.map((offer) => serializeExtensions([offer]))).size !== 2 || alone.includes(undefined)) {
        wrong.push(offerHeader(wishes));
      }
    }
    expect(wrong).toEqual([]);
  });
});

describe("answerDeflate", () => {
  // The offers and answers of RFC 7692 §7.1.3 among them.
  it.each<[string, Partial<DeflateWishes>, string, DeflateTerms]>([
    ["permessage-deflate", {}, "permessage-deflate", LARGEST],
    [
      "permessage-deflate; client_max_window_bits; server_max_window_bits=10",
      {},
      "permessage-deflate; server_max_window_bits=10; client_max_window_bits=15",
      { ...LARGEST, serverMaxWindowBits: 10 },
    ],
    [
      'permessage-deflate; server_max_window_bits="10"',
      {},
      "permessage-deflate; server_max_window_bits=10",
      { ...LARGEST, serverMaxWindowBits: 10 },
    ],
    [
      'permessage-deflate;client_max_window_bits = "1\\1" ;server_max_window_bits="\\9"',
      {},
      "permessage-deflate; server_max_window_bits=9; client_max_window_bits=11",
      { ...LARGEST, serverMaxWindowBits: 9, clientMaxWindowBits: 11 },
    ],
    [
      "permessage-deflate; server_max_window_bits=15",
      { serverMaxWindowBits: 12 },
      "permessage-deflate; server_max_window_bits=12",
      { ...LARGEST, serverMaxWindowBits: 12 },
    ],
    ["permessage-deflate", { serverMaxWindowBits: 12 }, "permessage-deflate", { ...LARGEST, serverMaxWindowBits: 12 }],
    ["permessage-deflate", { clientMaxWindowBits: 12 }, "permessage-deflate", LARGEST],
    [
      "permessage-deflate; client_max_window_bits",
      { clientMaxWindowBits: 12 },
      "permessage-deflate; client_max_window_bits=12",
      { ...LARGEST, clientMaxWindowBits: 12 },
    ],
    [
      "permessage-deflate; client_max_window_bits=8",
      {},
      "permessage-deflate; client_max_window_bits=8",
      { ...LARGEST, clientMaxWindowBits: 8 },
    ],
    [
      "permessage-deflate; client_no_context_takeover",
      { serverNoContextTakeover: true },
      "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
      { ...LARGEST, serverNoContextTakeover: true, clientNoContextTakeover: true },
    ],
    [
      "permessage-deflate; server_no_context_takeover",
      { clientNoContextTakeover: true },
      "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
      { ...LARGEST, serverNoContextTakeover: true, clientNoContextTakeover: true },
    ],
  ])("to %j, wishing for %j, answers %j", (offers, wishes, answer, terms) => {
    expect(answerHeader(offers, { ...LARGEST, ...wishes })).toBe(answer);
    expect(serverTerms(offers, { ...LARGEST, ...wishes })).toEqual(terms);
  });

  it("declines when nothing, or something else, is offered", () => {
    expect(answerDeflate([], LARGEST)).toBeUndefined();
    for (
      const offers of [
        "x-webkit-deflate-frame",
        "Permessage-deflate",
        "PERMESSAGE-DEFLATE",
        "permessage-deflate2",
        "permessage",
        "__proto__",
        "constructor; server_max_window_bits=10",
      ]
    ) expect(serverTerms(offers, LARGEST)).toBeUndefined();
  });

  it("accepts the first offer that can be accepted, and only one", () => {
    const answer = (offers: string) => answerHeader(offers, LARGEST);
    expect(answer("permessage-deflate; server_max_window_bits=9, permessage-deflate; server_max_window_bits=10"))
      .toBe("permessage-deflate; server_max_window_bits=9");
    expect(answer("foo, bar; a=b, permessage-deflate; server_max_window_bits=11, permessage-deflate"))
      .toBe("permessage-deflate; server_max_window_bits=11");
    expect(answer("permessage-deflate; foo, permessage-deflate; server_max_window_bits=8, permessage-deflate"))
      .toBe("permessage-deflate");
  });

  it("declines a window of 8 for the server, which zlib cannot compress with", () => {
    expect(serverTerms("permessage-deflate; server_max_window_bits=8", LARGEST)).toBeUndefined();
    expect(serverTerms("permessage-deflate; client_max_window_bits; server_max_window_bits=8", SMALL)).toBeUndefined();
    expect(serverTerms("permessage-deflate; server_max_window_bits=9", SMALL)).toBeDefined();
  });

  it.each(ILL_FORMED)("attack 28: declines the offer with %j, and takes the next", (parameters) => {
    for (const wishes of [LARGEST, SMALL]) {
      expect(serverTerms(`permessage-deflate; ${parameters}`, wishes)).toBeUndefined();
      expect(serverTerms(`permessage-deflate; client_max_window_bits; ${parameters}`, wishes)).toBeUndefined();
      expect(serverTerms(`permessage-deflate; ${parameters}; server_no_context_takeover`, wishes)).toBeUndefined();
      expect(answerHeader(`permessage-deflate; ${parameters}, permessage-deflate; server_max_window_bits=11`, wishes))
        .toBe("permessage-deflate; server_max_window_bits=11");
    }
  });

  it.each(UNSPEAKABLE)("attack 28: declines the window %j, which no header can carry", (value) => {
    for (const name of ["server_max_window_bits", "client_max_window_bits"]) {
      expect(answerDeflate([{ name: "permessage-deflate", parameters: [{ name, value }] }], LARGEST)).toBeUndefined();
    }
  });

  it("attack 3: many offers, and many parameters, take linear time", () => {
    const offers = (size: number) => parsed("permessage-deflate; client_max_window_bits; foo,".repeat(size));
    expect(growth(500, offers, (list) => answerDeflate(list, LARGEST))).toBeLessThan(LINEAR);
    const parameters = (size: number) => parsed(`permessage-deflate${"; client_max_window_bits=9".repeat(size)}`);
    expect(growth(500, parameters, (list) => answerDeflate(list, LARGEST))).toBeLessThan(LINEAR);
  });

  it("keeps every rule of §7.1 for every offer and every wish", () => {
    const wrong: string[] = [];
    for (const said of everyOffer()) {
      const offers = parsed(headerOf(said));
      for (const wishes of everyWish()) {
        const agreed = answerDeflate(offers, wishes);
        const rules = agreed === undefined
          ? { "declines a window of 8 only": said.server === 8 }
          : rulesOfAnswer(said, wishes, agreed.answer, agreed.terms);
        for (const [rule, kept] of Object.entries(rules)) {
          if (!kept) wrong.push(`${rule}: ${headerOf(said)} for ${JSON.stringify(wishes)}`);
        }
      }
    }
    expect(wrong.slice(0, 5)).toEqual([]);
  });
});

function rulesOfAnswer(
  said: Said,
  wishes: DeflateWishes,
  answer: Extension,
  terms: DeflateTerms,
): Readonly<Record<string, boolean>> {
  const valueOf = (name: string) => answer.parameters.find((parameter) => parameter.name === name)?.value;
  const has = (name: string) => answer.parameters.some((parameter) => parameter.name === name);
  const server = Number(valueOf("server_max_window_bits"));
  const client = Number(valueOf("client_max_window_bits"));
  const clientOffered = said.client === "bare" ? 15 : said.client ?? 15;
  return {
    "never accepts 8": said.server !== 8,
    "§7.1.2.1: answered when offered": has("server_max_window_bits") === (said.server !== undefined),
    "§7.1.2.1: same or smaller": said.server === undefined || server <= said.server && server >= 9,
    "§7.1.2.1: the server uses what it answered": said.server === undefined || terms.serverMaxWindowBits === server,
    "the server uses all it wishes that is allowed":
      terms.serverMaxWindowBits === Math.min(said.server ?? 15, wishes.serverMaxWindowBits),
    "§7.1.2.2: never answered unless offered": has("client_max_window_bits") === (said.client !== undefined),
    "§7.1.2.2: equal or smaller": said.client === undefined ||
      client === Math.min(clientOffered, wishes.clientMaxWindowBits),
    "§7.1.2.2: keeps what the client may use": terms.clientMaxWindowBits === (said.client === undefined ? 15 : client),
    "§7.1.1.1": has("server_no_context_takeover") === (said.serverFlag || wishes.serverNoContextTakeover),
    "§7.1.1.2": has("client_no_context_takeover") === (said.clientFlag || wishes.clientNoContextTakeover),
    "the server's flag is a term": terms.serverNoContextTakeover === has("server_no_context_takeover"),
    "the client's flag is a term": terms.clientNoContextTakeover === has("client_no_context_takeover"),
    "once each": new Set(answer.parameters.map(({ name }) => name)).size === answer.parameters.length,
    "by its name": answer.name === "permessage-deflate",
  };
}

describe("verifyDeflate", () => {
  it("finds no compression where none is answered", () => {
    expect(verified(null, LARGEST)).toEqual({ terms: undefined });
    expect(verified("x-other; foo", { ...SMALL, serverNoContextTakeover: true })).toEqual({ terms: undefined });
    expect(verifyDeflate([{ name: "__proto__", parameters: [] }], LARGEST)).toEqual({ terms: undefined });
    expect(verifyDeflate([{ name: "Permessage-Deflate", parameters: [] }], LARGEST)).toEqual({ terms: undefined });
  });

  it.each<[string, DeflateWishes, Partial<DeflateTerms>]>([
    ["permessage-deflate", LARGEST, {}],
    // The second offer was taken, or the server ignores the hint: our compressor keeps to it all the same.
    ["permessage-deflate", SMALL, { clientMaxWindowBits: 12 }],
    ["permessage-deflate; client_max_window_bits=12; server_max_window_bits=12", SMALL, SMALL],
    ["permessage-deflate; client_max_window_bits=9", SMALL, { clientMaxWindowBits: 9 }],
    ["permessage-deflate; server_max_window_bits=9", SMALL, { clientMaxWindowBits: 12, serverMaxWindowBits: 9 }],
    ['x-other, permessage-deflate; server_max_window_bits="10"', LARGEST, { serverMaxWindowBits: 10 }],
    ["permessage-deflate; server_max_window_bits=8", LARGEST, { serverMaxWindowBits: 8 }],
    ["permessage-deflate; client_max_window_bits=8", LARGEST, { clientMaxWindowBits: 8 }],
    ["permessage-deflate; server_max_window_bits=15; client_max_window_bits=15", LARGEST, {}],
    ["permessage-deflate; server_no_context_takeover", LARGEST, { serverNoContextTakeover: true }],
    ["permessage-deflate; client_no_context_takeover", LARGEST, { clientNoContextTakeover: true }],
    ["permessage-deflate", { ...LARGEST, clientNoContextTakeover: true }, { clientNoContextTakeover: true }],
    [
      "permessage-deflate; server_no_context_takeover",
      { ...LARGEST, serverNoContextTakeover: true },
      { serverNoContextTakeover: true },
    ],
  ])("takes %j for %j", (answer, wishes, terms) => {
    expect(verified(answer, wishes)).toEqual({ terms: { ...LARGEST, ...terms } });
  });

  it.each<[string, DeflateWishes, string]>([
    [
      "permessage-deflate, permessage-deflate",
      LARGEST,
      'the server chose the extension "permessage-deflate" twice',
    ],
    [
      "permessage-deflate; client_no_context_takeover",
      { ...LARGEST, serverNoContextTakeover: true },
      'the server answered "permessage-deflate" without "server_no_context_takeover", which was offered',
    ],
    [
      "permessage-deflate; client_max_window_bits",
      LARGEST,
      'the server answered "permessage-deflate" with no value for "client_max_window_bits"',
    ],
    [
      "permessage-deflate; server_max_window_bits",
      LARGEST,
      'the server answered "permessage-deflate" with no value for "server_max_window_bits"',
    ],
    [
      "permessage-deflate; server_max_window_bits=16",
      LARGEST,
      'the server answered "permessage-deflate" with the value "16" for "server_max_window_bits", ' +
      "which is not from 8 to 15",
    ],
    [
      "permessage-deflate; client_no_context_takeover=1",
      LARGEST,
      'the server answered "permessage-deflate" with the value "1" for "client_no_context_takeover", which takes none',
    ],
    [
      "permessage-deflate; client_max_window_bits=9; client_max_window_bits=9",
      LARGEST,
      'the server answered "permessage-deflate" with the parameter "client_max_window_bits" twice',
    ],
    [
      "permessage-deflate; __proto__",
      LARGEST,
      'the server answered "permessage-deflate" with the unknown parameter "__proto__"',
    ],
  ])("refuses %j for %j: %s", (answer, wishes, problem) => {
    expect(verified(answer, wishes)).toEqual({ problem });
  });

  it.each([...ILL_FORMED, "client_max_window_bits"])("attack 28: refuses the answer with %j", (parameters) => {
    for (const wishes of [LARGEST, SMALL, { ...LARGEST, clientNoContextTakeover: true }]) {
      expect(verified(`permessage-deflate; ${parameters}`, wishes)).toHaveProperty("problem");
      expect(verified(`x-other, permessage-deflate; ${parameters}; server_no_context_takeover`, wishes))
        .toHaveProperty("problem");
    }
  });

  it.each(UNSPEAKABLE)("attack 28: refuses the window %j, which no header can carry", (value) => {
    for (const name of ["server_max_window_bits", "client_max_window_bits"]) {
      expect(verifyDeflate([{ name: "permessage-deflate", parameters: [{ name, value }] }], LARGEST))
        .toHaveProperty("problem");
    }
  });

  it("attack 28: shows little of what the server wrote, and nothing that a terminal would obey", () => {
    const parameters = [{ name: `\u001b[2J\u009b${"x".repeat(1_000)}`, value: undefined }];
    const result = verifyDeflate([{ name: "permessage-deflate", parameters }], LARGEST);
    const problem = "problem" in result ? result.problem : "";
    expect(problem).toContain("\\u001b[2J\\u009bxxx");
    expect(problem).not.toContain("\u009b");
    expect(problem.length).toBeLessThan(200);
  });

  it("takes any window: keeps as much as the server may use, and uses no more than it offered itself", () => {
    const wrong: string[] = [];
    for (const said of everyOffer()) {
      if (said.client === "bare") continue;
      const answer = parsed(headerOf(said));
      for (const wishes of everyWish()) {
        const result = verifyDeflate(answer, wishes);
        const expected = said.serverFlag || !wishes.serverNoContextTakeover
          ? {
            terms: {
              serverMaxWindowBits: said.server ?? 15,
              clientMaxWindowBits: Math.min(said.client ?? 15, wishes.clientMaxWindowBits),
              serverNoContextTakeover: said.serverFlag,
              clientNoContextTakeover: said.clientFlag || wishes.clientNoContextTakeover,
            },
          }
          : undefined;
        const matches = expected === undefined
          ? "problem" in result
          : JSON.stringify(result) === JSON.stringify(expected);
        if (!matches) wrong.push(`${headerOf(said)} for ${JSON.stringify(wishes)}`);
      }
    }
    expect(wrong.slice(0, 5)).toEqual([]);
  });
});

describe("both sides", () => {
  it("agree, whatever they wish", () => {
    const servers = [...everyWish()];
    const wrong: string[] = [];
    for (const client of everyWish()) {
      const offers = parsed(offerHeader(client));
      for (const server of servers) {
        const agreed = answerDeflate(offers, server);
        const seen = agreed && verifyDeflate([agreed.answer], client);
        // The first offer names both windows unless the server's is 15, and then the server's own is a private matter.
        const expected = agreed && {
          ...agreed.terms,
          serverMaxWindowBits: client.serverMaxWindowBits === 15 ? 15 : agreed.terms.serverMaxWindowBits,
        };
        if (seen === undefined || JSON.stringify(seen) !== JSON.stringify({ terms: expected })) {
          wrong.push(`${JSON.stringify(client)} and ${JSON.stringify(server)}`);
        }
      }
    }
    expect(wrong.slice(0, 5)).toEqual([]);
  });

  it("agree on the second offer, and whoever decompresses keeps no less than the other uses", () => {
    const servers = [...everyWish()];
    const wrong: string[] = [];
    for (const client of everyWish()) {
      const [, second] = offerDeflate(client);
      for (const server of servers) {
        const agreed = answerDeflate(second === undefined ? [] : [second], server);
        const seen = agreed && verifyDeflate([agreed.answer], client);
        const ours = seen !== undefined && "terms" in seen ? seen.terms : undefined;
        const kept = agreed !== undefined && ours !== undefined &&
          ours.serverMaxWindowBits === 15 && agreed.terms.serverMaxWindowBits === server.serverMaxWindowBits &&
          ours.clientMaxWindowBits === client.clientMaxWindowBits && agreed.terms.clientMaxWindowBits === 15 &&
          ours.serverNoContextTakeover === agreed.terms.serverNoContextTakeover &&
          ours.clientNoContextTakeover === agreed.terms.clientNoContextTakeover;
        if (!kept) wrong.push(`${JSON.stringify(client)} and ${JSON.stringify(server)}`);
      }
    }
    expect(wrong.slice(0, 5)).toEqual([]);
  });

  it("agree by way of real headers", () => {
    const client = { ...SMALL, serverMaxWindowBits: 10, serverNoContextTakeover: true };
    const server = { ...SMALL, clientMaxWindowBits: 11, clientNoContextTakeover: true };
    const answer = answerHeader(offerHeader(client), server) ?? "";
    expect(answer).toBe(
      "permessage-deflate; server_max_window_bits=10; client_max_window_bits=11; server_no_context_takeover; " +
        "client_no_context_takeover",
    );
    expect(clientTerms(answer, client)).toEqual(serverTerms(offerHeader(client), server));
  });
});
