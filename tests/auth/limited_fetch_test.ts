import { expect, it } from "vitest";
import { limitedFetch } from "../../src/auth/limited_fetch.ts";
import { AuthError } from "../../src/errors.ts";

const answer = (response: Response) => limitedFetch(() => Promise.resolve(response))("http://a.test/", {});

it("passes answers on as they are", async () => {
  const response = await answer(new Response('{"a":1}', { status: 401, headers: { "www-authenticate": "Bearer" } }));
  expect([response.status, response.headers.get("www-authenticate"), await response.json()]).toEqual(
    [401, "Bearer", { a: 1 }],
  );
  expect((await answer(new Response(null, { status: 204 }))).status).toBe(204);
  expect(await (await answer(new Response("x".repeat(1_048_576)))).text()).toHaveLength(1_048_576);
});

it("cuts what is longer than a mebibyte", async () => {
  let cancelled = false;
  const endless = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(new Uint8Array(100_000)),
    cancel: () => void (cancelled = true),
  });
  const error = await answer(new Response(endless)).catch((error: unknown) => error);
  expect(error).toBeInstanceOf(AuthError);
  expect(cancelled).toBe(true);
});
