/** A chat: everybody hears everybody. `PORT` chooses the port, 9090 by default. */

import { broadcast, type Caller, type CloseFrame, closeFrame, type Service, UpgradeError } from "../../mod.ts";
import { checkName } from "../support/check_name.ts";
import { listenerOn, runListener } from "../support/run_listener.ts";

/** How many may be in the chat at once. */
const MOST_MEMBERS = 200;
/** How long a message may be, in characters. */
const LONGEST_MESSAGE = 500;

/** Who is in the chat, by what stands for his name. */
const members = new Map<string, Caller>();

/** Who takes nothing for so long that 256 KiB wait for him is closed; nobody else waits for him. */
function tellAll(text: string): void {
  broadcast(members.values(), text, { policy: "close" });
}

/** The service of one member. */
class Chat implements Service {
  readonly #key: string;
  readonly #name: string;

  constructor(key: string, name: string) {
    this.#key = key;
    this.#name = name;
  }

  onOpen(caller: Caller): CloseFrame | string {
    // Two with one name may have been let in at once.
    if (isTaken(this.#key)) return closeFrame(1008, takenText(this.#name));
    tellAll(`${this.#name} connected to chat`);
    members.set(this.#key, caller);
    return `Hi ${this.#name}! You have successfully connected to the chat`;
  }

  onTextMessage(_caller: Caller, text: string): string | undefined {
    if (text.length > LONGEST_MESSAGE) return `Nobody heard that: ${LONGEST_MESSAGE} characters are the most`;
    // One line: a second one might read like somebody else's words.
    tellAll(`${this.#name}: ${text.replace(/[\p{Cc}\u2028\u2029]+/gu, " ")}`);
  }

  onClose(caller: Caller): void {
    if (members.get(this.#key) !== caller) return;
    members.delete(this.#key);
    tellAll(`${this.#name} left the chat`);
  }
}

/** Not by somebody who is being closed, which takes as long as he is slow: he may come back. */
function isTaken(key: string): boolean {
  return members.get(key)?.isOpen() === true;
}

function takenText(name: string): string {
  return `Somebody called ${name} is in the chat already`;
}

const listener = listenerOn(9090);
listener.attach("/chat/:name", {
  maxMessageSize: 16_384,
  maxBufferedAmount: 262_144,
  // Who left without a word is missed within their sum.
  pingInterval: 10,
  pongTimeout: 5,
  get(_request, { params: { name } }) {
    const key = checkName(name);
    if (isTaken(key)) return new UpgradeError(409, takenText(name));
    if (members.size >= MOST_MEMBERS) return new UpgradeError(503, "The chat is full");
    return new Chat(key, name);
  },
});
await runListener(listener);
console.log(`A chat on ${listener.url}/chat/<name>`);
