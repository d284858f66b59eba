import { expect, it } from "vitest";
import { Client, Listener } from "../../src/adapters/default.ts";

it("Client and Listener work on this runtime with nothing else in hand", async () => {
  await using listener = new Listener(0, { host: "127.0.0.1" });
  listener.attach("/echo", { get: () => ({ onMessage: (_caller, message) => message }) });
  await listener.start();
  const client = await Client.connect(`${listener.url}/echo`);
  expect(client).toBeInstanceOf(Client);
  await client.writeTextMessage("hello");
  expect(await client.readTextMessage()).toBe("hello");
  await client.close();
});

it("connect tells a bad URL as a rejection, the constructor at once", async () => {
  await expect(Client.connect("nowhere")).rejects.toThrow(TypeError);
  expect(() => new Client("nowhere")).toThrow(TypeError);
});
