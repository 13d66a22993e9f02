// The example page itself: no fault that axe-core finds, in any state, light or dark, wide or narrow; and a keyboard is
// enough.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import { BROWSER } from "./support/browsers.mjs";
import { Lab } from "./support/lab.mjs";
import { axe } from "./support/modules.mjs";
import { Person } from "./support/person.mjs";

/** Firefox cannot be told of the dark. @type {[number, string][]} */
const LOOKS = [[1100, "light"], [360, "light"], ...(BROWSER === "chromium" ? /** @type {[[number, string]]} */ ([[1100, "dark"]]) : [])];

describe("the example page", () => {
  /** @type {Lab} */ let lab;
  /** @type {Person} */ let person;
  before(async () => {
    lab = await Lab.open({ approve: "ask" });
    person = await Person.at(lab.browser, lab.origin);
    await person.seeState("not-paired");
  });
  after(() => lab.close());

  /** @param {string} state for the message */
  async function isFaultless(state) {
    const { page } = person;
    await page.evaluate(axe());
    for (const [width, scheme] of LOOKS) {
      await page.setViewport({ width, height: 780 });
      if (BROWSER === "chromium") await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
      const faults = await page.evaluate(async () => {
        const { violations } = await globalThis.axe.run(document, { resultTypes: ["violations"] });
        return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
      });
      assert.deepEqual(faults, [], `${state}, ${scheme}, ${width} wide`);
      const isTooWide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
      assert.equal(isTooWide, false, `${state}: nothing to scroll sideways at ${width}`);
    }
  }

  it("has no fault before it is connected", () => isFaultless("not connected"));

  it("is worked by keyboard, from the code to the file", async () => {
    const { page } = person;
    /** Goes on to an element, as the Tab key does. */
    const reach = async (/** @type {string} */ id) => {
      for (let presses = 0; presses < 40; presses++) {
        await page.keyboard.press("Tab");
        if ((await page.evaluate(() => document.activeElement?.id)) === id) return;
      }
      assert.fail(`${id} is not reached by keyboard`);
    };
    await reach("code");
    await page.keyboard.type(await lab.desk.code(lab.origin));
    await page.keyboard.press("Enter");
    await person.see("Connected.");

    await reach("generate");
    await page.keyboard.press("Enter");
    await person.see("(1 of 2)");
    await isFaultless("the Ledger asks");
    await lab.desk.approve();
    await person.see("(2 of 2)");
    await lab.desk.approve();
    await person.see("Your profile has a new key pair");
    await isFaultless("an outcome");

    const path = join(lab.desk.folder, "report.csv");
    writeFileSync(path, "content");
    await person.choose("Files", path);
    await reach("encrypt");
    await page.keyboard.press(" ");
    await person.see("Save report.csv.sealed (55 bytes)");
    await isFaultless("a file to save");
  });

  it("has no fault where something failed", async () => {
    await lab.desk.stopBridge();
    await person.press("Generate key pair");
    await person.seeState("not-running");
    await isFaultless("a failure");
  });
});
