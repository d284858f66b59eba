/**
 * Which proxy leads to a target: always the same, or the one that the environment names for it, when it was asked for.
 * What the environment holds comes from the runtime.
 */

import { UnsupportedError } from "../errors.ts";
import type { DialTarget } from "../transport/dialer.ts";
import type { Runtime } from "../transport/runtime.ts";
import { type HttpProxy, parseProxy, type ProxySetting } from "./http_proxy.ts";
import { isNamedBy } from "./no_proxy.ts";

/**
 * The proxy that leads to a target; undefined: none does, dial it.
 *
 * @throws {TypeError} when a Unix socket is to be reached through a proxy, or the environment cannot be read or used
 */
export type ProxyRoute = (target: DialTarget) => HttpProxy | undefined;

/**
 * The route that the option `proxy` asks for.
 *
 * @throws {UnsupportedError} when it asks for the environment, and there is none
 */
export function proxyRoute(
  setting: ProxySetting,
  { name, readEnvironment }: Pick<Runtime, "name" | "readEnvironment">,
): ProxyRoute {
  if (setting === undefined) return () => undefined;
  if (setting !== "environment") return (target) => throughTcp(target) ? setting : refuseUnixSocket();
  if (readEnvironment === undefined) {
    throw new UnsupportedError('Cannot use the option "proxy": there is no environment here', "proxy", name);
  }
  const read = (variable: string): string => readVariable(readEnvironment, variable);
  return (target) => throughTcp(target) ? inEnvironment(read, target) : undefined;
}

function throughTcp(target: DialTarget): boolean {
  return target.socketPath === undefined;
}

function refuseUnixSocket(): never {
  throw new TypeError('Cannot use the option "proxy": a Unix socket is not reached through a proxy');
}

/** An empty variable is as good as none. */
type Read = (variable: string) => string;

function readVariable(readEnvironment: NonNullable<Runtime["readEnvironment"]>, variable: string): string {
  try {
    return readEnvironment(variable)?.trim() ?? "";
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new TypeError(`Cannot use the option "proxy": ${reason}`, { cause });
  }
}

function inEnvironment(read: Read, target: DialTarget): HttpProxy | undefined {
  const names = target.secure ? ["https_proxy", "HTTPS_PROXY"] : ["http_proxy", "HTTP_PROXY"];
  const name = [...names, "all_proxy", "ALL_PROXY"].find((name) => read(name) !== "");
  if (name === undefined || isNamedBy(read("no_proxy") || read("NO_PROXY"), target)) return undefined;
  const what = `the environment variable "${name}"`;
  // To a CGI program it is the client's header "Proxy" (RFC 3875 §4.1.18).
  if (name === "HTTP_PROXY" && read("REQUEST_METHOD") !== "") {
    throw new TypeError(`Cannot use ${what}: "REQUEST_METHOD" is set, and it may come from a request`);
  }
  const value = read(name);
  return parseProxy(value.includes("://") ? value : `http://${value}`, what);
}
