/** The rows U3 and U10 of the acceptance table: what an upgrade request carries, bound by schemas. */

import { type } from "arktype";
import * as v from "valibot";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { type Listener, type StandardSchema, UpgradeError, type UpgradeService } from "../../mod.ts";
import { deferred, ECHO, failure, onSockets } from "../support/on_sockets.ts";
import { upgradeRequest } from "../support/raw_client.ts";

const { listen, connect, answerTo } = onSockets();

/** What a client hears first at `target`. */
async function first(listener: Listener, target: string, headers: Record<string, string> = {}): Promise<unknown> {
  const client = await connect(listener.url + target, { customHeaders: headers });
  return JSON.parse(await client.readTextMessage());
}

/** The status and the body of a refusal. */
async function refusal(listener: Listener, target: string, headers: Record<string, string> = {}): Promise<string> {
  const { status, answer } = await answerTo(listener.port, upgradeRequest(target, headers));
  return `${status} ${answer.split("\r\n\r\n")[1]}`;
}

const tells = (value: unknown) => ({ onOpen: () => JSON.stringify(value) });

/** Mandatory query parameters of every kind, and one that is not, as each library says it. */
const QUERIES: [string, StandardSchema][] = [
  [
    "zod",
    z.object({
      s: z.string(),
      i: z.coerce.number().int(),
      f: z.coerce.number(),
      b: z.enum(["true", "false"]).transform((text) => text === "true"),
      l: z.array(z.coerce.number()),
      o: z.string().optional(),
    }),
  ],
  [
    "valibot",
    v.object({
      s: v.string(),
      i: v.pipe(v.string(), v.transform(Number), v.integer()),
      f: v.pipe(v.string(), v.transform(Number), v.number()),
      b: v.pipe(v.picklist(["true", "false"]), v.transform((text) => text === "true")),
      l: v.array(v.pipe(v.string(), v.transform(Number), v.number())),
      o: v.optional(v.string()),
    }),
  ],
  [
    "arktype",
    type({
      s: "string",
      i: "string.integer.parse",
      f: "string.numeric.parse",
      b: type("'true' | 'false'").pipe((text) => text === "true"),
      l: "string.numeric.parse[]",
      "o?": "string",
    }),
  ],
];

describe("query", () => {
  it.each(QUERIES)("U3: is bound by a schema of %s, beside the path", async (_library, query) => {
    const listener = await listen();
    listener.attach("/rooms/:room", { query, get: (_request, { params, query }) => tells([params.room, query]) });
    expect(await first(listener, "/rooms/a%20b?s=x%26y&i=7&f=-1.5&b=true&l=1&l=2&o=&more=1")).toEqual(
      ["a b", expect.objectContaining({ s: "x&y", i: 7, f: -1.5, b: true, l: [1, 2], o: "" })],
    );
    expect(await first(listener, "/rooms/c?s=&i=0&f=1000&b=false&l=9")).toEqual(
      ["c", { s: "", i: 0, f: 1000, b: false, l: [9] }],
    );
  });

  it.each(QUERIES)("U3: what %s misses, or refuses, is a 400 that names it", async (_library, query) => {
    let asked = 0;
    const listener = await listen();
    listener.attach("/x", { query, get: () => (asked++, ECHO) });
    const all = { s: "x", i: "7", f: "1.5", b: "true", l: "1" };
    for (const name of Object.keys(all)) {
      const { [name as keyof typeof all]: _left, ...others } = all;
      const target = `/x?${new URLSearchParams(others)}`;
      expect(await refusal(listener, target)).toBe(`400 The query parameter "${name}" is missing`);
    }
    for (const [name, wrong] of [["i", "six"], ["f", "much"], ["b", "maybe"], ["l", "few"]] as const) {
      const target = `/x?${new URLSearchParams({ ...all, [name]: wrong })}`;
      const sentence = await refusal(listener, target);
      expect(sentence).toContain(`400 The query parameter "${name}" is not valid`);
      expect(sentence).not.toMatch(/[\r\n]/);
    }
    expect(await refusal(listener, `/x?${new URLSearchParams(all)}&s=y`)).toContain(
      'The query parameter "s" is not valid',
    );
    expect(asked).toBe(0);
  });

  it("U3: without a schema it is a URLSearchParams", async () => {
    const listener = await listen();
    listener.attach("/x", { get: (_request, { query }) => tells(query.getAll("a")) });
    expect(await first(listener, "/x?a=1&a=2")).toEqual(["1", "2"]);
  });

  it("U3: names that are nobody's prototype", async () => {
    const listener = await listen();
    const query = z.object({ constructor: z.string(), toString: z.string().optional() });
    listener.attach("/x", { query, get: (_request, { query }) => tells(Object.entries(query)) });
    expect(await first(listener, "/x?constructor=1&__proto__=2")).toEqual([["constructor", "1"]]);
    expect(await refusal(listener, "/x")).toBe('400 The query parameter "constructor" is missing');
  });
});

