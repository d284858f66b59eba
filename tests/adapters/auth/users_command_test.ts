import { spawn } from "node:child_process";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { afterAll, expect, it } from "vitest";
import { fileUserStore } from "../../../src/adapters/auth/user_file.ts";
import { usersCommand } from "../../../src/adapters/auth/users_command.ts";
import { ROOT } from "../../../scripts/command.ts";
import { starter } from "../../support/program.ts";

const { signal } = new AbortController();
const folder = mkdtempSync(join(tmpdir(), "hawser-command-"));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;
const newFile = (): string => join(folder, `users-${files++}`);

async function run(password: string, ...args: string[]): Promise<string> {
  const lines: string[] = [];
  const code = await usersCommand({
    args,
    readPassword: () => Promise.resolve(password),
    print: (line) => lines.push(line),
    cost: { ln: 10, r: 1, p: 1 },
  });
  return `${code} ${lines.join("\n")}`;
}

it("adds users, replaces them, lists them and takes them out", async () => {
  const file = newFile();
  expect(await run("secret", file, "set", "ada", "write", "update")).toBe('0 "ada" can log in');
  expect(await run("other", file, "set", "bob")).toBe('0 "bob" can log in');
  const store = fileUserStore(file);
  expect(await store.verify("ada", "secret", signal)).toEqual({ name: "ada", scopes: ["write", "update"] });
  expect(await store.verify("bob", "other", signal)).toEqual({ name: "bob", scopes: [] });
  expect(await run("", file, "list")).toBe("0 ada write update\nbob");
  expect(await run("new", file, "set", "ada", "read")).toBe('0 "ada" can log in');
  expect(await store.verify("ada", "secret", signal)).toBeUndefined();
  expect(await store.verify("ada", "new", signal)).toEqual({ name: "ada", scopes: ["read"] });
  expect(await run("", file, "remove", "ada")).toBe('0 "ada" is gone');
  expect(await run("", file, "remove", "ada")).toBe('1 There is no user "ada"');
  expect(await run("", file, "list")).toBe("0 bob");
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readFileSync(file, "utf8")).not.toMatch(/secret|other|new/);
});

it("keeps comments, and what is no file of users", async () => {
  const file = newFile();
  writeFileSync(file, "# mine\n");
  await run("secret", file, "set", "ada");
  expect(readFileSync(file, "utf8")).toMatch(/^# mine\nada:\$scrypt\$[^\n]*:\n$/);
  writeFileSync(file, "a letter\n");
  await expect(run("secret", file, "set", "ada")).rejects.toThrow("line 1 is not name:hash:scopes");
  expect(readFileSync(file, "utf8")).toBe("a letter\n");
});

it("knows a name however it was typed", async () => {
  const file = newFile();
  await run("secret", file, "set", "zo\u00eb");
  expect(await run("new", file, "set", "zoe\u0308")).toBe('0 "zo\u00eb" can log in');
  expect(await run("", file, "list")).toBe("0 zo\u00eb");
  expect(await fileUserStore(file).verify("zo\u00eb", "new", signal)).toBeDefined();
  expect(await run("", file, "remove", "zoe\u0308")).toBe('0 "zo\u00eb" is gone');
});

it("loses no change that another makes while a password is typed", async () => {
  const file = newFile();
  await run("secret", file, "set", "ada");
  const readPassword = async (): Promise<string> => {
    await run("other", file, "set", "bob");
    return "secret";
  };
  const code = await usersCommand({
    args: [file, "set", "eve"],
    readPassword,
    print() {},
    cost: { ln: 10, r: 1, p: 1 },
  });
  expect([code, await run("", file, "list")]).toEqual([0, "0 ada\nbob\neve"]);
});

it("does not change what another is about to change, whose draft stays", async () => {
  const file = newFile();
  await run("secret", file, "set", "ada");
  writeFileSync(`${file}.new`, "of another");
  await expect(run("", file, "remove", "ada")).rejects.toThrow(/^Cannot change the user file ".*": ".*\.new" is there/);
  expect([await run("", file, "list"), readFileSync(`${file}.new`, "utf8")]).toEqual(["0 ada", "of another"]);
  rmSync(`${file}.new`);
});

it("whoever could read the file can do so still, where a link leads to it, too", async () => {
  const [file, link] = [newFile(), newFile()];
  writeFileSync(file, "# mine\n\n");
  chmodSync(file, 0o640);
  symlinkSync(file, link);
  await run("secret", link, "set", "ada");
  expect([statSync(file).mode & 0o777, lstatSync(link).isSymbolicLink()]).toEqual([0o640, true]);
  expect(readFileSync(file, "utf8")).toMatch(/^# mine\n\nada:[^\n]*\n$/);
});

it("refuses what cannot be, and touches nothing", async () => {
  const file = newFile();
  for (
    const args of [[], [file], [file, "set"], [file, "remove"], [file, "list", "ada"], [file, "add", "ada"], [
      file,
      "remove",
      "ada",
      "x",
    ]]
  ) {
    expect(await run("secret", ...args)).toMatch(/^1 Usage:/);
  }
  for (
    const [password, ...args] of [
      ["", "set", "ada"],
      ["a\tb", "set", "ada"],
      ["secret", "set", "a:b"],
      ["secret", "set", "#a"],
      ["secret", "set", "a\nb"],
      ["secret", "set", "ada", "ä"],
    ] as const
  ) {
    expect(await run(password, file, ...args)).toMatch(/^1 Cannot add the user: /);
  }
  expect([existsSync(file), readdirSync(folder).filter((name) => name.endsWith(".new"))]).toEqual([false, []]);
});

it("is a program that reads the password from its standard input", { timeout: 60_000 }, async () => {
  const file = newFile();
  const [command, ...options] = starter();
  const program = join(ROOT, "src/adapters/auth/hawser_users.ts");
  const start = async (input: string, ...args: string[]): Promise<string> => {
    const child = spawn(command, [...options, program, ...args], { cwd: ROOT, env: process.env });
    let output = "";
    for (const pipe of [child.stdout, child.stderr]) pipe.setEncoding("utf8").on("data", (text) => output += text);
    child.stdin.end(input);
    const code = await new Promise((resolve) => child.on("close", resolve));
    return `${code} ${output}`;
  };
  expect(await start("secret\nmore\n", file, "set", "ada", "write")).toBe('0 "ada" can log in\n');
  expect(await fileUserStore(file).verify("ada", "secret", signal)).toEqual({ name: "ada", scopes: ["write"] });
  expect(await start("", file, "set", "bob")).toContain("1 Cannot add the user: there is no password");
  writeFileSync(file, "nonsense");
  expect(await start("", file, "list")).toBe(
    `1 Cannot use the user file ${JSON.stringify(file)}: line 1 is not name:hash:scopes\n`,
  );
});
