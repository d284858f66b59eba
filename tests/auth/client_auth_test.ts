import { describe, expect, it } from "vitest";
import { type Authorize, checkClientAuth } from "../../src/auth/client_auth.ts";
import { AuthError, ConnectionError } from "../../src/errors.ts";

const { signal } = new AbortController();
const ask = (authorize: Authorize): Promise<string> =>
  typeof authorize === "string" ? Promise.resolve(authorize) : authorize(signal);
const failure = (auth: unknown): Promise<unknown> => ask(checkClientAuth(auth)).then(String, (error: unknown) => error);

describe("the option auth", () => {
  it("is a password, a token, or whatever makes a header", async () => {
    expect(checkClientAuth({ username: "test", password: "123£" })).toBe("Basic dGVzdDoxMjPCow==");
    expect(checkClientAuth({ token: "a.b.c" })).toBe("Bearer a.b.c");
    let count = 0;
    const token = checkClientAuth({ token: () => `t${++count}` });
    expect([await ask(token), await ask(token)]).toEqual(["Bearer t1", "Bearer t2"]);
    expect(await ask(checkClientAuth({ token: () => Promise.resolve("t") }))).toBe("Bearer t");
    let heard: unknown;
    class Source {
      #scheme = "ApiKey";
      authorization(signal: AbortSignal): string {
        heard = signal;
        return `${this.#scheme} 7f3a`;
      }
    }
    expect(await ask(checkClientAuth(new Source()))).toBe("ApiKey 7f3a");
    expect(heard).toBe(signal);
  });

  it.each<[unknown, string]>([
    [null, "auth"],
    [{}, "auth"],
    ["Bearer secret-1", "auth"],
    [{ username: "ada" }, "auth.password"],
    [{ password: "secret-1" }, "auth.username"],
    [{ username: "ada", password: 1 }, "auth.password"],
    [{ username: "ada", password: "secret-1", realm: "x" }, "auth.realm"],
    [{ username: "a:secret-1", password: "secret-1" }, "auth"],
    [{ username: "ada", password: "secret-1\n" }, "auth"],
    [{ token: "secret-1 x" }, "auth.token"],
    [{ token: "secret-1\r\nX: y" }, "auth.token"],
    [{ token: "" }, "auth.token"],
    [{ token: undefined }, "auth.token"],
    [{ token: "secret-1", scheme: "x" }, "auth.scheme"],
  ])("%j is refused at once, and no secret repeated", (auth, name) => {
    const error = (() => {
      try {
        return checkClientAuth(auth);
      } catch (error) {
        return error;
      }
    })();
    expect(error).toBeInstanceOf(TypeError);
    expect(String(error)).toContain(`Cannot use the option "${name}": `);
    expect(String(error)).not.toContain("secret-1");
  });

  it("tells what failed, with the cause, and that it may be tried again; an error of ours stays", async () => {
    const cause = new TypeError("fetch failed");
    for (
      const [auth, sentence] of [
        [{ token: () => Promise.reject(cause) }, 'Cannot connect: the function "auth.token" failed'],
        [{
          authorization: () => {
            throw cause;
          },
        }, "Cannot connect: the credentials cannot be had"],
      ] as const
    ) {
      const error = await failure(auth);
      expect(error).toBeInstanceOf(AuthError);
      expect(error).toMatchObject({ message: sentence, cause, temporary: true });
    }
    for (const own of [new AuthError("no"), new ConnectionError("no")]) {
      expect(await failure({ token: () => Promise.reject(own) })).toBe(own);
    }
    expect(new AuthError("no").temporary).toBe(false);
  });

  it("takes no header that is none, and repeats nothing of it", async () => {
    for (const made of [undefined, "", 7, "secret-1\r\nX: y", " secret-1", "secret-1 ", "a  secret-1", "sécret-1"]) {
      for (
        const auth of [
          { authorization: () => made },
          ...(typeof made === "string" ? [{ token: () => `${made} ` }] : []),
        ]
      ) {
        const error = await failure(auth);
        expect(error).toBeInstanceOf(TypeError);
        expect(String(error)).not.toContain("secret-1");
      }
    }
  });
});
