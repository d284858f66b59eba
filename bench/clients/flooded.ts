/**
 * What every client under test owes the runner: it connects so many times to a server that floods it, counts what it
 * hears, and prints one line of JSON: messages, and the CPU time that this process took for them.
 */

import process from "node:process";

/** Opens one connection to `url`, resolves when it is open, and hands each message to `heard`. */
export type Connect = (url: string, heard: (message: string | Uint8Array | ArrayBuffer) => void) => Promise<unknown>;

/** A WebSocket as pages have it, whoever made it. */
interface PageSocket {
  binaryType: string;
  onmessage: ((event: { readonly data: string | ArrayBuffer }) => void) | null;
  onopen: (() => void) | null;
  onerror: ((event: unknown) => void) | null;
}

/** Connects with `open`, which makes such a WebSocket. */
export function pageConnect(open: (url: string) => unknown): Connect {
  return (url, heard) => {
    const socket = open(url) as PageSocket;
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => heard(data);
    return new Promise<void>((resolve, reject) => {
      socket.onopen = () => resolve();
      socket.onerror = reject;
    });
  };
}

/** Measures with what the command line says, and leaves; `exit`, so that a profile is written. */
export async function measureFlooded(connect: Connect): Promise<void> {
  const [url = "", ...numbers] = process.argv.slice(2);
  const [connections = 0, size = 0, warm = 0, seconds = 0] = numbers.map(Number);
  let messages = 0, wrong = 0;
  const heard = (message: string | Uint8Array | ArrayBuffer): void => {
    messages++;
    if ((typeof message === "string" ? message.length : message.byteLength) !== size) wrong++;
  };
  for (let i = 0; i < connections; i++) await connect(url, heard);
  await elapsed(warm);
  const before = messages, cpu = process.cpuUsage(), start = performance.now();
  await elapsed(seconds);
  const took = (performance.now() - start) / 1000, got = messages - before;
  const { user, system } = process.cpuUsage(cpu);
  const cpuSeconds = (user + system) / 1e6;
  console.log(JSON.stringify({
    opened: connections,
    errors: wrong,
    seconds: took,
    server_cpu_s: cpuSeconds,
    server_grown: 0,
    msgs_per_s: got / took,
    msgs_per_cpu_s: got / cpuSeconds,
  }));
  process.exit(0);
}

function elapsed(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}
