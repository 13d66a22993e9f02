// The lab is real: a page of the lab counts as public, its browser asks the person before that page reaches this
// computer, and what the person answers decides.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { BROWSER } from "./support/browsers.mjs";
import { Lab } from "./support/lab.mjs";

describe("a public page that fetches from this computer", () => {
  /** @type {Lab} */ let lab;
  before(async () => {
    lab = await Lab.open();
  });
  after(() => lab.close());

  /** @param {RequestMode} mode @returns {Promise<string>} */
  async function fetches(mode) {
    const page = await lab.browser.open(lab.evil);
    const came = await page.evaluate(
      async (url, how) => {
        const asked = fetch(url, { mode: how }).then(({ type }) => type, () => "failed");
        return Promise.race([asked, new Promise((resolve) => setTimeout(() => resolve("waits"), 2000))]);
      },
      `${lab.desk.address}/v1/status`,
      mode,
    );
    await page.close();
    return came;
  }

  it("reaches the bridge if the person allowed it, and is refused there", async () => {
    await lab.browser.permit(lab.evil, "granted");
    assert.equal(await fetches("cors"), "failed");
    assert.equal(await fetches("no-cors"), "opaque");
    const calls = await lab.desk.settledCalls();
    assert.deepEqual(calls.map(({ status, code }) => `${status} ${code}`), ["403 origin-unknown", "403 no-origin"]);
  });

  it("does not reach it if the person denied it", async () => {
    await lab.browser.permit(lab.evil, "denied");
    const { length } = lab.desk.calls;
    assert.equal(await fetches("no-cors"), "failed");
    assert.equal((await lab.desk.settledCalls()).length, length);
  });

  it("does not reach it while the person has not answered", async () => {
    await lab.browser.permit(lab.evil, "prompt");
    const { length } = lab.desk.calls;
    // Without a window Chromium cannot ask, and takes that for a no.
    assert.equal(await fetches("no-cors"), BROWSER === "chromium" ? "failed" : "waits");
    assert.equal((await lab.desk.settledCalls()).length, length);
  });
});
