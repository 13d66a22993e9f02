// Pictures of the bridge's own page, in every state: docs/screenshots.
//
//     node tests/browser/screenshots.mjs [REGEX]

import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { withPalette } from "./screenshots_png.mjs";
import { SCENES, set } from "./screenshots_scenes.mjs";
import { Browser } from "./support/browsers.mjs";
import { PROJECT } from "./support/modules.mjs";

/** @typedef {import("./own_page.mjs").OwnPage} OwnPage */
/** @typedef {import("./screenshots_scenes.mjs").Scene} Scene */

const FOLDER = join(PROJECT, "docs/screenshots");
const [, , only] = process.argv;

/** @type {Record<"light" | "dark" | "narrow", ["light" | "dark", number, number]>} */
const LOOKS = { light: ["light", 1100, 780], dark: ["dark", 1100, 780], narrow: ["light", 360, 740] };

/** @param {OwnPage} own @param {string} name @param {boolean} top */
async function shoot(own, name, top) {
  await own.page.mouse.move(1, 1);
  await own.page.evaluate(() => scrollTo(0, 0));
  const isDialog = (await own.page.$("dialog[open]")) !== null;
  const height = await own.page.evaluate(() => Math.ceil(document.getElementById("device")?.getBoundingClientRect().bottom ?? 0) + 24);
  const { width = 0 } = own.page.viewport() ?? {};
  const extent = top ? { clip: { x: 0, y: 0, width, height } } : { fullPage: !isDialog };
  const png = await own.page.screenshot(/** @type {import("puppeteer-core").ScreenshotOptions} */ (extent));
  writeFileSync(join(FOLDER, `${name}.png`), withPalette(Buffer.from(png)));
}

if (only === undefined) rmSync(FOLDER, { recursive: true, force: true });
mkdirSync(FOLDER, { recursive: true });
const browser = await Browser.launch(1);
try {
  for (const [name, scene] of Object.entries(SCENES)) {
    if (!new RegExp(only ?? "").test(name)) continue;
    for (const look of /** @type {const} */ (["light", "dark", "narrow"])) {
      if (look !== "light" && !scene.also?.includes(look)) continue;
      const { own, clear } = await set(scene, browser, (own) => own.look(...LOOKS[look]));
      await sleep(300);
      const file = look === "light" ? name : `${name}-${look}`;
      await shoot(own, file, scene.top ?? false);
      await clear();
      console.log(file);
    }
  }
} finally {
  await browser.close();
}
