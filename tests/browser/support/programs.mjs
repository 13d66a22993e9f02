// Programs that a test starts: what they say is kept, and they end with the test.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";

/** How long anything may take. Machines are loaded. */
export const PATIENCE = 60_000;

/** @type {Set<Program>} */
const running = new Set();
process.on("exit", () => {
  for (const program of running) program.child.kill("SIGKILL");
});
for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"])) process.once(signal, () => process.exit(1));

/**
 * Waits until `look` finds something, and gives that.
 *
 * @template T
 * @param {string} what is waited for, for the message
 * @param {() => T | Promise<T>} look
 * @param {number} [patience] in milliseconds
 * @returns {Promise<Exclude<T, null | undefined | false>>}
 */
export async function until(what, look, patience = PATIENCE) {
  const end = Date.now() + patience;
  for (;;) {
    const found = await look();
    if (found) return /** @type {Exclude<T, null | undefined | false>} */ (found);
    if (Date.now() > end) throw new Error(`waited in vain for ${what}`);
    await sleep(25);
  }
}

/** A program that runs until it is stopped. */
export class Program {
  #said = "";

  /**
   * @param {string} command
   * @param {string[]} parameters
   * @param {{env: NodeJS.ProcessEnv, cwd: string}} options
   */
  constructor(command, parameters, { env, cwd }) {
    this.command = [command, ...parameters].join(" ");
    this.child = spawn(command, parameters, { env, cwd, stdio: "pipe" });
    this.child.stdout.setEncoding("utf8").on("data", (text) => (this.#said += text));
    this.child.stderr.setEncoding("utf8").on("data", (text) => (this.#said += text));
    // Who is gone reads nothing more.
    this.child.stdin.on("error", () => {});
    this.ended = once(this.child, "close");
    running.add(this);
    void this.ended.then(() => running.delete(this));
  }

  /** Everything that it has said, on both channels. */
  get said() {
    return this.#said;
  }

  /**
   * Waits until it says something that it had not said at `from`.
   *
   * @param {RegExp} wanted
   * @param {number} [from]
   * @returns {Promise<RegExpExecArray>}
   */
  async says(wanted, from = 0) {
    return until(`${wanted} from ${this.command}, which said ${this.#said.slice(from)}`, () => {
      const found = wanted.exec(this.#said.slice(from));
      if (!found && this.child.exitCode !== null) throw new Error(`${this.command} ended: ${this.#said}`);
      return found;
    });
  }

  /** @param {NodeJS.Signals} [signal] */
  async stop(signal = "SIGINT") {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill(signal);
    await this.ended;
  }
}
