// Every state of the own page, in the light and in the dark, wide and narrow: axe-core finds nothing against it, and
// nothing is wider than the window.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { SCENES, set } from "./screenshots_scenes.mjs";
import { BROWSER, Browser } from "./support/browsers.mjs";

/** Width and height; the narrow one is that of WCAG's success criterion 1.4.10. */
const SIZES = /** @type {const} */ ([[1100, 800], [320, 640]]);

describe("everybody can use", () => {
  /** @type {Browser} */ let browser;
  before(async () => void (browser = await Browser.launch(1)));
  after(() => browser.close());

  for (const [name, scene] of Object.entries(SCENES)) {
    const skip = BROWSER === "firefox" && scene.answer ? "puts answers in the place of others through a protocol that Firefox does not have" : false;
    it(name, { skip }, async () => {
      const { own, clear } = await set(scene, browser, (own) => own.look("light"));
      try {
        for (const scheme of /** @type {const} */ (["light", "dark"])) {
          for (const [width, height] of SIZES) {
            if (!(await own.look(scheme, width, height))) continue;
            assert.deepEqual(await own.faults(), [], `${scheme}, ${width} pixels wide`);
            const wider = await own.page.evaluate(() => {
              const boxes = [document.documentElement, ...document.querySelectorAll("dialog[open]")];
              return Math.max(...boxes.map((box) => box.scrollWidth - box.clientWidth));
            });
            assert.ok(wider <= 0, `${scheme}: ${wider} pixels wider than ${width}`);
          }
        }
      } finally {
        await clear();
      }
    });
  }
});

describe("axe-core", () => {
  it("finds what is wrong", async () => {
    const browser = await Browser.launch(1);
    const { own, clear } = await set({}, browser, (own) => own.look("light"));
    await own.page.evaluate(() => document.getElementById("connect-origin")?.removeAttribute("aria-describedby"));
    await own.go("sites");
    await own.page.evaluate(() => {
      document.querySelector("label[for=connect-origin]")?.remove();
      document.getElementById("connect-run")?.setAttribute("class", "small");
      const run = document.getElementById("sites-title");
      if (run) run.style.color = "#ccc";
    });
    const faults = await own.faults();
    for (const rule of ["label", "color-contrast"]) assert.ok(faults.some((fault) => fault.startsWith(rule)), `${rule}: ${faults}`);
    await clear();
    await browser.close();
  });
});
