/**
 * A Dockerfile, carried out without Docker: what it copies and runs happens in a folder that stands for the image, with
 * the programs of this machine. Its base image is not there, and neither are its users, its mounts and its network.
 * An instruction that is not known here is an error, and so is a form that the documents do not use.
 */

import { cp, mkdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { runCommand } from "../../../scripts/command.ts";

/** What is there when all of it has been carried out. */
export interface Image {
  readonly base: string;
  readonly environment: Readonly<Record<string, string>>;
  /** The folder that the last WORKDIR stands for. */
  readonly folder: string;
  readonly user: string | undefined;
  readonly exposed: readonly number[];
  readonly stopSignal: NodeJS.Signals;
  /** Of the health check. */
  readonly health: readonly string[];
  readonly command: readonly string[];
}

interface Draft {
  base: string | undefined;
  readonly environment: Record<string, string>;
  workdir: string;
  user: string | undefined;
  readonly exposed: number[];
  stopSignal: NodeJS.Signals;
  health: string[] | undefined;
  command: string[] | undefined;
}

/**
 * Carries out `text`.
 *
 * @param context the folder that COPY copies from
 * @param root the folder that stands for the image's `/`
 * @param outside the environment of its commands, besides what it sets itself
 */
export async function buildImage(
  text: string,
  context: string,
  root: string,
  outside: Readonly<Record<string, string>>,
): Promise<Image> {
  const draft: Draft = {
    base: undefined,
    environment: {},
    workdir: "/",
    user: undefined,
    exposed: [],
    stopSignal: "SIGTERM",
    health: undefined,
    command: undefined,
  };
  const folder = (): string => join(root, draft.workdir);
  const steps: Readonly<Record<string, (rest: string) => unknown>> = {
    FROM(image) {
      if (draft.base !== undefined) throw new Error("Cannot build in stages");
      draft.base = image;
    },
    ENV(assignments) {
      for (const assignment of assignments.split(" ")) {
        const [, name, value] = /^(\w+)=([\w./:,-]*)$/.exec(assignment) ?? [];
        if (name === undefined || value === undefined) throw new Error(`Cannot read ENV ${assignments}`);
        draft.environment[name] = value;
      }
    },
    async WORKDIR(path) {
      draft.workdir = join(draft.workdir, path.startsWith("/") ? path : `/${path}`);
      await mkdir(folder(), { recursive: true });
    },
    async COPY(words) {
      const sources = words.split(" ");
      const target = sources.pop()!;
      if (words.includes("--") || target.startsWith("/")) throw new Error(`Cannot read COPY ${words}`);
      for (const source of sources) {
        // Of a folder its contents are copied, to a folder of that name; of a file itself, into the folder.
        const to = target.endsWith("/") ? join(target, basename(source)) : target;
        await cp(join(context, source), join(folder(), to), { recursive: true });
      }
    },
    async RUN(command) {
      const script = `cd "$FOLDER" && ${command}`;
      const env = { ...outside, ...draft.environment, FOLDER: folder() };
      const { ok, output, failure } = await runCommand("sh", ["-c", script], { env, timeout: 25 });
      if (!ok) throw new Error(`RUN ${command}: ${failure}\n${output}`);
    },
    USER: (user) => draft.user = user,
    EXPOSE: (ports) => draft.exposed.push(...ports.split(" ").map(Number)),
    STOPSIGNAL: (signal) => draft.stopSignal = signal as NodeJS.Signals,
    HEALTHCHECK(rest) {
      const [, options = "", form] = /^((?:--\w+(?:-\w+)*=\d+s )*)CMD (.*)$/.exec(rest) ?? [];
      const unknown = options.match(/--[\w-]+/g)?.filter((option) => !HEALTH_OPTIONS.includes(option));
      if (form === undefined || unknown?.length) throw new Error(`Cannot read HEALTHCHECK ${rest}`);
      draft.health = execForm(form);
    },
    CMD: (form) => draft.command = execForm(form),
  };
  for (const line of text.split("\n").filter((line) => line.trim() !== "" && !line.startsWith("#"))) {
    const [, instruction = "", rest = ""] = /^(\w+) (.*)$/.exec(line) ?? [];
    const step = steps[instruction];
    if (step === undefined) throw new Error(`Cannot carry out "${line}"`);
    if (draft.base === undefined && instruction !== "FROM") throw new Error("A Dockerfile begins with FROM");
    await step(rest);
  }
  const { base, health, command, workdir: _, ...rest } = draft;
  if (base === undefined || health === undefined || command === undefined) throw new Error("Something is missing");
  return { ...rest, base, health, command, folder: folder() };
}

const HEALTH_OPTIONS = ["--interval", "--timeout", "--start-period", "--retries"];

/** The form in which no shell stands between Docker and the program: a list in JSON. */
function execForm(form: string): string[] {
  const words: unknown = form.startsWith("[") ? JSON.parse(form) : undefined;
  if (!Array.isArray(words) || !words.every((word) => typeof word === "string")) {
    throw new Error(`A shell would be PID 1: ${form}`);
  }
  return words;
}
