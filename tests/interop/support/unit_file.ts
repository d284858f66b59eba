/** A unit of systemd, read as far as it takes to start what it starts: no quotes, one specifier. */

/** An instance of a template. */
export interface Unit {
  /** The last value of a setting, or nothing. */
  get(setting: string): string | undefined;
  /** A setting in seconds. */
  seconds(setting: string): number;
  /** What is started. */
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/** Reads `text` as the unit of that instance. */
export function readUnit(text: string, instance: string): Unit {
  const settings = new Map<string, string[]>();
  for (const line of text.split("\n").filter((line) => line.trim() !== "" && !/^[#;[]/.test(line))) {
    const [, name, value] = /^(\w+)=(.*)$/.exec(line) ?? [];
    if (name === undefined || value === undefined) throw new Error(`Cannot read the line "${line}"`);
    if (/["'\\$]|%[^i]/.test(value)) throw new Error(`Cannot read what stands in "${line}"`);
    settings.set(name, [...settings.get(name) ?? [], value.replaceAll("%i", instance)]);
  }
  const get = (setting: string): string | undefined => settings.get(setting)?.at(-1);
  const environment = (settings.get("Environment") ?? []).flatMap((line) => line.split(" "))
    .map((assignment) => assignment.split("=") as [string, string]);
  return {
    get,
    seconds(setting) {
      const seconds = Number(get(setting));
      if (!(seconds > 0)) throw new Error(`Cannot read ${setting} as seconds`);
      return seconds;
    },
    command: (get("ExecStart") ?? "").split(" "),
    environment: Object.fromEntries(environment),
  };
}
