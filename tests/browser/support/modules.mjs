// The lab's npm packages. They lie outside of the source tree, where `tests/browser/lab build` puts them.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The project's folder. */
export const PROJECT = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));

/** Where the project builds. */
export const TARGET = process.env.CARGO_TARGET_DIR ?? join(PROJECT, "target");

const require = createRequire(join(TARGET, "browser-lab", "package.json"));

export const puppeteer = require("puppeteer-core");

/** The text of axe-core, to be run in a page. */
export function axe() {
  return readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
}
