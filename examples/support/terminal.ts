/**
 * A person at a terminal, or a pipe: lines come in, and lines go out above the one that is being typed. What goes out
 * was written by others, so it can do nothing to the terminal but be read.
 */

import process from "node:process";
import { clearScreenDown, createInterface, cursorTo, type Interface, moveCursor } from "node:readline";

const { stdin, stdout } = process;
const PROMPT = "> ";

/** Control characters move the cursor, and worse; the others turn the direction in which a line is read. */
const TREACHEROUS = /[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu;

/** Cyan, magenta, yellow, green, blue, red. */
const COLOURS = [36, 35, 33, 32, 34, 31];

export class Terminal {
  readonly #isPerson = stdin.isTTY === true && stdout.isTTY === true;
  readonly #hasColours = stdout.isTTY === true && !process.env["NO_COLOR"];
  #readline: Interface | undefined;
  #lines: AsyncIterator<string> | undefined;
  #isClosed = false;

  /** Asks for a line. Resolves with an empty one when there is none. */
  async ask(question: string): Promise<string> {
    return await this.#next(question) ?? "";
  }

  /** The next line, undefined behind the last. A person's does not stay on the screen: what becomes of it is printed. */
  async line(): Promise<string | undefined> {
    const line = await this.#next(PROMPT);
    if (line !== undefined && this.#isPerson) {
      clearRows(1 + Math.floor((PROMPT.length + line.length) / stdout.columns));
    }
    return line;
  }

  /** Prints a line: what somebody said in his colour, anything else pale. */
  print(text: string): void {
    const line = this.#paint(text.replace(TREACHEROUS, "\ufffd"));
    if (!this.#isPerson || this.#readline === undefined) {
      console.log(line);
      return;
    }
    // To the end of what is being typed, where the cursor will be again.
    this.#readline.write(null, { ctrl: true, name: "e" });
    clearRows(this.#readline.getCursorPos().rows);
    stdout.write(`${line}\n${this.#readline.getPrompt()}${this.#readline.line}`);
  }

  /** Reads no more; who waits for a line gets undefined. Printing goes on. */
  close(): void {
    this.#isClosed = true;
    this.#readline?.close();
  }

  async #next(prompt: string): Promise<string | undefined> {
    if (this.#isClosed) return undefined;
    // The same one for all lines: those that came while nobody asked wait in it.
    this.#lines ??= this.#open()[Symbol.asyncIterator]();
    if (this.#isPerson) {
      this.#readline?.setPrompt(prompt);
      this.#readline?.prompt();
    }
    const { value, done } = await this.#lines.next();
    return done === true ? undefined : value;
  }

  #open(): Interface {
    const readline = createInterface({
      input: stdin,
      terminal: this.#isPerson,
      ...(this.#isPerson && { output: stdout }),
    });
    // By us, or at the end of the input, which Ctrl+C and Ctrl+D are at a prompt.
    readline.once("close", () => {
      this.#readline = undefined;
      if (this.#isPerson && !this.#isClosed) console.log();
    });
    this.#readline = readline;
    return readline;
  }

  #paint(line: string): string {
    if (!this.#hasColours) return line;
    const name = /^[^ :]+(?=: )/.exec(line)?.[0];
    if (name === undefined) return `\x1b[2m${line}\x1b[0m`;
    let sum = 0;
    for (const character of name) sum = (sum * 31 + character.codePointAt(0)!) % 65_521;
    return `\x1b[1;${COLOURS[sum % COLOURS.length]}m${name}\x1b[0m${line.slice(name.length)}`;
  }
}

/** Clears the row of the cursor, and so many above it. */
function clearRows(above: number): void {
  moveCursor(stdout, 0, -above);
  cursorTo(stdout, 0);
  clearScreenDown(stdout);
}
