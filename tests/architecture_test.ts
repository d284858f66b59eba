/**
 * The house rules that a compiler does not know. Whoever adds a file to src/ gives it its place in HOUSE: folders and
 * files stand in reading order, and a file imports only what stands above it in its own folder, or in a folder that its
 * folder may import.
 */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

import { exportedNames, importSpecifiers, withoutComments, withoutText } from "./support/source_text.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const LONGEST = 450;

interface Folder {
  /** Besides src/ itself, which every folder may import. */
  readonly imports: readonly string[];
  /** In reading order. One that is planned may be absent; one that is here must be listed. */
  readonly files: readonly string[];
}

const HOUSE: Readonly<Record<string, Folder>> = {
  "": {
    imports: [],
    files: words("instance_of printable errors close_code bytes deflate_codec seconds option_check foreign_options"),
  },
  protocol: {
    imports: [],
    files: words(
      `opcode byte_queue vector_mask mask frame_reader utf8_check text_decoder text_parts sliding_window permessage_deflate assembler intake close_payload
      gather_buffer frame_writer engine`,
    ),
  },
  handshake: {
    imports: words("protocol"),
    files: words(
      `header_grammar authority request_target reserved_header refusal http_head accept_key subprotocol extension_offer deflate_negotiation ip_range forwarded origin
      client_handshake server_handshake`,
    ),
  },
  transport: {
    imports: [],
    files: words(
      "byte_transport message_socket clock rate_limit deadlines window_budget buffer_budget tls secure_options upgrade dialer runtime memory from_streams",
    ),
  },
  connection: {
    imports: words("protocol handshake transport"),
    files: words("message_deadline backlog closure_of agreed_deflate connection_options connection"),
  },
  streams: {
    imports: words("transport"),
    files: words(
      `unheard ring stream_source shared_message message_queue held_writes plain_endpoint_options writes keep_alive message_endpoint plain_endpoint endpoint streamed_write connection_options compression_options inbox pending_nexts message_iterator message_reads
      message_streams incoming_message parted_messages stream_reads`,
    ),
  },
  binding: { imports: [], files: words("payload and_then issues constraint schema binder") },
  auth: {
    imports: [],
    files: words(
      "authenticator authorization challenge scopes token_source turnstile basic authentication limited_fetch answer_cache credential_source client_auth",
    ),
  },
  pubsub: { imports: words("transport"), files: words("topics") },
  client: {
    imports: words("connection handshake transport streams binding auth"),
    files: words(
      `retry_options retry request_options common_options cookies header_option http_proxy secure_socket options target no_proxy proxy_route connector abortable redirect
      control_handlers pinged_endpoint response_body relay tunnel connect reply_binder pending_request single_reply reply_iterator requests
      reconnecting_endpoint client_session client_writes bound_iterator client`,
    ),
  },
  service: {
    imports: words("handshake transport streams binding auth pubsub"),
    files: words(
      `close_frame caller request_binding dispatch_options places secure_socket options broadcast service router reply handler_name bind handlers concurrent_request requests
      streamed_messages lines dispatcher session session_set
      expiry forwarded_request reporter answer_headers refused_upgrade upgrade_pipeline guest listener`,
    ),
  },
  peers: {
    imports: words("binding auth"),
    files: words("xml jose ldapts oauth2_request introspection oauth2_grant oauth2"),
  },
  "adapters/node": {
    imports: words("connection handshake transport protocol"),
    files: words(
      `system_clock allocate ascii_decoder tls_reason der pkcs12 peer_certificate tls_files secure_context net_transport zlib_codec dial header_lines last_answer plain_request
      pending_upgrade tls_front http_host node_runtime mod`,
    ),
  },
  "adapters/auth": {
    imports: words("auth"),
    files: words("password_hash user_file users_command hawser_users mod"),
  },
  "adapters/native": {
    imports: words("handshake transport"),
    files: words("delivery native_request door native_upgrade traffic native_handler"),
  },
  "adapters/web": {
    imports: words("connection transport adapters/native"),
    files: words("drain_poll web_socket"),
  },
  "adapters/deno": {
    imports: words("handshake transport adapters/native adapters/web adapters/node"),
    files: words("deno_api deno_upgrade deno_host deno_runtime mod"),
  },
  "adapters/bun": {
    imports: words("handshake transport connection adapters/native adapters/node"),
    files: words("bun_api bun_socket bun_upgrade bun_host bun_runtime mod"),
  },
  "adapters/browser": {
    imports: words("client streams transport adapters/web"),
    files: words("browser_clock page_options web_connect browser_runtime mod"),
  },
  adapters: {
    imports: words("adapters/node adapters/deno adapters/bun client service transport"),
    files: words("default"),
  },
};

/** A public entry re-exports, and may import what its folder may not. */
const ENTRIES: Readonly<Record<string, readonly string[]>> = {
  "adapters/node/mod": words("service"),
  "adapters/deno/mod": words("service"),
  "adapters/bun/mod": words("service"),
  "adapters/browser/mod": words("binding"),
};

