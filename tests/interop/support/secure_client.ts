/**
 * A client of ours in a program of its own: which authority it trusts is decided when its runtime starts. Goes to `URL`
 * as a page of `ORIGIN` would, and prints what it saw.
 */

import process from "node:process";
import { Client } from "../../../mod.ts";

const MEBIBYTE = 1_048_576;

const client = await Client.connect(process.env["URL"]!, { origin: process.env["ORIGIN"]! });
await client.writeTextMessage("over TLS");
await client.writeBinaryMessage(new Uint8Array(MEBIBYTE));
const text = await client.readTextMessage();
const { length } = await client.readBinaryMessage();
const { code, clean } = await client.close();
console.log(JSON.stringify({ secure: client.isSecure(), text, length, code, clean }));
