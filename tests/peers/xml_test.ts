import { describe, expect, it } from "vitest";
import * as z from "zod";
import { PayloadBindingError, PayloadValidationError } from "../../src/errors.ts";
import { xml, xmlWithin } from "../../src/peers/xml.ts";
import { busyNow } from "../support/usage.ts";

function parse(message: string | Uint8Array): unknown {
  return xml["~bind"](message);
}

function refusal(message: string | Uint8Array, by = xml): PayloadBindingError {
  try {
    by["~bind"](message);
  } catch (error) {
    expect(error).toBeInstanceOf(PayloadBindingError);
    const refused = error as PayloadBindingError;
    expect(refused.message.length + String(refused.cause ?? "").length).toBeLessThan(500);
    return refused;
  }
  throw new Error("It was taken");
}

describe("xml (B2)", () => {
  it.each<[string, unknown]>([
    ["<a/>", { a: "" }],
    ["<a></a >", { a: "" }],
    ["<note>hi</note>", { note: "hi" }],
    ["<n>007</n>", { n: "007" }],
    ["<a>true</a>", { a: "true" }],
    ["<a> x </a>", { a: " x " }],
    ["<a>  </a>", { a: "  " }],
    ["<a>\u00a0<b/></a>", { a: { b: "", "#text": "\u00a0" } }],
    ['<a id="1">x</a>', { a: { "@_id": "1", "#text": "x" } }],
    ["<a id=' 1 > 0 '/>", { a: { "@_id": " 1 > 0 " } }],
    ["<a><b>1</b><c>2</c></a>", { a: { b: "1", c: "2" } }],
    ["<a>\n  <b>1</b>\r\n  <b>2</b>\n</a>\n", { a: { b: ["1", "2"] } }],
    ["<a>1<b/>2</a>", { a: { b: "", "#text": "12" } }],
    ["<s:a xmlns:s='urn:x'><s:b/></s:a>", { "s:a": { "s:b": "", "@_xmlns:s": "urn:x" } }],
    ['<?xml version="1.0" encoding="UTF-8"?>\n<?style x="<"?><!-- <b> --><a/><!-- end -->', { a: "" }],
    ["\ufeff<a/>", { a: "" }],
    ["<a>x<!-- - -->y<?pi?>z</a>", { a: "xyz" }],
    ["<a> <![CDATA[ <b>&amp;]]> </a>", { a: "  <b>&amp; " }],
    ["<a>&lt;&gt;&amp;&quot;&apos;&#65;&#x1F600;&amp;lt;</a>", { a: "<>&\"'A😀&lt;" }],
    ['<a b="&#38;&lt;"/>', { a: { "@_b": "&<" } }],
    ["<a><toString>1</toString><hasOwnProperty/></a>", { a: { toString: "1", hasOwnProperty: "" } }],
    ["<größe>é</größe>", { größe: "é" }],
  ])("reads %j", (message, value) => {
    expect(parse(message)).toEqual(value);
    expect(parse(new TextEncoder().encode(message))).toEqual(value);
  });

  it.each([
    "",
    "  ",
    "no XML",
    "{}",
    "<a>",
    "</a>",
    "<a></b>",
    "<a><b></a></b>",
    "<a/><b/>",
    "<a/>x",
    "x<a/>",
    "<![CDATA[x]]><a/>",
    "<a",
    "<a b='1>",
    "<a b=1/>",
    "<a b/>",
    "<a b='1' b='2'/>",
    "<a>&</a>",
    "<a>&nbsp;</a>",
    "<a>&#0;</a>",
    "<a>&#xD800;</a>",
    "<a>&#x110000;</a>",
    "<a b='&x;'/>",
    "<a>\0</a>",
    "<a><!-- </a>",
    "<a><![CDATA[</a>",
    "<a><?x</a>",
    "<1/>",
    "<a><#text/></a>",
  ])("refuses %j", (message) => {
    expect(refusal(message).message).toMatch(/^Cannot bind the message: as XML it /);
  });

  it("refuses what is not UTF-8", () => {
    expect(refusal(Uint8Array.of(0x3c, 0x61, 0x2f, 0xff, 0x3e)).message).toBe(
      "Cannot bind the message: it is not UTF-8",
    );
  });

  it("checks by a schema", () => {
    const order = xml(z.object({ order: z.object({ "@_id": z.coerce.number().min(5), item: z.string() }) }));
    expect(order["~bind"]('<order id="7"><item>tea</item></order>')).toEqual({ order: { "@_id": 7, item: "tea" } });
    expect(() => order["~bind"]('<order id="7"/>')).toThrow(PayloadBindingError);
    expect(() => order["~bind"]('<order id="4"><item/></order>')).toThrow(PayloadValidationError);
    expect(order["~bind"]('<order id="4"><item/></order>', false)).toEqual({ order: { "@_id": 4, item: "" } });
  });
});

