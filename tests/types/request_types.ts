/** What requests infer, and what they refuse to compile (features D5, B1). Never run: the compiler is the test. */

import { type } from "arktype";
import * as v from "valibot";
import { z } from "zod";
import {
  type AnyWebSocketError,
  bytes,
  type Client,
  type ClientConfiguration,
  json,
  type ReplyStream,
  type RequestError,
  type RequestOptions,
  text,
} from "../../mod.ts";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false;

function holds<_ extends true>(): void {}

const Zod = z.object({ id: z.string(), sum: z.coerce.number() });
const Valibot = v.object({ id: v.pipe(v.string(), v.transform(Number)) });
const Arktype = type({ id: "string.integer.parse", "note?": "string" });

interface Add {
  readonly type: "add";
  readonly terms: readonly number[];
}

export async function single(client: Client, add: Add): Promise<void> {
  const plain = await client.request({ type: "add" });
  holds<Equal<typeof plain, unknown>>();
  const interfaced = await client.request(add, undefined, { timeout: 5 });
  holds<Equal<typeof interfaced, unknown>>();
  const zod = await client.request({}, Zod);
  holds<Equal<typeof zod, { id: string; sum: number }>>();
  const valibot = await client.request({}, Valibot, { signal: AbortSignal.timeout(1_000) });
  holds<Equal<typeof valibot, { id: number }>>();
  const arktype = await client.request({}, Arktype);
  holds<Equal<typeof arktype, { id: number; note?: string }>>();
  const string = await client.request({}, text);
  holds<Equal<typeof string, string>>();
  const array = await client.request({}, bytes);
  holds<Equal<typeof array, Uint8Array>>();
  const value = await client.request({}, json);
  holds<Equal<typeof value, unknown>>();
  const checked = await client.request({}, json(Zod));
  holds<Equal<typeof checked, { id: string; sum: number }>>();

  // @ts-expect-error: a request has a field for its id
  await client.request("text");
  // @ts-expect-error: not an object
  await client.request(5);
  // @ts-expect-error: nothing binds by this
  await client.request({}, { parse: JSON.parse });
  // @ts-expect-error: the options come third
  await client.request({}, { timeout: 5 });
  // @ts-expect-error: there is no such option
  await client.request({}, Zod, { timeuot: 5 });
  // @ts-expect-error: seconds are a number
  await client.request({}, Zod, { timeout: "5" });
  // @ts-expect-error: the type comes from what binds
  await client.request<{ id: string }>({});
}

export async function stream(client: Client, options: RequestOptions): Promise<void> {
  const plain = client.requestStream({ type: "prices" });
  holds<Equal<typeof plain, ReplyStream<unknown>>>();
  await using zod = client.requestStream({}, Zod, options);
  holds<Equal<typeof zod, ReplyStream<{ id: string; sum: number }>>>();
  for await (const price of zod) holds<Equal<typeof price, { id: string; sum: number }>>();
  const next = await zod.next();
  if (next.done) holds<Equal<typeof next.value, undefined>>();
  else holds<Equal<typeof next.value, { id: string; sum: number }>>();
  const left = await zod.return();
  holds<Equal<typeof left, IteratorResult<{ id: string; sum: number }, undefined>>>();

  // @ts-expect-error: a stream of replies is no promise
  (await client.requestStream({}, text)).then;
}

export function errors(error: AnyWebSocketError): unknown {
  if (error.code !== "ERR_REQUEST") return undefined;
  holds<Equal<typeof error, RequestError>>();
  holds<Equal<typeof error.reply, Readonly<Record<string, unknown>>>>();
  return error.reply["why"];
}

export const CONFIGURATION: ClientConfiguration = {
  dispatcherStreamId: "id",
  dispatcherKey: "type",
  dispatcherComplete: "complete",
  dispatcherCancel: "cancel",
  dispatcherError: "error",
  requestTimeout: 5,
  maxPendingRequests: 10,
};

// @ts-expect-error: a field's name is a string
export const WRONG: ClientConfiguration = { dispatcherStreamId: 1 };
