// A person's desk: a Ledger in software, a bridge, and the person's own commands, in folders that are nobody else's.

import { execFile } from "node:child_process";
import { mkdtempSync, mkdirSync, rmSync } from "node:fs";
import { request } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

import { TARGET } from "./modules.mjs";
import { PATIENCE, Program, until } from "./programs.mjs";

const SALTBRIDGE = process.env.SALTBRIDGE ?? join(TARGET, "debug", "saltbridge");
const RIGHT = "\x1b[C";
const BOTH = "\r";

/** One line of the bridge's log: who asked for what, and what came of it. */
const CALL = /^ {2}(.+): ([A-Z]+) (\S+) → (\d{3})(?: (\S+))? \([0-9a-f]{16}\)$/gm;

/** What the bridge says before the device asks: to a page's first question, and to the second of two. */
const PROMPT = /asks your Ledger for a signature|^Request \d+ of \d+: the same message again/gm;

/** @typedef {{who: string, method: string, path: string, status: number, code: string | undefined}} Call */

export class Desk {
  /** The program. */
  program = SALTBRIDGE;
  /** @type {Program | null} */
  #bridge = null;
  /** @type {Program | null} */
  #ledger = null;
  /** What bridges said that were stopped. */
  #before = "";
  #device = "";
  #port = 0;

  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), "saltbridge-desk-"));
    const inside = ["home", "run", "state"].map((name) => join(this.folder, name));
    for (const path of inside) mkdirSync(path, { mode: 0o700 });
    const [HOME, XDG_RUNTIME_DIR, XDG_STATE_HOME] = inside;
    this.env = { PATH: process.env.PATH, LANG: "C.UTF-8", SHELL: "/bin/sh", HOME, XDG_RUNTIME_DIR, XDG_STATE_HOME };
  }

  /**
   * A desk with a Ledger and a bridge.
   *
   * @param {{approve?: "always" | "never" | "ask", port?: number}} [options]
   */
  static async withBridge({ approve = "always", port = 0 } = {}) {
    const desk = new Desk();
    await desk.startLedger(approve);
    await desk.startBridge(port);
    return desk;
  }

  /** @param {"always" | "never" | "ask"} approve */
  async startLedger(approve) {
    const emulate = ["emulate", "--listen", "127.0.0.1:0", "--approve", approve];
    // Its buttons are the keyboard of a terminal.
    const command = approve === "ask" ? ["script", "-qec", [SALTBRIDGE, ...emulate].join(" "), "/dev/null"] : [SALTBRIDGE, ...emulate];
    this.#ledger = new Program(command[0], command.slice(1), { env: this.env, cwd: this.folder });
    this.#device = (await this.#ledger.says(/speculos:\/\/127\.0\.0\.1:\d+/))[0];
    if (approve === "ask") await this.#ledger.says(/app is ready/);
  }

  /** @param {number} [port] the one that it had, or any */
  async startBridge(port = this.#port) {
    const options = ["serve", "--port", String(port), "--json", "-vvv", "--device", this.#device];
    this.#bridge = new Program(SALTBRIDGE, options, { env: this.env, cwd: this.folder });
    this.#port = Number((await this.#bridge.says(/"url":"http:\/\/127\.0\.0\.1:(\d+)"/))[1]);
  }

  async stopBridge() {
    await this.#bridge?.stop();
    this.#before += this.#bridge?.said ?? "";
    this.#bridge = null;
  }

  async restartBridge() {
    await this.stopBridge();
    await this.startBridge();
  }

  /** Where the bridge is, also while it is stopped. */
  get address() {
    return `http://127.0.0.1:${this.#port}`;
  }

  get port() {
    return this.#port;
  }

  /** Everything that the bridge said. */
  get log() {
    return this.#before + (this.#bridge?.said ?? "");
  }

  /** The calls in the bridge's log. @returns {Call[]} */
  get calls() {
    return [...this.log.matchAll(CALL)].map(([, who, method, path, status, code]) => ({
      who,
      method,
      path,
      status: Number(status),
      code,
    }));
  }

  /** The calls once no more come. */
  async settledCalls() {
    for (;;) {
      const { length } = this.calls;
      await sleep(120);
      if (this.calls.length === length) return this.calls;
    }
  }

  /** How often the device was to ask, as the bridge says. */
  get prompts() {
    return [...this.log.matchAll(PROMPT)].length;
  }

  /** How often the device asked, as the device says; of one that answers by itself. */
  get asked() {
    return [...(this.#ledger?.said ?? "").matchAll(/^(approves|refuses): /gm)].length;
  }

  #seen = 0;

  /** Waits until the device asks anew; of one with buttons, as what follows. */
  async deviceAsks() {
    await this.#ledger?.says(/Review message/, this.#seen);
  }

  /**
   * Presses a key of the terminal in which the device is, and waits for what it shows then.
   *
   * @param {string} key
   * @param {RegExp} shown
   */
  async key(key, shown) {
    const from = this.#ledger?.said.length;
    this.#ledger?.child.stdin.write(key);
    return this.#ledger?.says(shown, from);
  }

  /** Pages through what the device asks, and approves it. @returns {Promise<{salt: string}>} what it showed */
  async approve() {
    await this.deviceAsks();
    const screens = [];
    for (;;) {
      const [page] = (await this.key(RIGHT, /Message \(\d+\/\d+\)[^]*?└|Sign message/)) ?? [];
      if (page === undefined || page === "Sign message") break;
      screens.push(page);
    }
    const from = this.#ledger?.said.length ?? 0;
    const signed = await this.key(BOTH, /Message signed/);
    // The next question may be there already.
    this.#seen = from + (signed?.index ?? 0);
    const text = screens.join("").replaceAll(/Message \(\d+\/\d+\)|[│└\s]|\x1b\[[\d;?]*[a-zA-Z]/g, "");
    return { salt: /Salt:([\w+/]{43}=)/.exec(text)?.[1] ?? text };
  }

  /**
   * One of the person's own commands.
   *
   * @param {...string} parameters
   * @returns {Promise<any>} its JSON
   */
  async run(...parameters) {
    const options = { env: this.env, cwd: this.folder, timeout: PATIENCE };
    const { stdout } = await promisify(execFile)(SALTBRIDGE, [...parameters, "--json"], options);
    return stdout.trim() ? JSON.parse(stdout) : null;
  }

  /**
   * @param {string} origin
   * @param {string} [scopes] as `--scope` takes them
   * @returns {Promise<string>} the code
   */
  async code(origin, scopes) {
    const { code } = await this.run("pair", origin, ...(scopes ? ["--scope", scopes] : []));
    return code;
  }

  /** Who is paired. */
  async pairings() {
    return (await this.ask("/v1/pairings")).pairings;
  }

  /** @param {string} origin */
  async revoke(origin) {
    await this.run("pairings", "revoke", origin);
  }

  /**
   * What the bridge tells the person's own programs.
   *
   * @param {string} path
   * @returns {Promise<any>}
   */
  async ask(path) {
    const options = { socketPath: join(this.env.XDG_RUNTIME_DIR, "saltbridge.sock"), path, host: "localhost" };
    const answer = await new Promise((resolve, reject) => request(options, resolve).on("error", reject).end());
    let text = "";
    for await (const piece of answer) text += piece;
    return JSON.parse(text);
  }

  async clear() {
    await this.#bridge?.stop();
    await this.#ledger?.stop("SIGKILL");
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A port of this computer at which nobody listens. */
export async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(null)));
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export { until };
