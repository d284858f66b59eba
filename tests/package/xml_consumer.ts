/** The same for `hawser/xml`, with the package installed that it needs: XML in messages. Prints one line. */

import { Client, Listener, PayloadBindingError } from "../../mod.ts";
import { type FormatBinder, xml, xmlWithin } from "../../src/peers/xml.ts";

const listener = new Listener(0, { host: "127.0.0.1" });
listener.attach("/echo", { get: () => ({ onMessage: (_caller, message) => message }) });
await listener.start();
const client = await Client.connect(`${listener.url}/echo`);
const short: FormatBinder<unknown> = xmlWithin({ maxLength: 20 });
for (const message of ['<a b="1">&lt;</a>', "<!DOCTYPE a><a/>", `<a>${"long ".repeat(10)}</a>`]) {
  await client.writeTextMessage(message);
}
const value = await client.readMessage(xml);
const refused: unknown = await client.readMessage(xml).catch((error: unknown) => error);
if (!(refused instanceof PayloadBindingError)) throw new Error("It took a document type");
const tooLong: unknown = await client.readMessage(short).catch((error: unknown) => error);
if (!(tooLong instanceof PayloadBindingError)) throw new Error("It took what is too long");
await client.close();
await listener.gracefulStop({ timeout: 5 });
console.log(`${JSON.stringify(value)}, ${refused.code}, ${tooLong.issues.length}`);
