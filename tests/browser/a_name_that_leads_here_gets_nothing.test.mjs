// DNS rebinding: a page was loaded from somebody's server, and then its name leads to this computer. For the browser the
// bridge is now the page's own server: no preflight, no Origin with GET, answers can be read. The bridge knows its
// address by number alone.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { Browser } from "./support/browsers.mjs";
import { Desk } from "./support/desk.mjs";
import { ATTACKS, hostileSite, state } from "./support/hostile.mjs";
import { Server } from "./support/sites.mjs";

describe("a page whose name leads to this computer now", () => {
  /** @type {Browser} */ let browser;
  /** @type {Desk} */ let desk;
  /** @type {import("puppeteer-core").Page} */ let page;
  let home = "";

  before(async () => {
    const server = await new Server(hostileSite).listen();
    const { port } = server;
    home = `http://rebind.test:${port}`;
    browser = await Browser.launch(1);
    page = await browser.open(`${home}/`);
    await page.waitForFunction(() => "attack" in globalThis);
    await server.close();
    desk = await Desk.withBridge({ port });
    await desk.code("https://numerbay.test");
  });
  after(async () => {
    await browser.close();
    await desk.clear();
  });

  /** What this page may read: that it is not wanted, and where it is itself. @param {string} text */
  function isRefusal(text) {
    const body = text.startsWith('{"leaked"') ? JSON.parse(text).leaked : text.replace(/^basic (421|403) /, "");
    if (body === "" || body === "421" || body.startsWith(home)) return true;
    if (!body.startsWith("{")) return false;
    const { code, request_id, ...rest } = JSON.parse(body);
    const isPlain = !/numerbay|0x[0-9a-f]{40}|\/tmp\//i.test(JSON.stringify(rest));
    return ["other-host", "no-upgrade"].includes(code) && /^[0-9a-f]{16}$/.test(request_id) && isPlain;
  }

  for (const attack of ATTACKS) {
    it(`reads that it is not wanted, and nothing else: ${attack.name}`, async () => {
      const earlier = await state(desk);
      const read = await page.evaluate((name, aim) => globalThis.attack(name, aim), attack.name, { bridge: home, home });
      assert.deepEqual(read.filter((text) => !isRefusal(text)), []);
      await desk.settledCalls();
      assert.deepEqual(await state(desk), earlier);
      await browser.closeOthers(page);
    });
  }

  it("was refused by its name, each time", async () => {
    const refusals = desk.calls.filter(({ who }) => who === "somebody");
    const codes = new Set(refusals.map(({ status, code }) => `${status} ${code}`));
    // What asks for another protocol is not even asked for its name.
    assert.deepEqual(codes, new Set(["421 other-host", "403 no-upgrade"]));
    assert.ok(refusals.length > 500, "they did arrive");
  });
});
