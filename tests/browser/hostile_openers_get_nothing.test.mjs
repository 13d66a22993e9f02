// The handoff window talks to who opened it, and the bridge's own page is opened by whoever likes: neither does anything
// for a page that the person did not name.

import assert from "node:assert/strict";
import { after, afterEach, before, describe, it } from "node:test";

import { HANDOFF, OWN_PAGE } from "./support/attacks/openers.mjs";
import { attempt, hostileSite, state } from "./support/hostile.mjs";
import { Lab } from "./support/lab.mjs";
import { Server, emptyPage } from "./support/sites.mjs";

describe("a hostile page that opens the bridge's windows", () => {
  /** @type {Lab} */ let lab;
  /** @type {Server} */ let local;
  before(async () => {
    lab = await Lab.open();
    local = await new Server(hostileSite).listen();
    await lab.browser.permit(lab.evil, "granted");
  });
  after(async () => {
    await local.close();
    await lab.close();
  });
  afterEach(() => {
    const leaks = [...lab.server.asked, ...local.asked].filter((path) => path.includes("leak"));
    assert.deepEqual(leaks, [], "the window sent nothing elsewhere");
  });

  for (const [name, home] of /** @type {[string, () => string][]} */ ([
    ["a public page", () => lab.evil],
    ["a page at another port", () => `http://localhost:${local.port}`],
  ])) {
    describe(name, () => {
      /** @type {import("puppeteer-core").Page} */ let page;
      before(async () => {
        page = await lab.browser.open(`${home()}/`);
      });
      after(() => page.close());
      for (const attack of HANDOFF) {
        it(`and the handoff window: ${attack.name}`, async () => {
          await attempt(page, lab.desk, attack, { bridge: lab.desk.address, home: home() });
          await lab.browser.closeOthers(page);
        });
      }
      for (const attack of OWN_PAGE) {
        it(`and the bridge's own page: ${attack.name}`, async () => {
          const { address } = await lab.desk.run("open", "--print");
          await attempt(page, lab.desk, attack, { bridge: new URL(address).origin, home: home() });
          await lab.browser.closeOthers(page);
        });
      }
    });
  }

  it("does not come by a window that another site used", async () => {
    // Of one site in the browser's sense: otherwise Chromium itself keeps the second page from the window of the first.
    const first = await new Server(emptyPage).listen();
    const named = `http://localhost:${first.port}`;
    await lab.desk.code(named);
    const page = await lab.browser.open(`${named}/`);
    const request = { saltbridge: "request", method: "GET", target: "/v1/status", headers: {}, body: null };
    /** What the page in this tab hears within a second after it asked. @param {string} url @param {number} id */
    const asks = (url, id) =>
      page.evaluate(
        async (where, message) => {
          /** @type {any[]} */ const heard = [];
          addEventListener("message", ({ data }) => heard.push(data));
          const opened = window.open(where, "named", "popup,width=300,height=300");
          await new Promise((resolve) => setTimeout(resolve, 1000));
          opened?.postMessage(message, "*");
          await new Promise((resolve) => setTimeout(resolve, 1000));
          return heard.map(({ saltbridge, status = "" }) => `${saltbridge} ${status}`.trim());
        },
        url,
        { ...request, id },
      );
    assert.deepEqual(await asks(`${lab.desk.address}/handoff`, 1), ["ready", "answer 401"]);

    await page.goto(`http://localhost:${local.port}/`);
    const before = await state(lab.desk);
    const { length } = lab.desk.calls;
    // That window, or, where the browser keeps the two apart, a new one.
    assert.deepEqual(await asks("", 2), []);
    const calls = (await lab.desk.settledCalls()).slice(length).filter(({ who }) => !who.startsWith("a program"));
    assert.deepEqual(calls, []);
    assert.deepEqual(await state(lab.desk), before);
    await first.close();
  });
});
