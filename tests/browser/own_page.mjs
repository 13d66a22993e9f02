// What the tests of the bridge's own page stand on: a Ledger in any state, a bridge, and the page in a window.

import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

import { MemoryKeys, Saltbridge } from "../../web/client/src/index.js";
import { PROJECT, TARGET, axe } from "./support/modules.mjs";
import { PATIENCE, Program, until } from "./support/programs.mjs";

/** @typedef {import("./support/browsers.mjs").Browser} Browser */

export const SALTBRIDGE = process.env.SALTBRIDGE ?? join(TARGET, "debug", "saltbridge");

/** What was recorded of NumerBay's own clients, for the test seed that the emulated Ledger has. */
const vectors = JSON.parse(readFileSync(join(PROJECT, "tests/vectors/numerbay-v2.json"), "utf8"));
const ENVELOPE = "env-speculos-44h_60h_0h_0_0-v27";

/** A recorded envelope: its text, public key and address. */
/** @param {string} [id] */
export function recorded(id = ENVELOPE) {
  const found = vectors.envelopes.find((/** @type {{id: string}} */ one) => one.id === id);
  const wallet = vectors.wallets.find((/** @type {{id: string}} */ one) => one.id === found.wallet);
  return { text: found.envelope, public_key: found.public_key, key_file: found.key_file, address: wallet.address };
}

/** A profile, as `users/me` gives it. @param {string} [id] that of its envelope */
export function profile(id) {
  const { text, public_key, address } = recorded(id);
  const columns = { public_key_v2: public_key, encrypted_private_key_v2: text, public_key: null, encrypted_private_key: null };
  return JSON.stringify({ id: 7, username: "buyer", email: null, public_address: address.toLowerCase(), ...columns });
}

