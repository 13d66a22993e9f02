// The real program, where the environment variable SALTBRIDGE names it: an emulated Ledger and a bridge, in folders of
// their own, ended with the test.

import { execFile, spawn } from "node:child_process";
import { mkdtemp, mkdir, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";

const PROGRAM = process.env.SALTBRIDGE && resolve(process.env.SALTBRIDGE);

/** Why tests of the real program are left out, or false. Loud: a test run without it says so in its summary. */
export const skip = PROGRAM ? false : "*** SKIPPED: the environment variable SALTBRIDGE names no program ***";

export const ORIGIN = "https://numerbay.test";

/** What a browser adds by itself, and `fetch` of Node does not. */
export const platform = {
  origin: ORIGIN,
  fetch: (url, init) => fetch(url, { ...init, headers: { ...init.headers, origin: ORIGIN } }),
};

/** A machine with a Ledger and a bridge. */
export class Machine {
  #home;
  #children = new Set();

  static async start(t, { approve = "always", found = "app" } = {}) {
    const machine = new Machine();
    t.after(() => machine.#end());
    machine.#home = await mkdtemp(join(tmpdir(), "saltbridge-client-"));
    for (const folder of ["run", "state", "spool"]) await mkdir(join(machine.#home, folder), { mode: 0o700 });
    machine.device = `127.0.0.1:${await freePort()}`;
    const emulator = machine.#spawn(["emulate", "--listen", machine.device, "--approve", approve, "--start", found]);
    await emulator.wrote("Use it with");
    await machine.serve();
    return machine;
  }

  get #env() {
    const { PATH } = process.env;
    const home = this.#home;
    return { PATH, HOME: home, XDG_RUNTIME_DIR: join(home, "run"), XDG_STATE_HOME: join(home, "state"), TMPDIR: join(home, "spool") };
  }

  #spawn(args) {
    const child = spawn(PROGRAM, args, { env: this.#env, cwd: this.#home, stdio: ["ignore", "pipe", "pipe"] });
    const lines = [];
    const looks = new Set();
    for (const stream of [child.stdout, child.stderr]) {
      let rest = "";
      stream.setEncoding("utf8").on("data", (text) => {
        const whole = (rest + text).split("\n");
        rest = whole.pop();
        lines.push(...whole);
        for (const look of looks) look();
      });
    }
    child.lines = lines;
    child.ended = new Promise((resolve) => child.once("exit", resolve));
    child.wrote = (part) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const line = lines.find((one) => one.includes(part));
          if (line === undefined) return;
          looks.delete(look);
          resolve(line);
        };
        looks.add(look);
        look();
        child.ended.then(() => reject(new Error(`it ended without "${part}": ${lines.join("\n")}`)));
      });
    this.#children.add(child);
    return child;
  }

  /** Starts the bridge, at the port that it had before. */
  async serve() {
    const port = this.address ? new URL(this.address).port : "0";
    this.bridge = this.#spawn(["serve", "--port", port, "--json", "--device", `speculos://${this.device}`, "-vvv"]);
    this.address = JSON.parse(await this.bridge.wrote('"url"')).url;
  }

  async stop(signal = "SIGTERM") {
    this.bridge.kill(signal);
    await this.bridge.ended;
    this.#children.delete(this.bridge);
  }

  /** Another command, to its end. */
  async run(...args) {
    const { stdout } = await promisify(execFile)(PROGRAM, args, { env: this.#env, cwd: this.#home });
    return stdout;
  }

  async code(...args) {
    return JSON.parse(await this.run("pair", ORIGIN, "--json", ...args)).code;
  }

  async #end() {
    for (const child of this.#children) child.kill("SIGKILL");
    await Promise.all([...this.#children].map((child) => child.ended));
    await rm(this.#home, { recursive: true, force: true });
  }
}

/** A port that nobody has just now. */
export async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}
