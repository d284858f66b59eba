/** Who tries to learn or to use what it should not know, and who makes us work for it. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { afterAll, expect, it } from "vitest";
import { type Authenticator, Listener } from "../../mod.ts";
import { basicAuth, fileUserStore, hashPassword } from "../../src/adapters/auth/mod.ts";
import { deferred, ECHO, LOOPBACK, onSockets } from "../support/on_sockets.ts";
import { statusOf, upgradeRequest } from "../support/raw_client.ts";

const { listen, dial, whenOver, answerTo } = onSockets();

const folder = mkdtempSync(join(tmpdir(), "hawser-attack-"));
afterAll(() => rmSync(folder, { recursive: true }));

const basic = (username: string, password: string): string =>
  `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;

it(
  "attack 40: time does not tell whether there is a user, nor how much of a password is right",
  { timeout: 30_000 },
  async () => {
    // Dear enough to stand out of the noise of a connection. What it costs this process, since others are busy, too.
    writeFileSync(join(folder, "users"), `ada:${await hashPassword("a long secret", { ln: 14, r: 8, p: 1 })}\n`);
    const users = fileUserStore(join(folder, "users"));
    const listener = await listen(ECHO, {}, { auth: [basicAuth({ users })] });
    const attempts = [["ada", "a long secreT"], ["ada", "x"], ["eve", "a long secret"], ["", ""]] as const;
    const best = attempts.map(() => Infinity);
    for (let round = 0; round < 3; round++) {
      for (const [i, [name, password]] of attempts.entries()) {
        const request = upgradeRequest("/", { Authorization: basic(name, password) });
        const before = process.cpuUsage();
        const raw = await dial(listener.port);
        await raw.write(request);
        expect(statusOf(await raw.head())).toBe(401);
        const { user } = process.cpuUsage(before);
        best[i] = Math.min(best[i]!, user);
        raw.socket.destroy();
      }
    }
    // Without the hash it is some twentieth of that.
    expect(Math.max(...best) / Math.min(...best)).toBeLessThan(2);
  },
);

it("attack 40: the answers are the same, too", async () => {
  writeFileSync(join(folder, "same"), `ada:${await hashPassword("secret", { ln: 10, r: 1, p: 1 })}\n`);
  const users = fileUserStore(join(folder, "same"));
  const listener = await listen(ECHO, {}, { auth: [basicAuth({ users })] });
  const answers = new Set<string>();
  for (const [name, password] of [["ada", "wrong"], ["eve", "secret"], ["", ""]] as const) {
    const { answer } = await answerTo(listener.port, upgradeRequest("/", { Authorization: basic(name, password) }));
    answers.add(answer.replace(/^date: .*\r\n/im, ""));
  }
  expect([...answers]).toEqual([expect.stringMatching(/^HTTP\/1\.1 401 /)]);
});

it("attack 9: clients that leave while they are looked at are let go, one and all", async () => {
  const most = 200;
  let asked = 0;
  let aborted = 0;
  const { promise: allAsked, resolve: beAsked } = deferred();
  const { promise: allGone, resolve: beGone } = deferred();
  const never: Authenticator = {
    scheme: "Bearer",
    authenticate: (_credentials, { signal }) => {
      signal.addEventListener("abort", () => ++aborted === most && beGone());
      if (++asked === most) beAsked();
      return new Promise(() => {});
    },
  };
  let served = 0;
  const listener = new Listener(0, { host: LOOPBACK, auth: [never] });
  whenOver(() => listener.immediateStop());
  const get = (): typeof ECHO => {
    served++;
    return ECHO;
  };
  listener.attach("/", { get });
  listener.attach("/open", { auth: false, get });
  await listener.start();
  const raws = await Promise.all(Array.from({ length: most }, () => dial(listener.port)));
  for (const raw of raws) await raw.write(upgradeRequest());
  await allAsked;
  for (const raw of raws) raw.socket.destroy();
  await allGone;
  await expect.poll(() => listener.stats().left).toBe(most);
  expect([served, listener.stats().opened, raws.map(({ received }) => received).join("")]).toEqual([0, 0, ""]);
  // And the next one is served.
  const next = await dial(listener.port);
  await next.write(upgradeRequest("/open"));
  expect(statusOf(await next.head())).toBe(101);
});
