// Where the browser keeps the page from this computer, the bridge's own window does the same job.

import assert from "node:assert/strict";
import { createHash, randomFillSync } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import { until } from "./support/desk.mjs";
import { Lab } from "./support/lab.mjs";
import { Person } from "./support/person.mjs";

describe("a page that is kept from this computer", () => {
  /** @type {Lab} */ let lab;
  /** @type {Person} */ let person;
  before(async () => {
    lab = await Lab.open({ permission: "denied", approve: "ask" });
    person = await Person.at(lab.browser, lab.origin);
    await person.seeState("permission-denied");
  });
  after(() => lab.close());

  /** The bridge's window, once it is there. */
  const theWindow = () =>
    until("the bridge's window", async () => (await lab.browser.pages()).find((page) => page.url().startsWith(`${lab.desk.address}/handoff?`)));

  it("pairs through the window", async () => {
    await person.press("Open the saltbridge window");
    await person.see("The saltbridge window is open.");
    await theWindow();
    await person.page.bringToFront();
    await person.seeState("not-paired");
    await person.connect(lab.desk);
    await person.seeState("ready");
    const shown = await (await theWindow()).evaluate(() => document.body.innerText);
    assert.ok(shown.includes(`${lab.origin} uses saltbridge through this window.`), shown);
  });

  it("makes keys, seals and opens 50 MB through it, with the same approvals", async () => {
    await person.press("Generate key pair");
    for (const number of [1, 2]) {
      await person.see(`Your Ledger asks for a signature (${number} of 2)`);
      await lab.desk.approve();
    }
    await person.see("Your profile has a new key pair");

    const plain = randomFillSync(Buffer.alloc(50_000_000));
    const path = join(lab.desk.folder, "model.bin");
    writeFileSync(path, plain);
    await person.choose("Files", path);
    await person.press("Encrypt for the buyer");
    await person.see("Encrypted.");
    const sealed = await person.save(lab.browser, "model.bin.sealed");
    await person.choose("Encrypted files", sealed);
    await person.press("Decrypt");
    await person.see("to open your key");
    await lab.desk.approve();
    await person.see("Decrypted.");
    const opened = await person.save(lab.browser, "model.bin");
    const digest = (/** @type {Buffer} */ bytes) => createHash("sha256").update(bytes).digest("hex");
    assert.equal(digest(readFileSync(opened)), digest(plain));
    assert.equal(lab.desk.prompts, 3, "two for the key pair, one for the file");
    assert.deepEqual(lab.desk.calls.filter(({ status }) => status >= 400), []);
    assert.deepEqual(lab.desk.calls.filter(({ method }) => method === "OPTIONS"), [], "all of it went through the window");
  });

  it("is given the calls of pages through it, and none of the person's own", async () => {
    const { length } = lab.desk.calls;
    const came = await person.page.evaluate(async () => {
      const { bridge } = await import(new URL("/numerbay.js", location.href).href);
      const json = { origin: "https://evil.test", scopes: ["export"] };
      const calls = [
        bridge.call("GET", "/v1/devices"),
        bridge.call("GET", "/v1/pairings"),
        bridge.call("DELETE", "/v1/pairings/https%3A%2F%2Fevil.test"),
        bridge.call("POST", "/v1/pairings/codes", { json }),
      ];
      return Promise.all(calls.map((call) => call.then(() => "done", () => "refused")));
    });
    assert.deepEqual(came, Array(4).fill("refused"));
    const calls = (await lab.desk.settledCalls()).slice(length).filter(({ status }) => status !== 200);
    assert.deepEqual(calls, [], "the window did not even pass them on");
  });

  it("says so when the window is closed, and opens it again", async () => {
    await (await theWindow()).close();
    await person.press("Check again");
    await person.seeState("permission-denied");
    await person.press("Open the saltbridge window");
    await person.see("The saltbridge window is open.");
    await person.page.bringToFront();
    await person.seeState("ready");
  });
});

describe("a page that is kept from this computer, and cuts itself off from its windows", () => {
  /** @type {Lab} */ let lab;
  before(async () => {
    lab = await Lab.open({ permission: "denied", headers: { "cross-origin-opener-policy": "same-origin" } });
  });
  after(() => lab.close());

  it("says why the window does not answer", async () => {
    const person = await Person.at(lab.browser, lab.origin);
    await person.press("Open the saltbridge window");
    await person.page.bringToFront();
    await person.see("The bridge's window did not answer.");
    await person.see("Cross-Origin-Opener-Policy: same-origin");
  });
});
