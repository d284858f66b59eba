/**
 * Which upgrade service a path belongs to (features L3, L4). A tree of path segments; knows no request and no socket.
 *
 * A segment is literal text, `:name` for any one segment, or, as the last, `*` for all that follows, be it nothing.
 * Where several match, the first segment in which they differ decides: text before `:name` before `*`. Empty segments
 * and matrix parameters (`;a=1`) count for nothing, on either end of a slash.
 */

import { DEFAULT_LIMITS, type Limitations } from "../transport/upgrade.ts";
import { checkHosted, checkService, type ServiceSettings } from "./options.ts";
import type { AnyUpgradeService, Attachable, PathParams, UpgradeResult } from "./service.ts";

/** Where a path leads. */
export interface Match {
  readonly service: AnyUpgradeService;
  readonly settings: ServiceSettings;
  /** Without a prototype, so that a parameter may have any name. */
  readonly params: Readonly<Record<string, string>>;
}

interface Route {
  readonly path: string;
  readonly service: AnyUpgradeService;
  readonly settings: ServiceSettings;
  /** The names of its parameters, from left to right. */
  readonly names: readonly string[];
}

interface Branch {
  readonly literals: Map<string, Branch>;
  any?: Branch;
  /** The route that ends here. */
  here?: Route;
  /** The route that takes whatever follows. */
  rest?: Route;
}

/**
 * A set of services by path, without a listener: for `upgrade` of `hawser/node`. The routers of `hawser/deno` and
 * `hawser/bun` are like it. Its methods work unbound.
 *
 * @example
 * ```ts
 * import { Router } from "hawser";
 *
 * const router = new Router();
 * router.attach("/echo", { get: () => ({ onMessage: (_caller, message) => message }) });
 * router.attach("/chat/:room", { maxMessageSize: 65_536, get: () => ({}) });
 * console.log(router.claims("/chat/lobby")); // true
 * console.log(router.match("/chat/lobby")?.params.room); // lobby
 * console.log(router.claims("/other")); // false
 * ```
 */
export class Router {
  readonly #root: Branch = newBranch();
  readonly #routes = new Set<Route>();
  readonly #limitations: (() => Limitations | undefined) | undefined;

  /**
   * Empty at first.
   *
   * @param limitations For the library: what the host that serves it cannot do, asked at each `attach`. Default: nothing.
   */
  constructor(limitations?: () => Limitations | undefined) {
    this.#limitations = limitations;
  }