describe("xml against attacks (H1)", () => {
  it.each([
    ["billion laughs", '<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><l>&b;</l>'],
    ["a file", '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'],
    ["an address", '<!DOCTYPE a SYSTEM "http://127.0.0.1/x.dtd"><a/>'],
    ["a parameter entity", '<!DOCTYPE a [<!ENTITY % x SYSTEM "http://127.0.0.1/">%x;]><a/>'],
    ["one that is lower case", "<!doctype a><a/>"],
    ["one that is inside", "<a><!DOCTYPE a></a>"],
    [
      "one behind an instruction with a quote",
      '<?x "?><!-- "?><!DOCTYPE a [<!ENTITY b "c">]> --><!DOCTYPE a><a>&b;</a>',
    ],
    ["another declaration", "<a><!ENTITY x 'y'></a>"],
  ])("takes no document type: %s", (_what, message) => {
    expect(refusal(message).message).toBe("Cannot bind the message: as XML it has a document type");
  });

  it("an instruction or a comment hides nothing from it", () => {
    expect(parse('<?x "?><!-- "?><!DOCTYPE a [<!ENTITY b "c">]> --><a/>')).toEqual({ a: "" });
    expect(parse("<a><![CDATA[<!DOCTYPE a>]]><!--<!DOCTYPE a>--></a>")).toEqual({ a: "<!DOCTYPE a>" });
  });

  it("changes no prototype, whatever a name is", () => {
    for (const name of ["__proto__", "constructor", "prototype"]) {
      refusal(`<a><${name}><polluted>1</polluted></${name}></a>`);
      refusal(`<${name} polluted="1"/>`);
      expect(parse(`<a ${name}="1"/>`)).toEqual({ a: { [`@_${name}`]: "1" } });
    }
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    expect(Object.keys(Object.prototype)).toEqual([]);
  });

  it("is as deep as it may be, and no deeper", () => {
    expect(() => parse("<a>".repeat(100) + "</a>".repeat(100))).not.toThrow();
    expect(refusal("<a>".repeat(101) + "</a>".repeat(101)).message).toBe(
      "Cannot bind the message: as XML it is deeper than 100 elements",
    );
    const deep = xmlWithin({ maxDepth: 2 });
    expect(deep["~bind"]("<a><b/><b><c/></b></a>")).toEqual({ a: { b: ["", { c: "" }] } });
    refusal("<a><b><c></c></b></a>", deep);
  });

  it("counts every kind of node", () => {
    const few = xmlWithin({ maxNodes: 5 });
    expect(few["~bind"]('<a x="" y=""><b/></a>')).toEqual({ a: { "@_x": "", "@_y": "", b: "" } });
    for (
      const more of ['<a x="" y=""><b/><b/></a>', "<a><!----><!----><!----><!----></a>", "<?x?>".repeat(6) + "<a/>"]
    ) {
      expect(refusal(more, few).message).toBe("Cannot bind the message: as XML it has more than 5 nodes");
    }
    refusal("<a>" + "<![CDATA[]]>".repeat(4) + "</a>", few);
  });

  it("is as long as it may be, and no longer", () => {
    const short = xmlWithin({ maxLength: 8 });
    expect(short["~bind"]("<a>b</a>")).toEqual({ a: "b" });
    expect(refusal("<a>bc</a>", short).message).toBe("Cannot bind the message: as XML it is longer than 8 characters");
  });

  it.each<[string, string]>([
    ["many elements", "<a>" + "<b/>".repeat(1_000_000)],
    ["many names", "<a>" + Array.from({ length: 45_000 }, (_, i) => `<b${i}/>`).join("") + "</a>"],
    ["many attributes", "<a " + Array.from({ length: 45_000 }, (_, i) => `b${i}=""`).join(" ") + "/>"],
    ["more attributes", "<a " + Array.from({ length: 300_000 }, (_, i) => `b${i}=""`).join(" ") + "/>"],
    ["many references", "<a>" + "&lt;".repeat(250_000) + "</a>"],
    ["bare ampersands", "<a>" + "&".repeat(1_000_000) + "</a>"],
    ["open comments", "<a>" + "<!--".repeat(500_000)],
    ["open sections", "<a>" + "<![CDATA[".repeat(200_000)],
    ["open instructions", "<a>" + "<?".repeat(500_000)],
    ["open quotes", "<a " + "b='".repeat(500_000)],
    ["open tags", "<".repeat(1_000_000)],
    ["spaces in a tag", "<a" + " ".repeat(500_000) + "/>"],
    ["equals signs", "<a " + "= ".repeat(200_000) + "/>"],
    ["a long name", "<" + "a".repeat(500_000) + "/>"],
    ["long names in each other", nested(90, 5_000)],
    ["long names beside each other", nested(90, 2_000, "<c/>".repeat(40_000))],
    ["deep", "<a>".repeat(1_000_000)],
    ["a long text", "<a>" + "x".repeat(1_000_000) + "</a>"],
  ])("takes its time in proportion: %s", (_what, message) => {
    const started = busyNow();
    try {
      parse(message);
    } catch (error) {
      expect(error).toBeInstanceOf(PayloadBindingError);
    }
    // A square of any of these takes minutes; on a machine at rest each takes less than a second.
    expect(busyNow() - started).toBeLessThan(4_000);
  });
});

/** Elements with long names in each other, and `inside` of the innermost. */
function nested(depth: number, length: number, inside = ""): string {
  const names = Array.from({ length: depth }, (_, i) => `n${i}${"x".repeat(length)}`);
  return names.map((name) => `<${name}>`).join("") + inside + names.reverse().map((name) => `</${name}>`).join("");
}

describe("xmlWithin", () => {
  it("refuses what is no limit", () => {
    expect(() => xmlWithin({ maxDepth: 0 })).toThrow('Cannot use the limit "maxDepth": 0 is not a positive integer');
    expect(() => xmlWithin({ maxLength: 1.5 })).toThrow(RangeError);
    expect(() => xmlWithin({ maxSize: 1 } as object)).toThrow('"maxSize": there is none of that name');
  });
});
