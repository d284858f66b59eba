/** Key stores, and the encoding that they are in. */

import { type DerValue, readDer, valuesIn } from "../../src/adapters/node/der.ts";
import { readPkcs12 } from "../../src/adapters/node/pkcs12.ts";
import { integer, octets, oid, sequence, tagged } from "../support/der.ts";
import { joined } from "../support/frames.ts";
import { fromHex, toHex } from "../support/hex.ts";
import type { Random } from "../support/random.ts";
import { mutated } from "./mutated.ts";
import { type Property, type Sample, sampleOf } from "./property.ts";

const DATA = "1.2.840.113549.1.7.1";
const BAG = "1.2.840.113549.1.12.10.1";
const PASSWORD = "correct horse";

export const STORE_PROPERTIES: readonly Property[] = [
  {
    name: "a store is read, or refused without a word of its password",
    kind: "store",
    make: (random) => sampleOf(random, () => mutated(random, "store", [toHex(store(random))])),
    check: isReadOrRefused,
  },
  {
    name: "what is written in DER is what is read",
    kind: "tree",
    make: (random) => sampleOf(random, () => [tree(random, 4)]),
    check: ({ steps, seed }) => steps.map((text) => isReadAgain(text, seed)).find((wrong) => wrong !== undefined),
  },
];

/** A store that is not encrypted, and has no MAC: what is behind those two is what can be reached by chance. */
function store(random: Random): Uint8Array {
  const certificate = (): Uint8Array => {
    const value = sequence(oid("1.2.840.113549.1.9.22.1"), tagged(0xa0, octets(random.bytes(random.below(20)))));
    return sequence(oid(`${BAG}.3`), tagged(0xa0, value));
  };
  const key = (): Uint8Array => sequence(oid(`${BAG}.1`), tagged(0xa0, sequence(random.bytes(random.below(9)))));
  const bags = Array.from({ length: 1 + random.below(3) }, () => random.oneIn(3) ? key() : certificate());
  const nested = sequence(oid(`${BAG}.6`), tagged(0xa0, sequence(...bags)));
  const part = sequence(oid(DATA), tagged(0xa0, octets(sequence(random.oneIn(2) ? nested : bags[0]!))));
  return sequence(integer(Uint8Array.of(3)), sequence(oid(DATA), tagged(0xa0, octets(sequence(part)))));
}

function isReadOrRefused({ steps }: Sample): string | undefined {
  for (const step of steps) {
    try {
      const { keys, certificates } = readPkcs12(fromHex(step), PASSWORD);
      if (![...keys, ...certificates].every((bytes) => bytes instanceof Uint8Array)) {
        return "it holds what are no bytes";
      }
    } catch (error) {
      if (!(error instanceof Error)) return `it threw ${String(error)}`;
      // A slip of ours, not a sentence about the store.
      if (error instanceof TypeError && !("code" in error)) return `it threw ${error.stack}`;
      if (error instanceof RangeError && error.message.includes("call stack")) return `it threw ${String(error)}`;
      if (error.message.includes(PASSWORD)) return "the refusal tells the password";
    }
  }
  return undefined;
}

/** `(04 01 (30))`: a value of octets, or of values. */
function tree(random: Random, depth: number): string {
  if (depth === 0 || random.oneIn(3)) return `(04 ${toHex(random.bytes(random.length(300)))})`;
  return `(30 ${Array.from({ length: random.below(4) }, () => tree(random, depth - 1)).join(" ")})`;
}

function isReadAgain(text: string, seed: number): string | undefined {
  const bytes = write(text);
  try {
    const cut = seed % bytes.length;
    readDer(bytes.subarray(0, cut));
    return `it is read although it is cut at ${cut} of ${bytes.length}`;
  } catch (error) {
    if (!(error instanceof Error) || error instanceof TypeError) throw error;
  }
  const again = textOf(readDer(bytes));
  return again === text.replace(/ \)/g, ")") ? undefined : `it is read as ${again}`;
}

function write(text: string): Uint8Array {
  const tag = parseInt(text.slice(1, 3), 16);
  const inside = text.slice(4, -1);
  if (tag === 0x04) return tagged(tag, fromHex(inside));
  const parts: Uint8Array[] = [];
  let depth = 0;
  let start = 0;
  for (const [i, char] of [...inside].entries()) {
    if (char === "(" && depth++ === 0) start = i;
    if (char === ")" && --depth === 0) parts.push(write(inside.slice(start, i + 1)));
  }
  return tagged(tag, joined(parts));
}

function textOf(value: DerValue): string {
  if (value.tag === 0x04) return `(04 ${toHex(value.contents)})`.replace(" )", ")");
  return `(30 ${valuesIn(value).map(textOf).join(" ")})`.replace(" )", ")");
}