  /**
   * Serves upgrades to `path` with `service`, from now on. `:name` takes one segment, `*` as the last takes all that
   * follow; the most specific path wins.
   *
   * @throws {TypeError} when the path is ill-formed or taken, when the service has no `get`, or an option is wrong
   * @throws {RangeError} when an option is out of range
   * @throws {UnsupportedError} when the host cannot keep an option
   */
  readonly attach = <
    Path extends string,
    Result extends UpgradeResult,
    Params = PathParams<Path>,
    Query = URLSearchParams,
    RequestHeaders = Headers,
    Asked = unknown,
    Names = unknown,
  >(
    path: Path,
    service: Attachable<Path, Result, Params, Query, RequestHeaders, Asked, Names>,
  ): void => {
    const refuse = (reason: string): never => {
      throw new TypeError(`Cannot attach ${JSON.stringify(path)}: ${reason}`);
    };
    if (typeof path !== "string" || !path.startsWith("/")) refuse('a path starts with "/"');
    if (typeof service !== "object" || service === null) refuse("the service is not an object");
    if (typeof service.get !== "function") refuse('the service has no "get"');
    const settings = checkService(service);
    checkHosted(service, this.#limitations?.());

    const names: string[] = [];
    const segments = path.split("/").filter((segment) => segment !== "");
    const rest = segments.at(-1) === "*";
    if (rest) segments.pop();
    // Read to the end before anything is kept: what is refused leaves no trace.
    const keys = segments.map((segment) => parseSegment(segment, names, refuse));
    if (rest) names.push("*");

    let branch = this.#root;
    for (const key of keys) branch = key === ANY ? (branch.any ??= newBranch()) : literalBranch(branch, key);
    const taken = rest ? branch.rest : branch.here;
    if (taken !== undefined) refuse(`the same path is attached already, as ${JSON.stringify(taken.path)}`);
    const route: Route = { path, service, settings, names };
    branch[rest ? "rest" : "here"] = route;
    this.#routes.add(route);
  };

  /**
   * Takes `service` out, wherever it was attached: new upgrades get 404, open connections live on.
   *
   * @throws {TypeError} when it is not attached
   */
  readonly detach = (service: AnyUpgradeService): void => {
    const routes = [...this.#routes].filter((route) => route.service === service);
    if (routes.length === 0) throw new TypeError("Cannot detach the service: it is not attached");
    for (const route of routes) {
      this.#routes.delete(route);
      prune(this.#root, route);
    }
  };

  /**
   * Where the path of a request leads: to which `service`, its `settings` as checked, and with which `params`, by their
   * names and percent-decoded. Undefined: nowhere.
   *
   * @throws {URIError} when a percent-escape in it is not UTF-8
   */
  readonly match = (pathname: string): Match | undefined => {
    const segments: string[] = [];
    for (const raw of pathname.split("/")) {
      const end = raw.indexOf(";");
      const segment = end === -1 ? raw : raw.slice(0, end);
      if (segment !== "") segments.push(segment.includes("%") ? decodeURIComponent(segment) : segment);
    }
    const values: string[] = [];
    const route = find(this.#root, segments, 0, values);
    if (route === undefined) return undefined;
    const params: Record<string, string> = Object.create(null);
    route.names.forEach((name, i) => params[name] = values[i]!);
    return { service: route.service, settings: route.settings, params };
  };

  /** Bytes: the largest `maxMessageSize` of what is attached; the default of that option when nothing is. */
  readonly largestMessage = (): number => {
    const sizes = [...this.#routes].map(({ settings }) => settings.limits.maxMessageSize);
    return sizes.length === 0 ? DEFAULT_LIMITS.maxMessageSize : Math.max(...sizes);
  };

  /** Whether the path of a request leads anywhere. */
  readonly claims = (pathname: string): boolean => {
    try {
      return this.match(pathname) !== undefined;
    } catch {
      // What cannot be decoded leads nowhere.
      return false;
    }
  };
}

/** Stands for `:name` among literal segments. */
const ANY: unique symbol = Symbol("any segment");
const NAME = /^[\p{ID_Start}_$][\p{ID_Continue}$]*$/u;

function newBranch(): Branch {
  return { literals: new Map() };
}

function literalBranch(branch: Branch, text: string): Branch {
  let next = branch.literals.get(text);
  if (next === undefined) branch.literals.set(text, next = newBranch());
  return next;
}

function parseSegment(segment: string, names: string[], refuse: (reason: string) => never): string | typeof ANY {
  if (segment.startsWith(":")) {
    const name = segment.slice(1);
    if (!NAME.test(name)) refuse(`${JSON.stringify(name)} is not a name for a parameter`);
    if (names.includes(name)) refuse(`there are two parameters of the name "${name}"`);
    names.push(name);
    return ANY;
  }
  if (segment === "*") refuse('"*" is only for the last segment');
  if (/[;?#]/.test(segment)) refuse('";", "?" and "#" are no part of a path, unless they are escaped');
  try {
    return decodeURIComponent(segment);
  } catch {
    return refuse("a percent-escape in it is not UTF-8");
  }
}

/** Looks at each branch once at most, whatever the path: a branch is reached in one way only. */
function find(branch: Branch, segments: readonly string[], at: number, values: string[]): Route | undefined {
  const segment = segments[at];
  if (segment === undefined) {
    if (branch.here !== undefined) return branch.here;
  } else {
    const literal = branch.literals.get(segment);
    const found = literal && find(literal, segments, at + 1, values);
    if (found !== undefined) return found;
    if (branch.any !== undefined) {
      values.push(segment);
      const route = find(branch.any, segments, at + 1, values);
      if (route !== undefined) return route;
      values.pop();
    }
  }
  if (branch.rest !== undefined) values.push(segments.slice(at).join("/"));
  return branch.rest;
}

/** Takes `route` out of the tree, and every branch that has become bare. Says whether `branch` has. */
function prune(branch: Branch, route: Route): boolean {
  if (branch.here === route) delete branch.here;
  if (branch.rest === route) delete branch.rest;
  for (const [text, next] of branch.literals) {
    if (prune(next, route)) branch.literals.delete(text);
  }
  if (branch.any !== undefined && prune(branch.any, route)) delete branch.any;
  return branch.literals.size === 0 && !branch.any && !branch.here && !branch.rest;
}