describe("params", () => {
  it("U3: are bound; matrix parameters do not disturb, and a header comes along", async () => {
    const listener = await listen();
    listener.attach("/shop/:s/:i/:f/:d/:b", {
      params: z.object({
        s: z.string(),
        i: z.coerce.number().int(),
        f: z.coerce.number(),
        d: z.coerce.date(),
        b: z.stringbool(),
      }),
      query: z.object({ q: z.string() }),
      get(_request, { params, query, headers }) {
        headers.set("x-some-header", "some-header-value");
        return tells([params, query.q]);
      },
    });
    const client = await connect(`${listener.url}/shop;a=5/t%C3%A9a;b=1;c=2/5/1.25/2020-01-02/true?q=hi`);
    expect(JSON.parse(await client.readTextMessage())).toEqual([
      { s: "téa", i: 5, f: 1.25, d: "2020-01-02T00:00:00.000Z", b: true },
      "hi",
    ]);
    expect(client.getHttpResponse()!.headers.get("x-some-header")).toBe("some-header-value");
    expect(await refusal(listener, "/shop/tea/six/1.25/2020-01-02/true?q=hi")).toBe(
      '400 The path parameter "i" is not valid: Invalid input: expected number, received NaN',
    );
    expect(await refusal(listener, "/shop/tea/5/1.25/2020-01-02/perhaps?q=hi")).toContain(
      '400 The path parameter "b" is not valid',
    );
    // The path comes before the query.
    expect(await refusal(listener, "/shop/tea/six/1.25/2020-01-02/true")).toContain('The path parameter "i"');
    expect(await refusal(listener, "/shop/tea/5/1.25/2020-01-02")).toMatch(/^404 /);
  });

  it("U3: a star is one, too", async () => {
    const listener = await listen();
    const params = v.object({ "*": v.pipe(v.string(), v.transform((rest) => rest.split("/"))) });
    listener.attach("/files/*", { params, get: (_request, { params }) => tells(params["*"]) });
    expect(await first(listener, "/files/a/b/c%20d")).toEqual(["a", "b", "c d"]);
  });
});

describe("headers", () => {
  const headers = z.object({
    "x-type": z.string(),
    "x-count": z.coerce.number().optional(),
    "x-list": z.string().transform((text) => text.split(/, ?/)).optional(),
  });

  it("U3: are bound under names in lower case; what is not there and need not be is not there", async () => {
    const listener = await listen();
    listener.attach("/x", { headers, get: (_request, { requestHeaders }) => tells(requestHeaders) });
    expect(await first(listener, "/x", { "X-Type": "soap", "X-COUNT": "7", "X-List": "a, b,c" })).toEqual({
      "x-type": "soap",
      "x-count": 7,
      "x-list": ["a", "b", "c"],
    });
    expect(await first(listener, "/x", { "x-type": "soap" })).toEqual({ "x-type": "soap" });
  });

  it("U3: may get other names by the schema", async () => {
    const listener = await listen();
    const renamed = headers.transform((all) => ({ kind: all["x-type"] }));
    listener.attach("/x", { headers: renamed, get: (_request, { requestHeaders }) => tells(requestHeaders.kind) });
    expect(await first(listener, "/x", { "x-type": "soap" })).toBe("soap");
  });

  it("U3: what is missing is named; what is wrong is, and its value is not told", async () => {
    const listener = await listen();
    listener.attach("/x", { headers, get: () => ECHO });
    listener.attach("/secret", { headers: v.object({ authorization: v.picklist(["none"]) }), get: () => ECHO });
    expect(await refusal(listener, "/x")).toBe('400 The header "x-type" is missing');
    expect(await refusal(listener, "/x", { "X-Type": "a", "X-Count": "many" })).toBe(
      '400 The header "x-count" is not valid',
    );
    expect(await refusal(listener, "/secret", { Authorization: "Bearer secret" })).toBe(
      '400 The header "authorization" is not valid',
    );
  });

  it("U3: without a schema they are the request's own", async () => {
    const listener = await listen();
    listener.attach("/x", { get: (_request, { requestHeaders }) => tells(requestHeaders.get("X-Type")) });
    expect(await first(listener, "/x", { "x-type": "soap" })).toBe("soap");
  });
});