/** A desk whose Ledger may be in any state. */
export class Stage {
  /** @type {Program | null} */
  ledger = null;
  /** @type {Program | null} */
  bridge = null;

  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), "saltbridge-own-page-"));
    const inside = ["home", "run", "state"].map((name) => join(this.folder, name));
    for (const path of inside) mkdirSync(path, { mode: 0o700 });
    const [HOME, XDG_RUNTIME_DIR, XDG_STATE_HOME] = inside;
    this.env = { PATH: process.env.PATH, LANG: "C.UTF-8", SHELL: "/bin/sh", TERM: "dumb", HOME, XDG_RUNTIME_DIR, XDG_STATE_HOME };
  }

  /**
   * @param {{approve?: "always" | "never" | "ask", start?: "app" | "dashboard" | "locked" | "other-app", model?: string, usb?: boolean}} [options]
   *   `usb`: no emulated Ledger, but what is plugged in here
   */
  static async set({ approve = "always", start = "app", model = "nanosp", usb = false } = {}) {
    const stage = new Stage();
    let device = "usb";
    if (!usb) {
      const emulate = ["emulate", "--listen", "127.0.0.1:0", "--approve", approve, "--start", start, "--model", model];
      // Its buttons are the keyboard of a terminal.
      const command = approve === "ask" ? ["script", "-qec", [SALTBRIDGE, ...emulate].join(" "), "/dev/null"] : [SALTBRIDGE, ...emulate];
      stage.ledger = new Program(command[0] ?? "", command.slice(1), { env: stage.env, cwd: stage.folder });
      device = (await stage.ledger.says(/speculos:\/\/127\.0\.0\.1:\d+/))[0];
    }
    const options = ["serve", "--port", "0", "-vvv", "--device", device];
    stage.bridge = new Program(SALTBRIDGE, options, { env: stage.env, cwd: stage.folder });
    await stage.bridge.says(/Listening at http:\/\/127\.0\.0\.1:\d+/);
    // What is signed in the second in which the bridge began to listen is stale, and would be signed a second time.
    await sleep(1000);
    return stage;
  }

  /** Keys of the emulated Ledger: l locks and unlocks, o opens and closes the app, u unplugs and plugs in, r rejects. @param {string} keys */
  press(keys) {
    this.ledger?.child.stdin.write(keys);
  }

  /** Pages through what the device asks and approves it, as its buttons would. */
  async approve() {
    await this.asks();
    for (;;) {
      const shown = await this.#shows("\x1b[C", /Message \(\d+\/\d+\)|Sign message|Reject message/);
      if (shown === "Sign message") break;
    }
    // The next question may be there as soon as this one is answered.
    const from = this.#screen.said.length;
    await this.#shows("\r", /Message signed/);
    this.#from = from;
  }

  /** Rejects what the device asks. */
  async reject() {
    await this.asks();
    const from = this.#screen.said.length;
    await this.#shows("r", /Message rejected/);
    this.#from = from;
  }

  /** Waits until the device asks. */
  async asks() {
    await this.#screen.says(/Review message/, this.#from);
  }

  get #screen() {
    return /** @type {Program} */ (this.ledger);
  }

  /** @param {string} key @param {RegExp} wanted @returns {Promise<string>} what it shows then */
  async #shows(key, wanted) {
    const from = this.#screen.said.length;
    this.press(key);
    return (await this.#screen.says(wanted, from))[0];
  }

  #from = 0;

  /**
   * One of the person's own commands.
   * @param {...string} parameters
   * @returns {Promise<any>} its JSON
   */
  async run(...parameters) {
    const options = { env: this.env, cwd: this.folder, timeout: PATIENCE };
    const { stdout } = await promisify(execFile)(SALTBRIDGE, [...parameters, "--json"], options);
    return stdout.trim() ? JSON.parse(stdout) : null;
  }

  /** The address that lets one window in. @returns {Promise<string>} */
  async address() {
    return (await this.run("open", "--print")).address;
  }

  /** A file of the desk's. @param {string} name @param {string | Buffer} content @returns {string} its path */
  file(name, content) {
    const path = join(this.folder, name);
    writeFileSync(path, content);
    return path;
  }

  /**
   * A file that is sealed for the recorded key.
   * @param {string} name @param {string} content
   * @param {string} [publicKey]
   */
  async sealed(name, content, publicKey = recorded().public_key) {
    const plain = this.file(name, content);
    await this.run("encrypt", plain, "--to", publicKey, "-o", `${plain}.sealed`, "--force");
    return `${plain}.sealed`;
  }

  /**
   * A site that pairs with the bridge, as its page would.
   * @param {string} origin
   * @param {string} code
   * @returns {Promise<Saltbridge>}
   */
  async pair(origin, code) {
    const address = /Listening at (http:\/\/127\.0\.0\.1:\d+)/.exec(this.bridge?.said ?? "")?.[1] ?? "";
    // What a browser adds by itself.
    const asBrowser = (/** @type {string} */ url, /** @type {RequestInit} */ init) =>
      fetch(url, { ...init, headers: { .../** @type {Record<string, string>} */ (init.headers), origin } });
    const site = new Saltbridge({ address, keys: new MemoryKeys() }, { origin, fetch: asBrowser });
    await site.pair(code);
    return site;
  }

  async clear() {
    await this.ledger?.stop("SIGKILL");
    // One that is told to stop waits until the device's question is answered.
    await this.bridge?.stop("SIGKILL");
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** The own page in a window. */
export class OwnPage {
  /** What the page's policy forbade, and what its scripts did not expect. @type {string[]} */
  troubles = [];

  /** @param {import("puppeteer-core").Page} page */
  constructor(page) {
    this.page = page;
    page.on("pageerror", (error) => this.troubles.push(String(error)));
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warn") this.troubles.push(message.text());
    });
    // Whoever loads it again is asked first, if he would lose something.
    page.on("dialog", (dialog) => void dialog.accept());
  }

  /**
   * @param {Browser} browser
   * @param {Stage} stage
   * @param {string} [address]  Another one than a fresh one of the stage's.
   */
  static async open(browser, stage, address) {
    const own = new OwnPage(await browser.open());
    own.#downloads = browser.downloads;
    // Another file of the same name would be given another one.
    for (const name of readdirSync(browser.downloads)) rmSync(join(browser.downloads, name));
    await own.page.evaluateOnNewDocument(() => {
      /** @type {string[]} */
      const violations = [];
      Object.assign(globalThis, { violations });
      addEventListener("securitypolicyviolation", (event) => violations.push(`${event.violatedDirective} ${event.blockedURI}`));
    });
    await own.page.goto(address ?? (await stage.address()));
    return own;
  }

  #downloads = "";

  async violations() {
    return this.page.evaluate(() => /** @type {any} */ (globalThis).violations);
  }

  /** Everything that stands on it, to be read; nothing while it is on its way to another page. */
  async text() {
    return this.page.evaluate(() => document.body.innerText.replace(/\s+/g, " ")).catch(() => "");
  }

  /** Waits until it can be read there. @param {string} text */
  async see(text) {
    let last = "";
    const look = async () => (last = await this.text()).includes(text);
    await until(`“${text}”`, look).catch((error) => {
      throw new Error(`${error.message}; it said: ${last}; troubles: ${this.troubles.join(", ")}`);
    });
  }

  /** Waits until it can not be read there any more. @param {string} text */
  async seeGone(text) {
    await until(`“${text}” to go`, async () => !(await this.text()).includes(text));
  }

  /** @param {"open" | "seal" | "create" | "export" | "sites"} name */
  async go(name) {
    await this.page.click(`#to-${name}`);
    await this.page.waitForSelector(`#view-${name}:not([hidden])`);
  }

  /** Gives files to one of the page's choosers. @param {string} selector @param {...string} paths */
  async choose(selector, ...paths) {
    const input = /** @type {import("puppeteer-core").ElementHandle<HTMLInputElement>} */ (await this.page.$(selector));
    await input.uploadFile(...paths);
  }

  /** Drops files on it. @param {...{name: string, content: string | Buffer}} files */
  async drop(...files) {
    const given = files.map(({ name, content }) => ({ name, base64: Buffer.from(content).toString("base64") }));
    await this.page.evaluate((given) => {
      const carried = new DataTransfer();
      for (const { name, base64 } of given) {
        carried.items.add(new File([Uint8Array.from(atob(base64), (char) => char.charCodeAt(0))], name));
      }
      document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: carried, bubbles: true, cancelable: true }));
    }, given);
  }

  /** The pairing code that it shows. @returns {Promise<string>} */
  async code() {
    return this.page.$$eval(".group", (groups) => groups.map((group) => group.textContent).join("-"));
  }

  /** What was saved under this name, once it is whole. @param {string} name @returns {Promise<Buffer>} */
  async saved(name) {
    const look = () => {
      const path = join(this.#downloads, name);
      return existsSync(path) && !existsSync(`${path}.part`) ? readFileSync(path) : null;
    };
    return until(`${name} in the downloads`, async () => {
      const first = look();
      // Firefox begins with an empty file.
      await sleep(first?.length === 0 ? 1500 : 200);
      return first !== null && look()?.equals(first) ? first : null;
    });
  }

  /** What the keyboard is at. */
  async focused() {
    return this.page.evaluate(() => {
      const at = document.activeElement;
      return { id: at?.id ?? "", text: at?.textContent?.trim() ?? "", tag: at?.tagName ?? "", inDialog: at?.closest("dialog[open]") !== null };
    });
  }

  /**
   * Presses Tab, or Shift and Tab, until the keyboard is at what has this ID or reads like this.
   * @param {string} wanted
   */
  async tabTo(wanted) {
    const isBehind = await this.page.evaluate((wanted) => {
      const all = [...document.querySelectorAll("a, button, input, textarea, summary")];
      const found = all.find((one) => one.id === wanted || (one.textContent?.trim() === wanted && one.checkVisibility()));
      const position = found?.compareDocumentPosition(document.activeElement ?? document.body) ?? 0;
      return (position & Node.DOCUMENT_POSITION_FOLLOWING) !== 0;
    }, wanted);
    for (let presses = 0; presses < 60; presses += 1) {
      const { id, text } = await this.focused();
      if (id === wanted || text === wanted) return;
      if (isBehind) await this.page.keyboard.down("Shift");
      await this.page.keyboard.press("Tab");
      if (isBehind) await this.page.keyboard.up("Shift");
    }
    throw new Error(`Tab does not lead to ${wanted}; it is at ${JSON.stringify(await this.focused())}`);
  }

  /** Does what is at this place with the keyboard alone. @param {string} wanted @param {"Enter" | " "} [key] */
  async pressAt(wanted, key = "Enter") {
    await this.tabTo(wanted);
    await this.page.keyboard.press(key);
  }

  /** What axe-core has to say against it. @returns {Promise<string[]>} */
  async faults() {
    await this.page.evaluate(axe());
    return this.page.evaluate(async () => {
      // Of WCAG 2.2, and off if nothing is said.
      const rules = { "target-size": { enabled: true } };
      const { violations } = await /** @type {any} */ (globalThis).axe.run({ rules });
      return violations.flatMap((/** @type {any} */ { id, nodes }) => nodes.map((/** @type {any} */ node) => `${id}: ${node.target.join(" ")}: ${node.failureSummary}`));
    });
  }

  /**
   * How it is looked at.
   * @param {"light" | "dark"} scheme
   * @returns {Promise<boolean>} whether this browser can be told so
   */
  async look(scheme, width = 1100, height = 800) {
    await this.page.setViewport({ width, height });
    const features = [
      { name: "prefers-color-scheme", value: scheme },
      { name: "prefers-reduced-motion", value: "reduce" },
    ];
    const done = this.page.emulateMediaFeatures(features).then(
      () => true,
      () => false,
    );
    return (await done) || scheme === "light";
  }
}

export { until };
