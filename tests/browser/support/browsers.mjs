// Chromium and Firefox of the system, without windows, on a network that has this computer alone.
//
// A page on the https port counts as public, as NumerBay's does: the browser asks the person before it lets that page
// reach this computer. The person's answer is given beforehand, and can be changed.

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { puppeteer } from "./modules.mjs";
import { PATIENCE } from "./programs.mjs";

/** Which browser this run is for: `tests/browser/lab` says it. @type {"chromium" | "firefox"} */
export const BROWSER = process.env.SALTBRIDGE_BROWSER === "firefox" ? "firefox" : "chromium";

const NAMES = ["numerbay.test", "evil.test", "rebind.test"];

/** @typedef {"granted" | "denied" | "prompt"} Permission what the person answered; "prompt" if nothing yet */

/** @param {number} publicPort @param {string} downloads @returns {import("puppeteer-core").LaunchOptions} */
function chromium(publicPort, downloads) {
  const names = NAMES.map((name) => `MAP ${name} 127.0.0.1`).join(",");
  return {
    browser: "chrome",
    executablePath: "/usr/bin/chromium",
    downloadBehavior: { policy: "allow", downloadPath: downloads },
    args: [
      ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
      `--ip-address-space-overrides=127.0.0.1:${publicPort}=public`,
      `--host-resolver-rules=${names},MAP * ~NOTFOUND,EXCLUDE 127.0.0.1,EXCLUDE localhost`,
      "--no-proxy-server",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-domain-reliability",
      "--disable-sync",
      "--no-first-run",
      "--disable-gpu",
      "--disable-dev-shm-usage",
    ],
  };
}

/** @param {number} publicPort @param {string} downloads @returns {import("puppeteer-core").LaunchOptions} */
function firefox(publicPort, downloads) {
  return {
    browser: "firefox",
    executablePath: "/usr/bin/firefox-esr",
    extraPrefsFirefox: {
      "network.lna.enabled": true,
      "network.lna.blocking": true,
      "network.lna.websocket.enabled": true,
      "network.lna.address_space.public.override": `127.0.0.1:${publicPort}`,
      "network.dns.localDomains": NAMES.join(","),
      "network.proxy.type": 0,
      "network.captive-portal-service.enabled": false,
      "network.connectivity-service.enabled": false,
      "app.normandy.enabled": false,
      "services.settings.server": "data:,#remote-settings-dummy/v1",
      "browser.download.folderList": 2,
      "browser.download.dir": downloads,
      "browser.download.useDownloadDir": true,
      "browser.download.always_ask_before_handling_new_types": false,
    },
  };
}

export class Browser {
  #browser;
  #home;

  /** @param {import("puppeteer-core").Browser} browser @param {string} home */
  constructor(browser, home) {
    this.#browser = browser;
    this.#home = home;
  }

  /**
   * @param {number} publicPort the port of 127.0.0.1 that the browser takes for a public address
   */
  static async launch(publicPort) {
    const home = mkdtempSync(join(tmpdir(), "saltbridge-browser-"));
    const downloads = join(home, "downloads");
    mkdirSync(downloads);
    const options = (BROWSER === "chromium" ? chromium : firefox)(publicPort, downloads);
    const browser = await puppeteer.launch({
      ...options,
      headless: true,
      acceptInsecureCerts: true,
      // Watching the network, Firefox would keep every body in memory.
      networkEnabled: false,
      timeout: PATIENCE,
      protocolTimeout: 5 * PATIENCE,
      env: { ...process.env, HOME: home, XDG_RUNTIME_DIR: home },
    });
    return new Browser(browser, home);
  }

  /** Where the files are that were saved. */
  get downloads() {
    return join(this.#home, "downloads");
  }

  /**
   * Says for the person whether a site may reach this computer.
   *
   * @param {string} origin
   * @param {Permission} state
   */
  async permit(origin, state) {
    const permission = /** @type {any} */ ({ name: "loopback-network" });
    await this.#browser.defaultBrowserContext().setPermission(origin, { permission, state });
  }

  /** @param {string} [url] */
  async open(url) {
    const page = await this.#browser.newPage();
    page.setDefaultTimeout(PATIENCE);
    if (url) await page.goto(url);
    return page;
  }

  pages() {
    return this.#browser.pages();
  }

  /** Closes every other window. @param {import("puppeteer-core").Page[]} kept */
  async closeOthers(...kept) {
    for (const page of await this.pages()) if (!kept.includes(page)) await page.close().catch(() => {});
  }

  /** The memory of all its processes, in MiB (RSS: what they share counts each time). */
  memory() {
    /** @type {Map<string, string[]>} */
    const children = new Map();
    for (const name of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, "utf8");
        const [, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
        children.set(parent, [...(children.get(parent) ?? []), name]);
      } catch {
        // It has ended meanwhile.
      }
    }
    const pages = (/** @type {string} */ process) => {
      try {
        return Number(readFileSync(`/proc/${process}/statm`, "utf8").split(" ")[1]);
      } catch {
        return 0;
      }
    };
    /** @type {(process: string) => number} */
    const sum = (process) => (children.get(process) ?? []).reduce((total, child) => total + sum(child), pages(process));
    return Math.round((sum(String(this.#browser.process()?.pid)) * 4096) / 1024 / 1024);
  }

  async close() {
    await this.#browser.close();
    rmSync(this.#home, { recursive: true, force: true, maxRetries: 5 });
  }
}