describe("how they are bound", () => {
  it("U3: behind the route and the origin, and before get; nobody else is told", async () => {
    const errors: unknown[] = [];
    const asked: string[] = [];
    const listener = await listen(ECHO, {}, { onError: (error) => errors.push(error) });
    const query = z.object({ id: z.string().transform((id) => (asked.push(`query ${id}`), id)) });
    listener.attach("/x", { query, get: (_request, { query }) => (asked.push(`get ${query.id}`), ECHO) });
    expect(await refusal(listener, "/y?id=1")).toMatch(/^404 /);
    expect(await refusal(listener, "/x?id=2", { Origin: "https://other.test" })).toMatch(/^403 /);
    expect(await refusal(listener, "/x")).toMatch(/^400 /);
    await connect(`${listener.url}/x?id=3`);
    expect([asked, errors]).toEqual([["query 3", "get 3"], []]);
    expect(listener.stats().refused).toEqual({ 400: 1, 403: 1, 404: 1 });
  });

  it("U3: schemas may take their time, and get still says the word", async () => {
    const listener = await listen();
    const known = v.pipeAsync(
      v.object({ id: v.string() }),
      v.checkAsync(({ id }) => Promise.resolve(id === "ada"), "Who"),
    );
    listener.attach("/x", {
      query: known,
      get: (_request, { query }) => query.id === "ada" ? tells(query.id) : new UpgradeError(418),
    });
    expect(await first(listener, "/x?id=ada")).toBe("ada");
    expect(await refusal(listener, "/x?id=eve")).toBe("400 The query does not have the right form: Who");
  });

  it("U3: the wait counts against the listener's timeout", async () => {
    const done = deferred<boolean>();
    let asked = 0;
    const listener = await listen(ECHO, {}, { timeout: 0.2 });
    const slow = v.pipeAsync(v.looseObject({}), v.checkAsync(() => done.promise));
    listener.attach("/x", { query: slow, get: () => (asked++, ECHO) });
    expect(await refusal(listener, "/x")).toBe("503 The upgrade took too long");
    done.resolve(true);
    expect(await refusal(listener, "/y")).toMatch(/^404 /);
    expect(asked).toBe(0);
  });

  it("U3: a schema that throws is a 500 which says nothing of it", async () => {
    const errors: unknown[] = [];
    const listener = await listen(ECHO, {}, { onError: (error) => errors.push(error) });
    const broken = z.object({}).transform(() => {
      throw new Error("secret");
    });
    listener.attach("/x", { query: broken, get: () => ECHO });
    expect(await refusal(listener, "/x")).toBe("500 The server could not answer");
    expect(errors).toEqual([new Error("secret")]);
  });

  it.each(["params", "query", "headers"])("U3: %s that is no schema is refused at attach", async (name) => {
    const listener = await listen();
    const service = { [name]: () => ({}), get: () => ECHO } as unknown as UpgradeService;
    expect(await failure(() => listener.attach("/x", service))).toEqual(
      new TypeError(`Cannot use the option "${name}": it is not a Standard Schema of version 1`),
    );
    expect(await refusal(listener, "/x")).toMatch(/^404 /);
  });
});

describe("validation", () => {
  it.each<[string, StandardSchema]>([
    ["zod", z.object({ n: z.coerce.number().max(5), d: z.string().default("d") })],
    [
      "valibot",
      v.object({ n: v.pipe(v.string(), v.transform(Number), v.maxValue(5)), d: v.optional(v.string(), "d") }),
    ],
  ])(
    "U10: off, a constraint of %s lets pass, and the value is what the schema makes of it",
    async (_library, query) => {
      const listener = await listen();
      const get: UpgradeService<"/x", ReturnType<typeof tells>, object, unknown>["get"] = (_request, { query }) =>
        tells(query);
      listener.attach("/on", { query, get });
      listener.attach("/explicit", { query, validation: true, get });
      listener.attach("/off", { query, validation: false, get });
      for (const path of ["/on", "/explicit"]) {
        expect(await refusal(listener, `${path}?n=7`)).toMatch(/^400 The query parameter "n" is not valid/);
        expect(await first(listener, `${path}?n=5`)).toEqual({ n: 5, d: "d" });
      }
      expect(await first(listener, "/off?n=7")).toEqual({ n: 7, d: "d" });
      expect(await refusal(listener, "/off")).toBe('400 The query parameter "n" is missing');
    },
  );

  it("U10: off, what a library does not tell is refused as ever", async () => {
    const listener = await listen();
    // It goes on to no step behind what it refused, so that nobody knows the number.
    const query = type({ n: type("string.integer.parse").to("number < 5") });
    listener.attach("/off", { query, validation: false, get: () => ECHO });
    expect(await refusal(listener, "/off?n=7")).toMatch(/^400 The query parameter "n" is not valid/);
  });

  it("U10: is true or false", async () => {
    const listener = await listen();
    const service = { validation: 1, get: () => ECHO } as unknown as UpgradeService;
    expect(await failure(() => listener.attach("/x", service))).toEqual(
      new TypeError('Cannot use the option "validation": it is not a boolean'),
    );
  });
});
