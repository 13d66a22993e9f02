// A person before the example page: clicks, types, chooses files, and sees what is shown.

import assert from "node:assert/strict";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { until } from "./programs.mjs";

export class Person {
  /** @param {import("puppeteer-core").Page} page */
  constructor(page) {
    this.page = page;
  }

  /** @param {import("./browsers.mjs").Browser} browser @param {string} url */
  static async at(browser, url) {
    return new Person(await browser.open(url));
  }

  /** Presses a button by its name, once it can be pressed. @param {string} name */
  async press(name) {
    await this.page.locator(`button::-p-aria([name="${name}"])`).click();
  }

  /** The field with this label. @param {string} label */
  async #field(label) {
    const find = (/** @type {string} */ wanted) => {
      const found = [...document.querySelectorAll("label")].find(({ textContent }) => textContent === wanted);
      return /** @type {HTMLInputElement} */ (found?.control);
    };
    return this.page.evaluateHandle(find, label);
  }

  /** Types into an empty field. @param {string} label @param {string} text */
  async type(label, text) {
    const field = await this.#field(label);
    await until(`the field ${label}`, () => field.isVisible());
    await field.type(text);
  }

  /** @param {string} label @param {string[]} files their paths */
  async choose(label, ...files) {
    await (await this.#field(label)).uploadFile(...files);
  }

  /** All that can be seen. */
  async seen() {
    return this.page.evaluate(() => document.body.innerText);
  }

  /**
   * Waits until something can be seen.
   *
   * @param {string | RegExp} wanted
   * @param {number} [patience]
   * @returns {Promise<string[]>} what matched, and its groups
   */
  async see(wanted, patience) {
    let shown = "";
    const look = async () => {
      shown = await this.seen();
      if (typeof wanted === "string") return shown.includes(wanted) ? [wanted] : null;
      return wanted.exec(shown);
    };
    return until(`"${wanted}" on the page`, look, patience).catch((error) => {
      throw new Error(`${error.message}, which shows:\n${shown}`);
    });
  }

  /** What the page says of saltbridge, once it has looked. @returns {Promise<string>} */
  async state() {
    return until("what the page says of saltbridge", () =>
      this.page.evaluate(() => document.querySelector("#state")?.getAttribute("data-state")),
    );
  }

  /**
   * Waits until the page says this of saltbridge.
   *
   * @param {string} wanted
   */
  async seeState(wanted) {
    await until(`the state ${wanted}`, async () => (await this.state()) === wanted).catch(async (error) => {
      throw new Error(`${error.message}; it is ${await this.state()}:\n${await this.seen()}`);
    });
  }

  /** Pastes the code of `saltbridge pair`. @param {import("./desk.mjs").Desk} desk @param {string} [scopes] */
  async connect(desk, scopes) {
    const origin = await this.page.evaluate(() => location.origin);
    await this.type("Code", await desk.code(origin, scopes));
    await this.press("Connect");
    await this.see("Connected. This site may:");
  }

  /**
   * Encrypts a file for the profile's own key, and opens it again.
   *
   * @param {Pick<import("./lab.mjs").Lab, "desk" | "browser">} lab
   * @param {() => Promise<void>} [meanwhile] what else the person does
   */
  async opensFile({ desk, browser }, meanwhile) {
    const name = `report-${++this.#files}.csv`;
    const path = join(desk.folder, name);
    writeFileSync(path, `the content of ${name}`);
    await this.choose("Files", path);
    await this.press("Encrypt for the buyer");
    await this.see(`Save ${name}.sealed`);
    await this.choose("Encrypted files", await this.save(browser, `${name}.sealed`));
    await this.press("Decrypt");
    await meanwhile?.();
    await this.see(`Save ${name} (`);
    assert.equal(readFileSync(await this.save(browser, name), "utf8"), `the content of ${name}`);
  }

  #files = 0;

  /**
   * Follows the link that saves a file.
   *
   * @param {import("./browsers.mjs").Browser} browser
   * @param {string} name
   * @returns {Promise<string>} its path
   */
  async save(browser, name) {
    const path = join(browser.downloads, name);
    const size = await this.page.$eval(`a[download="${name}"]`, (link) => Number(/\((\d+) bytes\)/.exec(link.textContent)?.[1]));
    // Once it stands still: what is shown above it may still change.
    await this.page.locator(`a[download="${name}"]`).click();
    await until(`the download of ${name}`, () => statSync(path, { throwIfNoEntry: false })?.size === size);
    return path;
  }
}
