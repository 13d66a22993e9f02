// Whatever a page does that nobody named: it reads nothing, changes nothing, and the device asks nothing. The attacks
// are a table: support/attacks/. Each is made from each kind of page, at the bridge's port and at its own page's.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { FETCHES } from "./support/attacks/fetches.mjs";
import { ATTACKS, attempt, hostileSite, state } from "./support/hostile.mjs";
import { Lab } from "./support/lab.mjs";
import { Person } from "./support/person.mjs";
import { Server } from "./support/sites.mjs";

describe("hostile pages", () => {
  /** @type {Lab} */ let lab;
  /** @type {Person} */ let person;
  /** @type {Server} */ let local;

  before(async () => {
    lab = await Lab.open();
    local = await new Server(hostileSite).listen();
    await lab.browser.permit(lab.evil, "granted");
    person = await Person.at(lab.browser, lab.origin);
  });
  after(async () => {
    await local.close();
    await lab.close();
  });

  it("are told from a page that the person named: its calls are let in, and are seen", async () => {
    const before = await state(lab.desk);
    await person.connect(lab.desk);
    await person.press("Generate key pair");
    await person.see("Your profile has a new key pair");
    await holdsKey();
    const now = await state(lab.desk);
    assert.equal(now.pairings.length, before.pairings.length + 1);
    assert.equal(now.prompts, before.prompts + 3);
    assert.equal(now.asked, before.asked + 3);
    const own = lab.desk.calls.filter(({ who }) => who === lab.origin);
    assert.ok(own.some(({ method, path, status }) => method === "POST" && path === "/v1/unwrap" && status === 200));
  });

  it("are told from a page that has a code: what that one can read is seen", async () => {
    const named = await new Server(hostileSite).listen();
    const home = `http://localhost:${named.port}`;
    await lab.desk.code(home);
    const page = await lab.browser.open(`${home}/`);
    const aim = { bridge: lab.desk.address, home };
    const read = await page.evaluate((name, at) => globalThis.attack(name, at), FETCHES[0].name, aim);
    assert.ok(read.some((text) => text.startsWith("cors 401 ") && text.includes("no-signature")), "it reads that it has to sign");
    await assert.rejects(attempt(page, lab.desk, FETCHES[0], aim), /nothing was read/);
    await page.close();
    await named.close();
  });

  /** Opens a small file in the person's page. */
  function holdsKey() {
    return person.page.evaluate(async () => {
      const { bridge, decryptfileV2 } = await import(new URL("/numerbay.js", location.href).href);
      const { public_key_v2 } = await (await fetch("/backend-api/v1/users/me")).json();
      const file = await bridge.encrypt(public_key_v2, new Blob(["content"]));
      return (await decryptfileV2(file)).text();
    });
  }

  /**
   * @param {string} name
   * @param {import("./support/attacks/fetches.mjs").Attack[]} table
   * @param {() => string} home
   * @param {() => Promise<string>} aimAt
   */
  function attacks(name, table, home, aimAt) {
    describe(name, () => {
      /** @type {import("puppeteer-core").Page} */ let page;
      before(async () => {
        page = await lab.browser.open(`${home()}/`);
      });
      after(() => page.close());
      for (const attack of table) {
        it(attack.name, async () => {
          await attempt(page, lab.desk, attack, { bridge: await aimAt(), home: home() });
          await lab.browser.closeOthers(page, person.page);
        });
      }

      it("and after all that the person's page still has its pairing and its key", async () => {
        const { prompts } = lab.desk;
        assert.equal(await holdsKey(), "content");
        assert.equal(lab.desk.prompts, prompts, "the key was still held");
      });
    });
  }

  const bridge = async () => lab.desk.address;
  attacks("a public page that may reach this computer", ATTACKS, () => lab.evil, bridge);
  attacks("a page at another port of localhost", ATTACKS, () => `http://localhost:${local.port}`, bridge);
  // Of the same site, in the browser's sense: what is fetched says so.
  attacks("a page at another port of 127.0.0.1", FETCHES, () => `http://127.0.0.1:${local.port}`, bridge);

  // It waits two minutes for its window.
  let ownPage = { address: "", since: -Infinity };
  attacks("a public page, towards the bridge's own page", ATTACKS, () => lab.evil, async () => {
    if (performance.now() - ownPage.since > 60_000) {
      ownPage = { ...(await lab.desk.run("open", "--print")), since: performance.now() };
    }
    return new URL(ownPage.address).origin;
  });
});
