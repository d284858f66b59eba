/** What binding infers, and what it refuses to compile (features B1, B2, U3). Never run: the compiler is the test. */

import { type } from "arktype";
import * as v from "valibot";
import { z } from "zod";
import {
  bytes,
  type Client,
  json,
  type Listener,
  type Message,
  type Router,
  type StandardSchema,
  text,
  union,
} from "../../mod.ts";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false;

function holds<_ extends true>(): void {}

const Zod = z.object({ id: z.coerce.number(), tags: z.array(z.string()).default([]) });
const Valibot = v.object({ id: v.pipe(v.string(), v.transform(Number)) });
const Arktype = type({ id: "string.integer.parse", "note?": "string" });
const Letter = z.enum(["A", "B"]);

export async function reads(client: Client): Promise<void> {
  const plain = await client.readMessage();
  holds<Equal<typeof plain, Message>>();
  const zod = await client.readMessage(Zod);
  holds<Equal<typeof zod, { id: number; tags: string[] }>>();
  const valibot = await client.readMessage(Valibot);
  holds<Equal<typeof valibot, { id: number }>>();
  const arktype = await client.readMessage(Arktype);
  holds<Equal<typeof arktype, { id: number; note?: string }>>();

  const string = await client.readMessage(text);
  holds<Equal<typeof string, string>>();
  const letter = await client.readMessage(text(Letter));
  holds<Equal<typeof letter, "A" | "B">>();
  const binary = await client.readMessage(bytes);
  holds<Equal<typeof binary, Uint8Array>>();
  const value = await client.readMessage(json);
  holds<Equal<typeof value, unknown>>();
  const checked = await client.readMessage(json(Zod));
  holds<Equal<typeof checked, { id: number; tags: string[] }>>();

  const one = await client.readMessage(union(bytes, Valibot, text(Letter)));
  holds<Equal<typeof one, Uint8Array | { id: number } | "A" | "B">>();
  const nested = await client.readMessage(union(union(bytes, Letter), Arktype));
  holds<Equal<typeof nested, Uint8Array | "A" | "B" | { id: number; note?: string }>>();

  // @ts-expect-error: neither a binder nor a schema
  await client.readMessage({ parse: () => 1 });
  // @ts-expect-error: a binder is no schema
  json(text);
  // @ts-expect-error: a member that is nothing
  union(text, 7);
}

export async function loops(client: Client): Promise<void> {
  for await (const message of client.messages()) holds<Equal<typeof message, Message>>();
  for await (const message of client.messages(Zod)) holds<Equal<typeof message, { id: number; tags: string[] }>>();
  for await (const message of client.messages(union(text(Letter), bytes))) {
    holds<Equal<typeof message, "A" | "B" | Uint8Array>>();
  }
  const messages = client.messages(Arktype);
  holds<
    Equal<
      typeof messages,
      AsyncIterableIterator<{ id: number; note?: string }, undefined, void> & AsyncDisposable
    >
  >();
  // @ts-expect-error: neither a binder nor a schema
  client.messages(Number);
}

export function requests(listener: Listener, router: Router): void {
  listener.attach("/plain/:room/:name", {
    get(_request, { params, query, requestHeaders }) {
      holds<Equal<typeof params, { readonly room: string; readonly name: string }>>();
      holds<Equal<typeof query, URLSearchParams>>();
      holds<Equal<typeof requestHeaders, Headers>>();
      return {};
    },
  });

  listener.attach("/zod/:id", {
    params: z.object({ id: z.coerce.number() }),
    query: z.object({ limit: z.coerce.number().default(10), tag: z.array(z.string()).optional() }),
    headers: z.object({ "x-id": z.string() }),
    get: (_request, { params, query, requestHeaders }) => {
      holds<Equal<typeof params, { id: number }>>();
      holds<Equal<typeof query, { limit: number; tag?: string[] | undefined }>>();
      holds<Equal<typeof requestHeaders, { "x-id": string }>>();
      return {};
    },
  });
  router.attach("/valibot/:id", {
    // The order does not matter.
    get: (_request, { params, query }) => {
      holds<Equal<typeof params, { id: number }>>();
      holds<Equal<typeof query, URLSearchParams>>();
      return {};
    },
    params: Valibot,
  });
  router.attach("/arktype/:id/*", {
    params: Arktype,
    query: type({ "limit?": "string.integer.parse" }),
    get: (_request, { params, query }) => {
      holds<Equal<typeof params, { id: number; note?: string }>>();
      holds<Equal<typeof query, { limit?: number }>>();
      return Promise.resolve({});
    },
  });

  // @ts-expect-error: the path has no such parameter
  listener.attach("/other/:name", { params: z.object({ id: z.string() }), get: () => ({}) });
  // @ts-expect-error: what a path has is text
  listener.attach("/number/:id", { params: v.object({ id: v.number() }), get: () => ({}) });
  listener.attach(`/${"dynamic" as string}/:id`, { params: z.object({ id: z.string() }), get: () => ({}) });
  // @ts-expect-error: no header would be found by that name
  listener.attach("/headers", { headers: z.object({ "X-Id": z.string() }), get: () => ({}) });
  listener.attach("/headers", { headers: z.record(z.string(), z.string()), get: () => ({}) });
  // @ts-expect-error: not a schema
  listener.attach("/query", { query: (value: unknown) => value, get: () => ({}) });
  const unknown = {} as StandardSchema;
  listener.attach("/unknown/:id", {
    params: unknown,
    get: (_request, { params }) => {
      holds<Equal<typeof params, unknown>>();
      return {};
    },
  });

  const service = { query: Zod, get: () => ({}) };
  listener.attach("/again", service);
  listener.detach(service);
}
