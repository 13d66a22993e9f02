// A code lets in the one site for which the person asked, to do what the person allowed; and what is revoked is out.

import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";

import { OwnPage, Stage, recorded } from "./own_page.mjs";
import { Browser } from "./support/browsers.mjs";

const SITE = "https://numerbay.test";

describe("the own page", () => {
  /** @type {Browser} */ let browser;
  /** @type {Stage} */ let stage;
  /** @type {OwnPage} */ let own;
  before(async () => void (browser = await Browser.launch(1)));
  after(() => browser.close());
  beforeEach(async () => {
    stage = await Stage.set();
    own = await OwnPage.open(browser, stage);
    await own.see("Your Ledger is ready");
    await own.go("sites");
    await own.see("No site is connected.");
  });
  afterEach(async () => {
    await own.page.close();
    await stage.clear();
  });

  /** @param {string} origin */
  const ask = async (origin) => {
    await own.page.$eval("#connect-origin", (input) => (/** @type {HTMLInputElement} */ (input).value = ""));
    await own.page.type("#connect-origin", origin);
    await own.page.click("#connect-run");
  };

  const codeFor = async (/** @type {string} */ origin) => {
    await ask(origin);
    await own.see(`Code for ${origin}`);
    return own.code();
  };

  /** @param {Promise<unknown>} call @returns {Promise<string>} the code of the refusal */
  const refusal = (call) =>
    call.then(
      () => "none",
      (error) => error.code,
    );

  it("lets a site in, and says what it may do", async () => {
    const code = await codeFor(SITE);
    assert.match(code, /^[0-9A-Z]{4}(-[0-9A-Z]{4}){3}$/);
    await own.see(`Paste it into ${SITE} and nowhere else.`);
    await own.see("It will be allowed to make key pairs, open files and seal files.");
    const site = await stage.pair(SITE, code);
    await own.see(`${SITE} is connected`);
    assert.deepEqual((await site.status()).scopes, ["create", "decrypt", "encrypt"]);
    const { pairings } = await stage.run("pairings", "list");
    assert.deepEqual(pairings.map((/** @type {{origin: string}} */ { origin }) => origin), [SITE], "the page itself is not kept");
  });

  it("shows a code for its site alone, once", async () => {
    const code = await codeFor(SITE);
    assert.equal(await refusal(stage.pair("https://evil.test", code)), "origin-unknown");
    await stage.pair(SITE, code);
    assert.equal(await refusal(stage.pair(SITE, code)), "not-invited");
  });

  it("grants what is ticked, and nothing else", async () => {
    await own.page.click("input[name=create]");
    await own.page.click("input[name=encrypt]");
    await own.page.click("input[name=export]");
    const site = await stage.pair(SITE, await codeFor(SITE));
    await own.see("export your private key");
    assert.deepEqual((await site.status()).scopes, ["decrypt", "export"]);
    for (const name of ["decrypt", "export"]) await own.page.click(`input[name=${name}]`);
    await ask(SITE);
    await own.see("Choose at least one thing that it may ask for.");
  });

  it("says what is no site's address, and invites nobody then", async () => {
    /** @type {Array<[string, string]>} */
    const addresses = [
      ["", "Give the site’s address"],
      ["numerbay.test", "An origin begins with https://."],
      ["https://numerbay.test/market", "An origin has no path, query or fragment."],
      ["http://numerbay.test", "plain http can be changed by anybody between"],
      ["https://user@numerbay.test", "An origin has no user name."],
      ["https://nümerbay.test", "ASCII"],
    ];
    for (const [address, why] of addresses) {
      await ask(address);
      await own.see(why);
      assert.equal(await own.page.$eval("#connect-origin", (input) => input.getAttribute("aria-invalid")), "true");
      assert.equal((await own.focused()).id, "connect-origin");
    }
    assert.equal(await own.page.$(".group"), null);
  });

  it("counts the code's time down, says so now and then, and makes a new one", async () => {
    await own.page.evaluate(() => {
      const now = Date.now.bind(Date);
      Object.assign(globalThis, { later: 0 });
      Date.now = () => now() + /** @type {any} */ (globalThis).later;
    });
    const code = await codeFor(SITE);
    await own.see("1:5");
    const pass = (/** @type {number} */ seconds) => own.page.evaluate((later) => void Object.assign(globalThis, { later }), seconds * 1000);
    await pass(61);
    await own.see("0:5");
    await own.see("seconds left for the code.");
    await pass(125);
    await own.see("The code has ended");
    assert.ok(!(await own.text()).includes(code));
    await pass(0);
    await own.page.click("#connect-code button");
    await own.see(`Code for ${SITE}`);
    await own.see("left");
    const another = await own.code();
    assert.notEqual(another, code);
    await stage.pair(SITE, another);
    await own.see(`${SITE} is connected`);
  });

  it("revokes a site in all its browsers, and nobody else", async () => {
    const other = "https://other.test";
    const sites = [];
    for (const origin of [SITE, SITE, other]) sites.push(await stage.pair(origin, (await stage.run("pair", origin)).code));
    const [first, second, third] = sites;
    const { text, public_key, address } = recorded();
    await first?.unwrap({ envelope: text, public_key, address });
    await own.go("open");
    await own.go("sites");
    await own.see(other);
    const buttons = await own.page.$$(".site button");
    const labels = await Promise.all(buttons.map((button) => button.evaluate((node) => node.textContent)));
    assert.deepEqual(labels, [`Revoke ${SITE}`, `Revoke ${other}`]);
    await buttons[0]?.click();
    await own.see("in all 2 browsers");
    await own.page.click("#confirm .danger");
    await own.see(`${SITE} is revoked.`);
    for (const site of [first, second]) assert.equal(await refusal(/** @type {NonNullable<typeof site>} */ (site).status()), "origin-unknown");
    assert.equal((await third?.status())?.interface, 1);
    assert.match(stage.bridge?.said ?? "", /One key was forgotten: the pairing was revoked/);
  });

  it("takes the answer to one question for no other's", async () => {
    await stage.pair(SITE, (await stage.run("pair", SITE)).code);
    await own.go("open");
    await own.go("sites");
    await own.see(`Revoke ${SITE}`);
    await own.page.evaluate(() => {
      const press = (/** @type {string} */ selector) => /** @type {HTMLElement} */ (document.querySelector(selector)).click();
      press(".site button");
      press("#confirm button:last-child");
      press(".site button");
    });
    await new Promise((done) => setTimeout(done, 500));
    await own.page.click("#confirm .danger");
    await own.see("No site is connected.");
  });
});
