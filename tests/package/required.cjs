/** The same once more in CommonJS: what a `require` gets works like what an `import` gets. Prints one line. */

const { Client, ConnectionClosureError, Listener } = require("hawser");
const { Router } = require("hawser/node");

async function main() {
  const listener = new Listener(0, { host: "127.0.0.1" });
  listener.attach("/echo", { get: () => ({ onMessage: (_caller, message) => message }) });
  await listener.start();
  const client = await Client.connect(`${listener.url}/echo`);
  await client.writeTextMessage("hello");
  const answer = await client.readTextMessage();
  const { code } = await client.close();
  const gone = await client.readTextMessage().catch((error) => error instanceof ConnectionClosureError);
  await listener.gracefulStop({ timeout: 5 });
  // The package is there once, whichever way it is loaded.
  const imported = await import("hawser");
  const once = imported.Client === Client && imported.Router === Router;
  console.log(`${answer}, closed with ${code}, ${gone ? "told" : "not told"}, loaded ${once ? "once" : "twice"}`);
}

main();
