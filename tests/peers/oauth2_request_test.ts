import { expect, it } from "vitest";
import { AuthError } from "../../src/errors.ts";
import { checkOAuth2Client, oauth2Error } from "../../src/peers/oauth2_request.ts";

const OPTIONS = { url: "https://a.test/oauth?x=s3cret", clientId: "app", clientSecret: "s3cret" };
const check = (options: object) => checkOAuth2Client({ ...OPTIONS, ...options }, "url", "introspection_endpoint");

it("makes the arguments of a request, each with a time of its own", () => {
  const request = check({ optionalParams: { a: "b" }, timeout: 0.5 });
  expect(request.server).toEqual({ issuer: "https://a.test", introspection_endpoint: OPTIONS.url });
  expect([request.client, request.optionalParams]).toEqual([{ client_id: "app" }, { a: "b" }]);
  expect(request.options().signal).not.toBe(request.options().signal);
});

it.each<[object, string]>([
  [{ url: undefined }, "url"],
  [{ url: "nonsense" }, "url"],
  [{ url: "ftp://a.test/" }, "url"],
  [{ url: "http://a.test/" }, "url"],
  [{ url: "https://u:s3cret@a.test/" }, "url"],
  [{ url: "https://a.test/#s3cret" }, "url"],
  [{ clientId: undefined }, "clientId"],
  [{ clientId: "" }, "clientId"],
  [{ clientSecret: 7 }, "clientSecret"],
  [{ clientAuthentication: "jwt" }, "clientAuthentication"],
  [{ optionalParams: { a: 1 } }, "optionalParams"],
  [{ timeout: "5" }, "timeout"],
  [{ timeout: -1 }, "timeout"],
  [{ allowInsecureRequests: 1 }, "allowInsecureRequests"],
  [{ fetch: 1 }, "fetch"],
])("%j is refused, and no secret repeated", (options, name) => {
  expect(() => check(options)).toThrow(`Cannot use the option "${name}": `);
  expect(() => check(options)).not.toThrow("s3cret");
  expect(() => check({ url: "http://a.test/", allowInsecureRequests: true })).not.toThrow();
});

it("names the server without its query, and says whether it may be tried again", () => {
  const cause = new TypeError("fetch failed");
  const error = oauth2Error("Cannot connect", check({ url: "https://a.test/oauth" }), cause);
  expect(error).toBeInstanceOf(AuthError);
  expect(error).toMatchObject({
    message: "Cannot connect: the OAuth 2.0 server at a.test/oauth cannot be reached",
    temporary: true,
    cause,
  });
  const leaking = new TypeError("error sending request for url (https://a.test/oauth?x=s3cret)");
  const hidden = oauth2Error("Cannot connect", check({}), leaking);
  expect(hidden.message).toBe(error.message);
  expect(String(hidden.cause)).not.toContain("s3cret");
});
