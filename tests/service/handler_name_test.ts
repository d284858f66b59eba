import { describe, expect, it, vi } from "vitest";
import {
  errorHandlerOf,
  handlerName,
  handlerOf,
  isErrorHandler,
  MAX_WORD_LENGTH,
  reachedAs,
} from "../../src/service/handler_name.ts";

describe("D1: the handler that a word asks for", () => {
  it.each<[string, string]>([
    ["heartbeat", "onHeartbeat"],
    ["un subscribe", "onUnSubscribe"],
    ["connection_init", "onConnectionInit"],
    ["_ping", "onPing"],
    ["this_ping message", "onThisPingMessage"],
    ["Messages", "onMessages"],
    ["is_closed", "onIsClosed"],
    ["negative_timeout_error_message", "onNegativeTimeoutErrorMessage"],
    ["SUBSCRIBE", "onSUBSCRIBE"],
    ["connectionInit", "onConnectionInit"],
    ["page-update", "onPageUpdate"],
    ["a.b/c", "onABC"],
    ["2fa", "on2fa"],
    ["größe", "onGröße"],
    ["idle timeout", "onIdleTimeout"],
    ["  spaced \t\n out  ", "onSpacedOut"],
    ["a--__--b", "onAB"],
    ["user:joined", "onUserJoined"],
    ["v2.0", "onV20"],
    ["état", "onÉtat"],
    ["ελλάδα μου", "onΕλλάδαΜου"],
    ["подписка", "onПодписка"],
    ["订阅", "on订阅"],
    ["ßharp", "onSSharp"],
    ["𐐨𐐩", "on𐐀𐐩"],
    ["١٢", "on١٢"],
    ["ice❤️cream", "onIceCream"],
    ["x²y", "onXY"],
    ["__proto__", "onProto"],
    ["constructor", "onConstructor"],
    ["hasOwnProperty", "onHasOwnProperty"],
    ["नमस्ते", "onनमस्ते"],
  ])("%j → %s", (word, name) => {
    expect(handlerName(word)).toBe(name);
    // And again, out of what is remembered.
    expect(handlerName(word)).toBe(name);
  });

  it("is the same however an accent was typed", () => {
    expect(handlerName("gro\u0308\u00dfe")).toBe(handlerName("gr\u00f6\u00dfe"));
    expect(reachedAs("onGro\u0308\u00dfe")).toBe("onGr\u00f6\u00dfe");
  });

  it.each(["", "$", " ", "_-_", "\u0301", "\u{1f600}", "\ud800"])("there is none for %j", (word) => {
    expect(handlerName(word)).toBeUndefined();
  });

  it("there is none for a word that is too long", () => {
    expect(handlerName("a".repeat(MAX_WORD_LENGTH))).toBe(`onA${"a".repeat(MAX_WORD_LENGTH - 1)}`);
    expect(handlerName("a".repeat(MAX_WORD_LENGTH + 1))).toBeUndefined();
  });

  it("forgets words in time, and never their names", () => {
    const clear = vi.spyOn(Map.prototype, "clear");
    for (let i = 0; i < 5_000; i++) expect(handlerName(`word ${i}`)).toBe(`onWord${i}`);
    expect(clear.mock.calls.length).toBeGreaterThanOrEqual(4);
    clear.mockRestore();
    expect(handlerName("word 0")).toBe("onWord0");
  });
});

describe("D3: names that no word leads to", () => {
  it.each(["onHeartbeat", "onUnSubscribe", "on2fa", "onGröße", "on订阅"])("%s is reached", (name) => {
    expect(reachedAs(name)).toBe(name);
  });

  it.each([
    "on",
    "once",
    "onlineUsers",
    "on_message",
    "on$",
    "heartbeat",
    "OnHeartbeat",
    "onSubscribeError",
    "onError",
    "toString",
    "constructor",
  ])("%s is not", (name) => expect(reachedAs(name)).toBeUndefined());

  it("error handlers are named after what they belong to", () => {
    expect(errorHandlerOf("onSubscribe")).toBe("onSubscribeError");
    expect(handlerOf("onSubscribeError")).toBe("onSubscribe");
    expect([isErrorHandler("onSubscribeError"), isErrorHandler("onErrors")]).toEqual([true, false]);
  });
});
