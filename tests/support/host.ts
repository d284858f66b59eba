/**
 * Where a run of the behaviours suite takes place, and how a test says that things are different there. What was said is
 * kept with the test (`task.meta`), for the compatibility table; nothing is ever skipped.
 */

import { TestRunner } from "vitest";
import { type Fact, type Host, HOSTS } from "./facts.ts";

/** This run is about the runtime's own server and sockets, not about the engine. */
export const IS_NATIVE: boolean = process.env["HAWSER_HOST"] === "native";

const RUNTIME: "node" | "deno" | "bun" = "Deno" in globalThis ? "deno" : "Bun" in globalThis ? "bun" : "node";

/** Where this run takes place. */
export const HOST: Host = hostOf(RUNTIME, IS_NATIVE);

/** What a test does, or expects, on one host instead of the usual. */
export interface Difference<Value, Why extends Fact = Fact> {
  readonly value: Value;
  readonly fact: Why;
  /** The host does not do it at all, and the test asserts how it refuses. */
  readonly refused: boolean;
}

/** What is different where. A host has the facts of its runtime only. */
export type Differences<Value> = { readonly [Where in Host]?: Difference<Value, FactOn<Where>> };

type FactOn<Where extends Host> = Where extends `${infer Runtime} ${string}` ? Extract<Fact, `${Runtime}-${string}`>
  : never;

/** The host cannot do it, because of `fact`: the test asserts the refusal. */
export function refuses<Value, Why extends Fact>(fact: Why, value: Value): Difference<Value, Why> {
  return { value, fact, refused: true };
}

/** The host does it in another way, because of `fact`: the test asserts that way. */
export function deviates<Value, Why extends Fact>(fact: Why, value: Value): Difference<Value, Why> {
  return { value, fact, refused: false };
}

/** What stays with a test, as `meta.hawser`, when its host is different. */
export interface Noted {
  readonly refused: boolean;
  readonly facts: readonly Fact[];
}

/** What holds on this host: `usual`, unless there is a difference, which is noted with the test that runs. */
export function here<Value>(differences: Differences<Value>, usual: Value): Value {
  const difference = differences[HOST];
  if (difference === undefined) return usual;
  const test = TestRunner.getCurrentTest();
  if (test === undefined) throw new Error("Cannot note a difference: no test runs");
  const meta = test.meta as { hawser?: Noted };
  const { refused = false, facts = [] } = meta.hawser ?? {};
  meta.hawser = {
    refused: refused || difference.refused,
    facts: [...new Set([...facts, difference.fact])],
  };
  return difference.value;
}

/** A test that is another one where there is a difference. */
export function differs<Args extends unknown[]>(
  differences: Differences<(...args: Args) => unknown>,
  usual: (...args: Args) => unknown,
): (...args: Args) => Promise<void> {
  return async (...args) => {
    await here(differences, usual)(...args);
  };
}

function hostOf(runtime: string, native: boolean): Host {
  const name = `${runtime} ${native ? "native" : "engine"}`;
  const host = HOSTS.find((each) => each === name);
  if (host === undefined) throw new Error(`There is no ${name} to run on`);
  return host;
}