/** What a file of peers imports: its package, and ours. */
const PEERS: Readonly<Record<string, RegExp>> = {
  "peers/xml": /^(\.\.?\/.+\.ts|fast-xml-parser)$/,
  "peers/jose": /^(\.\.?\/.+\.ts|jose)$/,
  "peers/ldapts": /^(\.\.?\/.+\.ts|ldapts)$/,
  ...Object.fromEntries(
    words("oauth2_request introspection oauth2_grant").map((name) => [
      `peers/${name}`,
      /^(\.\.?\/.+\.ts|oauth4webapi)$/,
    ]),
  ),
};

const FILES = readdirSync(join(ROOT, "src"), { recursive: true, encoding: "utf8" })
  .map((path) => path.split(sep).join("/"))
  .filter((path) => path.endsWith(".ts"))
  .map((path) => path.slice(0, -".ts".length));

/** The text of a file without its comments. */
const CODE = new Map(FILES.map((file) => [file, withoutComments(read(`src/${file}.ts`))]));

describe("the tree", () => {
  it("has a place for every file", () => {
    expect(FILES.filter((file) => place(file) === -1)).toEqual([]);
  });

  it("has no long file", () => {
    const long = FILES.map((file) => [file, read(`src/${file}.ts`).split("\n").length] as const);
    expect(long.filter(([, lines]) => lines > LONGEST)).toEqual([]);
  });

  it("mirrors every file that has a function or a class in tests/", () => {
    const hasCode = /^\s*(export\s+)?(default\s+)?(abstract\s+)?(async\s+)?(function|class)\b/m;
    const untested = FILES.filter((file) => hasCode.test(CODE.get(file) ?? ""))
      .filter((file) => !existsSync(join(ROOT, `tests/${file}_test.ts`)));
    expect(untested).toEqual([]);
  });
});

describe("imports", () => {
  const imports = new Map(FILES.map((file) => [file, importSpecifiers(CODE.get(file) ?? "")]));

  it("name files of src/ with their extension; modules of Node only in adapters, one package in a file of peers", () => {
    const strange = [...imports].flatMap(([file, targets]) => {
      const ours = /^\.\.?\/.+\.ts$/;
      const allowed = file.startsWith("adapters/") ? /^(\.\.?\/.+\.ts|node:.+)$/ : PEERS[file] ?? ours;
      return targets.filter((target) => !allowed.test(target)).map((target) => `${file} → ${target}`);
    });
    expect(strange).toEqual([]);
  });

  it("go to files above, or to folders that the folder may import", () => {
    const wrong = [...imports].flatMap(([file, targets]) =>
      targets.filter((target) => target.startsWith(".")).map((target) => resolve(file, target))
        .filter((target) => !mayImport(file, target)).map((target) => `${file} → ${target}`)
    );
    expect(wrong).toEqual([]);
  });

  it("have no cycle", () => {
    const done = new Set<string>();
    const visit = (file: string, path: readonly string[]): string[] => {
      if (path.includes(file)) return [[...path.slice(path.indexOf(file)), file].join(" → ")];
      if (done.has(file)) return [];
      const cycles = (imports.get(file) ?? []).filter((target) => target.startsWith("."))
        .flatMap((target) => visit(resolve(file, target), [...path, file]));
      done.add(file);
      return cycles;
    };
    expect(FILES.flatMap((file) => visit(file, []))).toEqual([]);
  });
});

it("no runtime is named outside of src/adapters", () => {
  const named = FILES.filter((file) => !file.startsWith("adapters/")).flatMap((file) => {
    const names = withoutText(CODE.get(file) ?? "").matchAll(/\b(?:Deno|Bun|Buffer)\b|(?<!\.)\bprocess\b/g);
    return [...names].map(([name]) => `${file}: ${name}`);
  });
  expect(named).toEqual([]);
});

it("URL.canParse is not used: Node 20.20 says false of a URL that is not ASCII once that call is optimised", () => {
  expect(FILES.filter((file) => CODE.get(file)?.includes("canParse"))).toEqual([]);
});

it("every exported name of a public entry is documented", () => {
  const { exports } = JSON.parse(read("deno.json")) as { exports: Record<string, string> };
  const documents = ["docs/api.md", "README.md"].filter((file) => existsSync(join(ROOT, file))).map(read).join("\n");
  const documented = new Set(documents.match(/[\p{L}\p{N}_$]+/gu));
  const missing = Object.values(exports).filter((entry) => existsSync(join(ROOT, entry))).flatMap((entry) =>
    exportedNames(withoutComments(read(entry))).filter((name) => !documented.has(name)).map((name) =>
      `${entry}: ${name}`
    )
  );
  expect(missing).toEqual([]);
});

function words(text: string): string[] {
  return text.split(/\s+/);
}

function read(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}

function folderOf(file: string): string {
  return file.includes("/") ? dirname(file) : "";
}

/** How far down its folder a file stands; −1 when it has no place. */
function place(file: string): number {
  return HOUSE[folderOf(file)]?.files.indexOf(file.split("/").pop() ?? "") ?? -1;
}

function resolve(file: string, target: string): string {
  return relative(".", join(folderOf(file), target)).split(sep).join("/").replace(/\.ts$/, "");
}

function mayImport(file: string, target: string): boolean {
  const [from, to] = [folderOf(file), folderOf(target)];
  if (place(target) === -1) return false;
  if (from === to) return place(target) < place(file);
  return to === "" || [...HOUSE[from]?.imports ?? [], ...ENTRIES[file] ?? []].includes(to);
}
