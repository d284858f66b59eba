import { mkdtempSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hashPassword } from "../../../src/adapters/auth/password_hash.ts";
import { fileUserStore, parseUsers } from "../../../src/adapters/auth/user_file.ts";
import { AuthError, UpgradeError } from "../../../src/errors.ts";

const CHEAP = { ln: 10, r: 1, p: 1 };
const { signal } = new AbortController();
const folder = mkdtempSync(join(tmpdir(), "hawser-users-"));
afterAll(() => rmSync(folder, { recursive: true }));

let [ada, bob] = ["", ""];
beforeAll(async () => {
  [ada, bob] = [`ada:${await hashPassword("secret-a", CHEAP)}`, `bob:${await hashPassword("secret-b", CHEAP)}`];
});

let files = 0;
function fileOf(text: string): string {
  const file = join(folder, `users-${files++}`);
  writeFileSync(file, text);
  return file;
}

/** So many at once, and what came of them; as soon as a check is done, or six were turned away, the others leave. */
async function crowd(store: ReturnType<typeof fileUserStore>, count: number): Promise<Record<string, number>> {
  const clients = Array.from({ length: count }, () => new AbortController());
  const counted = { checked: 0, "503": 0, left: 0 };
  const over = (): void => clients.forEach((client) => client.abort());
  await Promise.all(clients.map((client) =>
    store.verify("ada", "secret-a", client.signal).then(
      () => {
        counted.checked++;
        over();
      },
      (error: unknown) => {
        if (error instanceof UpgradeError && error.status === 503) {
          if (++counted["503"] === 6) over();
        } else counted.left++;
      },
    )
  ));
  return counted;
}

describe("a user file", () => {
  it("has a user and scopes on each line", async () => {
    const store = fileUserStore(fileOf(`# Who may\n\n${ada}:write update urn:x\r\n${bob}\n`));
    expect(await store.verify("ada", "secret-a", signal)).toEqual({
      name: "ada",
      scopes: ["write", "update", "urn:x"],
    });
    expect(await store.verify("bob", "secret-b", signal)).toEqual({ name: "bob", scopes: [] });
    for (
      const [name, password] of [["ada", "secret-b"], ["eve", "secret-a"], ["", ""], ["Ada", "secret-a"], [
        "# Who may",
        "",
      ]]
    ) {
      expect(await store.verify(name!, password!, signal)).toBeUndefined();
    }
    for (const name of ["__proto__", "constructor"]) expect(await store.verify(name, "x", signal)).toBeUndefined();
  });

  it("may begin with a mark, and its names may be typed in any way", async () => {
    const zoe = ada.replace("ada", "zoe\u0308");
    const store = fileUserStore(fileOf(`\uFEFF${ada}\n${zoe}\n`));
    for (const name of ["ada", "zo\u00eb"]) {
      expect(await store.verify(name, "secret-a", signal)).toMatchObject({ name });
    }
    expect(() => parseUsers("users", `${zoe}\n${zoe.normalize("NFC")}\n`)).toThrow("line 2 has a name that an earlier");
  });

  it("may be named by a URL, and be empty", async () => {
    const store = fileUserStore(pathToFileURL(fileOf("")));
    expect(await store.verify("ada", "secret-a", signal)).toBeUndefined();
  });

  it("is read anew when it has changed", async () => {
    const file = fileOf(`${ada}:write\n`);
    const store = fileUserStore(file);
    expect(await store.verify("bob", "secret-b", signal)).toBeUndefined();
    writeFileSync(file, `${bob}:read\n`);
    expect(await store.verify("bob", "secret-b", signal)).toEqual({ name: "bob", scopes: ["read"] });
    expect(await store.verify("ada", "secret-a", signal)).toBeUndefined();
    // The same size, another time.
    writeFileSync(file, `${bob}:seen\n`);
    utimesSync(file, new Date(), new Date(statSync(file).mtimeMs + 5_000));
    expect(await store.verify("bob", "secret-b", signal)).toEqual({ name: "bob", scopes: ["seen"] });
  });

  it("lets nobody in while it cannot be read", async () => {
    const file = fileOf(`${ada}\n`);
    const store = fileUserStore(file);
    rmSync(file);
    const missing = await store.verify("ada", "secret-a", signal).catch((error: unknown) => error);
    expect(missing).toBeInstanceOf(AuthError);
    expect(missing).toMatchObject({
      message: `Cannot read the user file ${JSON.stringify(file)}`,
      cause: { code: "ENOENT" },
    });
    writeFileSync(file, `${ada}\nnonsense\n`);
    await expect(store.verify("ada", "secret-a", signal)).rejects.toThrow("line 2 is not name:hash:scopes");
    writeFileSync(file, `${ada}:write\n`);
    expect(await store.verify("ada", "secret-a", signal)).toMatchObject({ name: "ada" });
  });

  it("is refused at once when it is none, without a word of what is in it", () => {
    expect(() => fileUserStore(join(folder, "nothing"))).toThrow(AuthError);
    for (const line of ["ada:plain-secret", `:${ada.slice(4)}`, "plain-secret", `${ada}:a "b"`]) {
      const text = `${bob}\n${line}\n`;
      expect(() => parseUsers("users", text)).toThrow(
        'Cannot use the user file "users": line 2 is not name:hash:scopes',
      );
    }
    expect(() => parseUsers("users", `${ada}\n${ada}\n`)).toThrow("line 2 has a name that an earlier one has");
  });

  // Five tries of it, of which one is enough unless the machine is busy.
  it("checks four passwords at once, a hundred wait, and 503 is for the others", { timeout: 30_000 }, async () => {
    const store = fileUserStore(fileOf(`ada:${await hashPassword("secret-a")}\n`));
    const expected = { checked: 4, "503": 6, left: 100 };
    let counted: Record<string, number> = {};
    // A check is slow enough for everybody to come before it is done; on a busy machine not always at the first time.
    for (let tries = 0; tries < 5 && counted["503"] !== expected["503"]; tries++) counted = await crowd(store, 110);
    expect(counted).toEqual(expected);
  });

  it("checks its options", () => {
    const file = fileOf("");
    expect(() => fileUserStore(file, { maxConcurrentChecks: 0 })).toThrow(RangeError);
    expect(() => fileUserStore(file, { maxWaitingChecks: -1 })).toThrow(RangeError);
    expect(() => fileUserStore(file, { maxChecks: 1 } as never)).toThrow(TypeError);
  });
});
