// The own page says what the Ledger is doing and what to do next, and before it asks, everything that it is about to show.

import assert from "node:assert/strict";
import { after, afterEach, before, describe, it } from "node:test";

import { OwnPage, Stage, profile, recorded, until } from "./own_page.mjs";
import { Browser } from "./support/browsers.mjs";

/** @type {Browser} */ let browser;
/** @type {Stage} */ let stage;
/** @type {OwnPage} */ let own;
before(async () => void (browser = await Browser.launch(1)));
after(() => browser.close());

/** @param {Parameters<typeof Stage.set>[0]} options */
async function begin(options) {
  stage = await Stage.set(options);
  own = await OwnPage.open(browser, stage);
}

afterEach(async () => {
  await own.page.close();
  await stage.clear();
});

const { text: envelope, public_key, address } = recorded();
const message = JSON.parse(envelope).salt;

/** Begins to open a file. */
async function open() {
  await own.choose("#open-choose", stage.file("me.json", profile()), await stage.sealed("a.csv", "a"));
  await own.see("a.csv.sealed");
  await own.page.click("#open-run");
}

/** The text of the dialog, as it is read, line by line. */
const dialog = () => own.page.$eval("#ask", (dialog) => /** @type {HTMLElement} */ (dialog).innerText);

describe("the own page tells", () => {
  it("locked, then ready, without being asked", async () => {
    await begin({ approve: "ask", start: "locked" });
    await own.see("Unlock your Ledger");
    await own.see("Enter the PIN on the device.");
    stage.press("l");
    await own.see("Your Ledger is ready");
    await own.see("Ethereum app 1.22.0");
    await own.see("A Ledger in software");
    assert.equal(await own.page.$eval("#device", (device) => /** @type {HTMLElement} */ (device).dataset["tone"]), "good");
  });

  it("no app, then ready, without being asked", async () => {
    await begin({ approve: "ask", start: "dashboard" });
    await own.see("Open the Ethereum app");
    stage.press("o");
    await own.see("Your Ledger is ready");
  });

  it("another app", async () => {
    await begin({ start: "other-app" });
    await own.see("Another app is open on your Ledger");
  });

  it("that nothing is plugged in, and what finds out why", async () => {
    await begin({ usb: true });
    await own.see("Plug in your Ledger");
    await own.see("saltbridge doctor");
  });

  it("that it went away, and came back", async () => {
    await begin({ approve: "ask" });
    await own.see("Your Ledger is ready");
    stage.press("u");
    await own.page.click("#device-check");
    await own.see("The connection to your Ledger broke off");
    stage.press("u");
    await own.see("Unlock your Ledger");
    stage.press("l");
    await own.see("Open the Ethereum app");
    stage.press("o");
    await own.see("Your Ledger is ready");
  });

  it("who asks for what, and the message word for word, while the device asks", async () => {
    await begin({ approve: "ask" });
    await own.see("Your Ledger is ready");
    await open();
    await stage.asks();
    await own.see("Compare, then answer on your Ledger");
    const shown = await dialog();
    for (const told of ["the page of saltbridge open", "to open files with your key", public_key, address, "m/44'/60'/0'/0/0"]) {
      assert.ok(shown.includes(told), `${told} is not in ${shown}`);
    }
    assert.equal(await own.page.$eval("#ask pre", (pre) => pre.textContent), message);
    assert.equal(await own.page.$eval("#ask-live", (live, address) => live.textContent?.includes(address), address), true, "a screen reader is told, too");
    assert.equal(await own.page.$eval("#device-title", (title) => title.textContent), "Your Ledger is asking you");
    await stage.approve();
    await own.see("1 file opened.");
    await own.see("Your Ledger is ready");
    assert.equal(await own.page.$("dialog[open]"), null);
  });

  it("what is waited for, and goes on by itself", async () => {
    await begin({ approve: "ask", start: "locked" });
    await own.see("Unlock your Ledger");
    await open();
    await own.see("Enter the PIN on the device. This goes on by itself.");
    stage.press("l");
    await own.see("Compare, then answer on your Ledger");
    await stage.approve();
    await own.see("1 file opened.");
  });

  it("that it offers to open the app", async () => {
    await begin({ approve: "ask", start: "dashboard" });
    await own.see("Open the Ethereum app");
    await open();
    await own.see("Say yes on the device.");
    assert.match(await dialog(), /Your Ledger offers to open Ethereum/);
    await until("its title", () => own.page.$eval("#device-title", (title) => title.textContent === "Your Ledger offers to open Ethereum"));
  });

  it("that one may stop waiting, and what is left to do then", async () => {
    await begin({ approve: "ask" });
    await own.see("Your Ledger is ready");
    await open();
    await stage.asks();
    await own.see("Compare, then answer");
    await own.page.click("#ask-stop");
    await own.see("You stopped waiting. If your Ledger still asks, reject it there.");
    assert.equal(await own.page.$("dialog[open]"), null);
    // Whoever asks anew waits until the question of before is answered.
    await own.page.click("#open-run");
    await own.see("Your Ledger is busy with something else first.");
    await stage.reject();
    await own.see("Compare, then answer");
    await stage.approve();
    await own.see("1 file opened.");
  });

  it("a refusal, with nothing done", async () => {
    await begin({ approve: "ask" });
    await own.see("Your Ledger is ready");
    await open();
    await own.see("Compare, then answer");
    await stage.reject();
    await own.see("refused on the device. Nothing was done.");
  });

  it("that it is asked by somebody else", async () => {
    await begin({ approve: "ask" });
    await own.see("Your Ledger is ready");
    const command = stage.run("address", "--verify").catch(() => null);
    await own.see("Your Ledger is asking you for somebody else");
    assert.equal(await own.page.$("dialog[open]"), null, "it is none of this page's business");
    stage.press("r");
    await command;
    await own.see("Your Ledger is ready");
  });

  it("the second of two questions", async () => {
    await begin({ approve: "ask" });
    await own.see("Your Ledger is ready");
    await own.go("create");
    await own.page.click("#create-run");
    await own.see("Approval 1 of 2");
    const first = await own.page.$eval("#ask pre", (pre) => pre.textContent);
    await stage.approve();
    await own.see("Approval 2 of 2");
    assert.equal(await own.page.$eval("#ask pre", (pre) => pre.textContent), first);
    await stage.approve();
    await own.see("Your new key pair");
  });

  it("that a key would be given away", async () => {
    await begin({ approve: "ask" });
    await own.see("Your Ledger is ready");
    await own.go("export");
    await own.choose("#export-profile input[type=file]", stage.file("me.json", profile()));
    await own.see("Use another");
    await own.page.click("#export-run");
    await own.see("This gives your private key away, not encrypted.");
    assert.match(await dialog(), /to give your private key away, not encrypted/);
    await stage.reject();
    await own.see("Nothing was done.");
  });
});
