// Everything on the own page is done with the keyboard alone. Where the focus is, a screen reader is, too.

import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";

import { OwnPage, Stage, profile } from "./own_page.mjs";
import { BROWSER, Browser } from "./support/browsers.mjs";

const SITE = "https://numerbay.test";

describe("by keyboard alone a person", () => {
  /** @type {Browser} */ let browser;
  /** @type {Stage} */ let stage;
  /** @type {OwnPage} */ let own;
  before(async () => void (browser = await Browser.launch(1)));
  after(() => browser.close());
  beforeEach(async () => {
    stage = await Stage.set();
    own = await OwnPage.open(browser, stage);
    await own.see("Your Ledger is ready");
  });
  afterEach(async () => {
    assert.deepEqual(own.troubles, []);
    await own.page.close();
    await stage.clear();
  });

  /** @param {string} view */
  const goTo = async (view) => {
    await own.pressAt(`to-${view}`);
    await own.page.waitForSelector(`#view-${view}:not([hidden])`);
    assert.equal((await own.focused()).id, `${view}-title`, "reading goes on at the view's heading");
  };

  const pasteProfile = async (/** @type {string} */ text) => {
    await own.pressAt("Paste it instead");
    await own.page.keyboard.press("Tab");
    assert.equal((await own.focused()).tag, "TEXTAREA");
    await own.page.keyboard.type(text);
    await own.pressAt("Use this text");
    await own.see("the pasted text");
  };

  it("comes to everything in the order in which it is read", async () => {
    await own.page.keyboard.press("Tab");
    assert.equal((await own.focused()).text, "Skip to the work");
    const order = [];
    for (let presses = 0; presses < 14; presses += 1) {
      await own.page.keyboard.press("Tab");
      const { id, text } = await own.focused();
      order.push(id || text);
    }
    const expected = ["device-check", "to-open", "to-seal", "to-create", "to-export", "to-sites", "open-choose"];
    assert.deepEqual(order.slice(0, expected.length), expected);
    assert.deepEqual(order.slice(expected.length + 1, expected.length + 4), ["Paste it instead", "How do I get it?", "open-run"]);
  });

  it("skips to the work", async () => {
    await own.page.keyboard.press("Tab");
    await own.page.keyboard.press("Enter");
    assert.equal((await own.focused()).id, "open-title");
    await own.page.keyboard.press("Tab");
    assert.equal((await own.focused()).id, "open-choose");
  });

  it("opens a file", async () => {
    const sealed = await stage.sealed("report.csv", "id,prediction\n");
    await own.tabTo("open-choose");
    if (BROWSER === "chromium") {
      const [chooser] = await Promise.all([own.page.waitForFileChooser(), own.page.keyboard.press(" ")]);
      await chooser.accept([sealed]);
    } else {
      // Firefox lets nobody but a person answer what it opens then.
      await own.choose("#open-choose", sealed);
    }
    await own.see("report.csv.sealed");
    await pasteProfile(profile());
    await own.pressAt("open-run");
    await own.see("1 file opened.");
    assert.equal((await own.focused()).text, "Save report.csv", "the next thing to do");
    await own.pressAt("keys-forget");
    await own.see("No key is unlocked.");
    assert.equal((await own.focused()).id, "device-check", "the button that is gone has passed the focus on");
    // Last of all: Firefox shows its downloads then, and they have the keyboard.
    await own.pressAt("Save report.csv");
    assert.equal(String(await own.saved("report.csv")), "id,prediction\n");
    await own.see("opened and saved");
  });

  it("is told what is missing, and brought there", async () => {
    await own.pressAt("open-run");
    await own.see("Give your profile first");
    assert.equal((await own.focused()).text, "Your profile");
    await pasteProfile(profile());
    await own.pressAt("open-run");
    await own.see("Choose the sealed files first.");
    assert.equal((await own.focused()).id, "open-choose");
  });

  it("makes a key pair", async () => {
    await goTo("create");
    await own.pressAt("create-run");
    await own.see("Approval 1 of 2");
    assert.equal((await own.focused()).inDialog, true, "while it is asked, the focus is in the dialog");
    await own.see("Your new key pair");
    assert.equal((await own.focused()).id, "created-title");
    await own.tabTo("Copy the public key");
    await own.tabTo("Copy the envelope");
    await own.page.keyboard.press("Tab");
    const { text } = await own.focused();
    assert.match(text, /^Save saltbridge-key-.{6}\.json$/);
    await own.page.keyboard.press("Enter");
    const { public_key, encrypted_private_key } = JSON.parse(String(await own.saved(text.slice("Save ".length))));
    const { kind } = await stage.run("inspect", stage.file("saved.json", encrypted_private_key));
    assert.equal(kind, "envelope");
    await own.see(public_key);
  });

  it("exports the key, and throws it away", async () => {
    await goTo("export");
    await pasteProfile(profile());
    await own.pressAt("export-run");
    await own.see("This gives your private key away");
    await own.see("Your key, not encrypted");
    assert.equal((await own.focused()).id, "exported-title");
    await own.tabTo("Save numerbay.json");
    await own.pressAt("Throw it away");
    await own.seeGone("Your key, not encrypted");
    assert.equal((await own.focused()).id, "export-run");
  });

  it("seals a file", async () => {
    await goTo("seal");
    await own.pressAt("seal-run");
    await own.see("Paste the buyer’s public key.");
    assert.equal((await own.focused()).id, "seal-key");
    await own.page.keyboard.type("j9X3FWlUV2tgymJykO0JwfiuYr5yfJMiGLQdCkvA5Us=");
    await own.choose("#seal-choose", stage.file("model.bin", "x"));
    await own.pressAt("seal-run");
    await own.see("1 file sealed.");
    assert.equal((await own.focused()).text, "Save model.bin.sealed");
  });

  it("connects a site, and revokes it", async () => {
    await goTo("sites");
    await own.tabTo("connect-origin");
    await own.page.keyboard.type(SITE);
    for (const wanted of [true, true, true, false]) {
      await own.page.keyboard.press("Tab");
      const isChecked = await own.page.evaluate(() => /** @type {HTMLInputElement} */ (document.activeElement).checked);
      assert.equal(isChecked, wanted);
    }
    await own.tabTo("connect-origin");
    await own.page.keyboard.press("Enter");
    await own.see(`Code for ${SITE}`);
    assert.equal((await own.focused()).id, "code-title");
    await own.tabTo("Copy the code");
    await stage.pair(SITE, await own.code());
    await own.see(`${SITE} is connected`);
    assert.equal((await own.focused()).id, "code-title", "reading goes on where the code was");

    const revoke = `Revoke ${SITE}`;
    await own.pressAt(revoke);
    await own.see(`Revoke ${SITE}?`);
    assert.deepEqual(await own.focused(), { id: "", text: "Keep it", tag: "BUTTON", inDialog: true }, "the safe answer first");
    await own.page.keyboard.press("Escape");
    await own.seeGone(`Revoke ${SITE}?`);
    assert.equal((await own.focused()).text, revoke, "the focus is back");
    await own.page.keyboard.press(" ");
    await own.see(`Revoke ${SITE}?`);
    await own.pressAt("Revoke");
    await own.see("No site is connected.");
    assert.equal((await own.focused()).id, "sites-title");
    assert.deepEqual((await stage.run("pairings", "list")).pairings, []);
  });
});
