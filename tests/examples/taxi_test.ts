/** The taxis of examples/: a driver and two riders as programs, and what drivers may say. */

import { expect, it } from "vitest";
import { python } from "../../scripts/system_packages.ts";
import { needs } from "../interop/support/needs.ts";
import { PipedProgram } from "../support/piped_program.ts";
import { examplePrograms, hear, visit } from "./programs.ts";
import { Relay } from "./relay.ts";

const SLOW = { timeout: 60_000 };

const { run, serve } = examplePrograms("taxi/server.ts", "taxi/driver.ts", "taxi/rider.ts");

const DEGREES = String.raw`-?\d+\.\d{5}, -?\d+\.\d{5}`;

it(
  "X1: a driver tells where he is, and two riders hear it, one who was there before and one who comes late",
  SLOW,
  async () => {
    const { program: server, url } = await serve("taxi/server.ts");
    const early = run("taxi/rider.ts", {}, "ben", url);
    await early.wrote(/^Hi ben! You have successfully connected\.\n/);
    // He tells once, and then not for an hour: who comes late would hear nothing if nobody had kept it.
    const driver = run("taxi/driver.ts", { INTERVAL: "3600" }, "ada", url);
    await driver.wrote(/^Hi ada! Your location will be shared with the riders\n/m);
    const told = await early.wrote(
      new RegExp(`^Driver ada ready for a ride\nada updated the location (${DEGREES})\n`, "m"),
    );
    const late = run("taxi/rider.ts", {}, "cleo", url);
    await late.wrote(new RegExp(`^Hi cleo!.*\nada updated the location ${told[1]}\n`));
    expect(driver.output).toContain(`At ${told[1]}\n`);

    expect(await driver.kill("SIGINT")).toBe(0);
    await Promise.all([early, late].map((rider) => rider.wrote(/^ada got disconnected\n/m)));
    expect(await server.kill("SIGTERM")).toBe(0);
    await Promise.all([early, late].map((rider) => rider.wrote(/^The connection is lost/m)));
    expect(await Promise.all([early.kill("SIGTERM"), late.kill("SIGINT")])).toEqual([0, 0]);
    expect(server.output).toContain("Stopped: 2 connections closed, 0 cut\n");
  },
);

it("X1: a driver goes on telling, at the interval that is set, from a pipe that has ended", SLOW, async () => {
  const { url } = await serve("taxi/server.ts");
  const rider = await visit(`${url}/subscribe/ben`);
  const driver = run("taxi/driver.ts", { INTERVAL: "0.02", PORT: new URL(url).port });
  driver.write("Ada\n");
  driver.end();
  const [, ready, ...locations] = await hear(rider, 7);
  expect(ready).toBe("Driver Ada ready for a ride");
  for (const location of locations) expect(location).toMatch(new RegExp(`^Ada updated the location ${DEGREES}$`));
  expect(new Set(locations).size).toBe(5);
});

it("X1: a driver and a rider come back to a server that comes back", SLOW, async () => {
  const { program: server, url } = await serve("taxi/server.ts");
  const relay = await Relay.start(Number(new URL(url).port));
  const rider = run("taxi/rider.ts", {}, "ben", `ws://${relay.host}`);
  const driver = run("taxi/driver.ts", { INTERVAL: "0.02" }, "ada", `ws://${relay.host}`);
  await rider.wrote(/^ada updated the location/m);
  relay.target = undefined;
  expect(await server.kill("SIGTERM")).toBe(0);
  await Promise.all([rider, driver].map((program) => program.wrote(/^The connection is lost/m)));
  const { url: there } = await serve("taxi/server.ts");
  relay.target = Number(new URL(there).port);
  // He may be on his way again before he is greeted.
  await driver.wrote(/^Connected again\n[^]*^Hi ada!.*\n[^]*^At /m);
  await rider.wrote(/^Connected again\nHi ben!.*\n[^]*^ada updated the location/m);
  expect(await Promise.all([driver.kill("SIGTERM"), rider.kill("SIGINT")])).toEqual([0, 0]);
});

/** Drives for one location, and tells all that the rider hears until the driver is gone. */
const PYTHON = `
import asyncio, sys, websockets

async def main(url):
    async with websockets.connect(url + "/subscribe/ben") as rider:
        print(await rider.recv())
        async with websockets.connect(url + "/taxi/guido") as driver:
            print(await driver.recv())
            await driver.send('{"latitude": 52.37, "longitude": 4.89}')
            for _ in range(2):
                print(await rider.recv())
        print(await rider.recv())

asyncio.run(main(sys.argv[1]))
`;

it(
  "X1: a driver and a rider of Python are served like ours",
  SLOW,
  needs("python:websockets", async () => {
    const { url } = await serve("taxi/server.ts");
    const program = new PipedProgram([python(), "-c", PYTHON, url], {});
    expect([await program.ended, program.output.split("\n")]).toEqual([0, [
      "Hi ben! You have successfully connected.",
      "Hi guido! Your location will be shared with the riders",
      "Driver guido ready for a ride",
      "guido updated the location 52.37000, 4.89000",
      "guido got disconnected",
      "",
    ]]);
  }),
);

it("X1: what is no location closes the driver with 1003, and riders do not hear of it", SLOW, async () => {
  const { url } = await serve("taxi/server.ts");
  const rider = await visit(`${url}/subscribe/ben`);
  expect(await hear(rider, 1)).toEqual(["Hi ben! You have successfully connected."]);
  const bad = [
    "here",
    "null",
    "[]",
    '{"latitude":1}',
    '{"latitude":"1","longitude":1}',
    '{"latitude":90.1,"longitude":0}',
    '{"latitude":0,"longitude":-180.1}',
    '{"latitude":1e999,"longitude":0}',
  ];
  for (const message of bad) {
    const driver = await visit(`${url}/taxi/ada`);
    await driver.writeTextMessage(message);
    expect(await driver.closed).toMatchObject({ code: 1003, reason: expect.stringMatching(/JSON|Not a location/) });
    expect(await hear(rider, 2)).toEqual(["Driver ada ready for a ride", "ada got disconnected"]);
  }
  const driver = await visit(`${url}/taxi/ada`);
  await driver.writeMessage({ latitude: -90, longitude: 180 });
  expect(await hear(rider, 2)).toEqual([
    "Driver ada ready for a ride",
    "ada updated the location -90.00000, 180.00000",
  ]);
});

it("X1: a driver's name is there once, and names are checked; riders may share one", SLOW, async () => {
  const { url } = await serve("taxi/server.ts");
  await visit(`${url}/taxi/ada`);
  await expect(visit(`${url}/taxi/ADA`)).rejects.toMatchObject({ status: 409 });
  for (const path of ["taxi", "subscribe"]) {
    await expect(visit(`${url}/${path}/a%20b`)).rejects.toMatchObject({ status: 400 });
  }
  const riders = [await visit(`${url}/subscribe/ben`), await visit(`${url}/subscribe/ben`)];
  const heard = ["Hi ben! You have successfully connected.", "Driver ada ready for a ride"];
  for (const rider of riders) expect(await hear(rider, 2)).toEqual(heard);
});
