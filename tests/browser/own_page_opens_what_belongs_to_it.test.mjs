// Files, keys and what is made of them: what goes in comes out, byte for byte.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";

import { OwnPage, Stage, profile, recorded, until } from "./own_page.mjs";
import { Browser } from "./support/browsers.mjs";

const OTHER_KEY = "pYJx7Z0bTZlVrzOFm0x1Y8Zq0eCnT4Jm0Jp9f7r3m1M=";

/** @type {Browser} */ let browser;
/** @type {Stage} */ let stage;
/** @type {OwnPage} */ let own;
before(async () => void (browser = await Browser.launch(1)));
after(() => browser.close());

/** @param {Parameters<typeof Stage.set>[0]} [options] */
async function begin(options) {
  stage = await Stage.set(options);
  own = await OwnPage.open(browser, stage);
  await own.see("Check again");
}

afterEach(async () => {
  await own.page.close();
  await stage.clear();
});

/** How often the Ledger, which answers by itself, was asked. */
const asked = () => [...(stage.ledger?.said ?? "").matchAll(/^(approves|refuses): /gm)].length;

describe("on the own page", () => {
  beforeEach(() => begin());

  it("files and the profile, dropped together, are told apart, and all are opened with one approval", async () => {
    const contents = ["", "a", "id,prediction\n".repeat(100_000)];
    const sealed = await Promise.all(contents.map((content, index) => stage.sealed(`report ${index}.csv`, content)));
    await own.choose("#open-choose", ...sealed, stage.file("me.json", profile()));
    await own.see("report 2.csv.sealed");
    await own.see(recorded().public_key);
    await own.page.click("#open-run");
    await own.see("3 files opened.");
    assert.equal(asked(), 1);
    await own.page.click("#open-save");
    for (const [index, content] of contents.entries()) assert.equal(String(await own.saved(`report ${index}.csv`)), content);
    await own.see("opened and saved");
  });

  it("a dropped file is taken wherever it falls, and never opened in the page's place", async () => {
    await own.drop({ name: "me.json", content: profile() }, { name: "a.csv.sealed", content: "too short" });
    await own.see("a.csv.sealed");
    await own.go("sites");
    const isPrevented = await own.page.evaluate(() => {
      const carried = new DataTransfer();
      carried.items.add(new File(["<script>"], "page.html"));
      return !document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: carried, bubbles: true, cancelable: true }));
    });
    assert.ok(isPrevented);
    await own.go("open");
    assert.ok(!(await own.text()).includes("page.html"));
  });

  it("one that fails says why, and does not stop the others", async () => {
    const whole = await stage.sealed("whole.csv", "whole");
    const foreign = await stage.sealed("foreign.csv", "foreign", OTHER_KEY);
    const files = [foreign, stage.file("short.csv.sealed", "short"), stage.file("changed.csv.sealed", randomBytes(200)), whole];
    await own.choose("#open-choose", stage.file("me.json", profile()), ...files);
    await own.see("whole.csv.sealed");
    await own.page.click("#open-run");
    await own.see("1 file opened. 3 files failed; the list says why.");
    await own.see("It was sealed for another key, an older one of yours perhaps");
    await own.see("It is no sealed file, or the download broke off.");
    await own.page.click("#open-run");
    await own.see("1 file opened. 3 files failed");
    assert.equal(asked(), 1, "the key is held: trying again asks nothing");
  });

  it("a key that is forgotten is asked for again", async () => {
    await own.choose("#open-choose", stage.file("me.json", profile()), await stage.sealed("one.csv", "one"));
    await own.see("one.csv.sealed");
    await own.page.click("#open-run");
    await own.see("1 key unlocked until");
    await own.page.click("#keys-forget");
    await own.see("No key is unlocked.");
    await own.choose("#open-choose", await stage.sealed("two.csv", "two"));
    await own.see("two.csv.sealed");
    await own.page.click("#open-run");
    await own.see("2 files opened.");
    assert.equal(asked(), 2);
  });

  it("what the command line forgets is forgotten here", async () => {
    await own.choose("#open-choose", stage.file("me.json", profile()), await stage.sealed("one.csv", "one"));
    await own.see("one.csv.sealed");
    await own.page.click("#open-run");
    await own.see("1 key unlocked until");
    await stage.run("lock");
    await own.see("No key is unlocked.");
  });

  it("a large file can be stopped half-way, and is opened afterwards", async () => {
    const path = join(stage.folder, "large.bin");
    writeFileSync(path, Buffer.alloc(150_000_000));
    await stage.run("encrypt", path, "--to", recorded().public_key);
    await own.choose("#open-choose", stage.file("me.json", profile()), `${path}.sealed`);
    await own.see("large.bin.sealed");
    await own.page.click("#open-run");
    await own.see("opening …");
    await own.page.click("#open-stop");
    await own.see("1 file left.");
    await own.page.click("#open-run");
    await own.see("1 file opened.");
    await own.see("150 MB · opened");
  });

  it("a file is sealed for its buyer, who opens it", async () => {
    await own.go("seal");
    await own.page.type("#seal-key", recorded().public_key);
    const content = randomBytes(70_000);
    await own.choose("#seal-choose", stage.file("signals.bin", content), stage.file("data.json", profile()));
    await own.see("data.json");
    await own.page.click("#seal-run");
    await own.see("2 files sealed.");
    await own.page.click("#seal-save");
    const sealed = [await own.saved("signals.bin.sealed"), await own.saved("data.json.sealed")];
    assert.deepEqual(sealed.map(({ length }) => length), [70_048, profile().length + 48]);

    await own.go("open");
    await own.drop({ name: "me.json", content: profile() }, { name: "signals.bin.sealed", content: sealed[0] ?? "" });
    await own.see("signals.bin.sealed");
    await own.page.click("#open-run");
    await own.see("1 file opened.");
    await own.page.click("#open-files a");
    assert.deepEqual(await own.saved("signals.bin"), content);
  });

  it("a wrong public key is refused before and by the bridge", async () => {
    await own.go("seal");
    await own.choose("#seal-choose", stage.file("a.csv", "a"));
    await own.see("a.csv");
    await own.page.type("#seal-key", "abc");
    await own.page.click("#seal-run");
    await own.see("44 characters that end with “=”");
    assert.equal(await own.page.$eval("#seal-key", (input) => input.getAttribute("aria-invalid")), "true");
    await own.page.$eval("#seal-key", (input) => (/** @type {HTMLInputElement} */ (input).value = ""));
    await own.page.type("#seal-key", `${"A".repeat(43)}=`);
    await own.page.click("#seal-run");
    await own.see("everybody could open the file");
  });

  it("a new key pair is made with two approvals, and opens what is sealed for it", async () => {
    await own.go("create");
    await own.page.click("#create-run");
    await own.see("Your new key pair");
    assert.equal(asked(), 2);
    const name = (await own.page.$eval("#create-result a", (link) => link.getAttribute("download"))) ?? "";
    await own.page.click("#create-result a");
    const made = JSON.parse(String(await own.saved(name)));
    const { public_key, encrypted_private_key, ...columns } = made;
    const { address } = recorded();
    assert.deepEqual(columns, { public_key_v2: public_key, encrypted_private_key_v2: encrypted_private_key, address });

    await own.go("open");
    await own.see("the new key pair");
    await own.choose("#open-choose", await stage.sealed("new.csv", "for the new key", made.public_key));
    await own.see("new.csv.sealed");
    await own.page.click("#open-run");
    await own.see("1 file opened.");
    assert.equal(asked(), 3);

    // The saved file alone does it, too, here and on the command line.
    await own.choose("#open-choose", stage.file("saved.json", JSON.stringify(made)));
    await own.see("saved.json");
    const { files } = await stage.run("decrypt", join(stage.folder, "new.csv.sealed"), "--envelope", join(stage.folder, "saved.json"), "--output-dir", join(stage.folder, "home"));
    assert.equal(files.length, 1);
  });

  it("a key pair is made for another account, if that is wanted", async () => {
    const { address } = recorded("env-speculos-44h_60h_0h_0_7-v27");
    await own.go("create");
    await own.page.click("#view-create summary");
    await own.page.type("#create-address", address.toLowerCase());
    await own.page.click("#create-run");
    await own.see("Your new key pair");
    await own.see(address);
  });

  it("an envelope of another account opens once its address is told", async () => {
    const { text, address, public_key } = recorded("env-speculos-44h_60h_0h_0_7-v27");
    await own.choose("#open-choose", stage.file("envelope.json", text), await stage.sealed("seven.csv", "seven", public_key));
    await own.see("seven.csv.sealed");
    await own.page.click("#open-run");
    await own.see("does not open");
    await own.page.click("#open-profile .given summary");
    await own.page.type("#open-profile .given input", address);
    await own.page.click("#open-run");
    await own.see("1 file opened.");
  });

  it("the exported key is NumerBay's own file, byte for byte, and asked for each time", async () => {
    await own.go("export");
    await own.page.click("#export-run");
    await own.see("Give your profile first");
    await own.choose("#export-profile input[type=file]", stage.file("me.json", profile()));
    await own.see("Use another");
    for (const time of [1, 2]) {
      await own.page.click("#export-run");
      await own.see("Your key, not encrypted");
      assert.equal(asked(), time);
      if (time === 1) await own.page.click("#export-result button");
    }
    await own.page.click("#export-result a");
    assert.equal(String(await own.saved("numerbay.json")), recorded().key_file);
    await until("the exported key to be forgotten", async () => (await own.text()).includes("No key is unlocked."));
  });

  it("what is saved can not be shown as a page of this origin", async () => {
    const evil = await stage.sealed("page.html", "<script>opener.alert(1)</script>");
    await own.choose("#open-choose", stage.file("me.json", profile()), evil);
    await own.see("page.html.sealed");
    await own.page.click("#open-run");
    await own.see("1 file opened.");
    const type = await own.page.$eval("#open-files a", async (link) => {
      const request = new XMLHttpRequest();
      return new Promise((done) => {
        addEventListener("securitypolicyviolation", () => done("not even readable here"), { once: true });
        request.onloadend = () => done(request.getResponseHeader("content-type"));
        request.open("GET", /** @type {HTMLAnchorElement} */ (link).href);
        request.send();
      });
    });
    assert.ok(["not even readable here", "application/octet-stream"].includes(type), type);
    assert.equal(await own.page.$eval("#open-files a", (link) => link.getAttribute("download")), "page.html");
  });
});

describe("a person who says no", () => {
  it("is told that nothing was done", async () => {
    await begin({ approve: "never" });
    await own.choose("#open-choose", stage.file("me.json", profile()), await stage.sealed("a.csv", "a"));
    await own.see("a.csv.sealed");
    await own.page.click("#open-run");
    await own.see("refused on the device. Nothing was done.");
    await own.go("create");
    await own.page.click("#create-run");
    await own.see("Nothing was done. Press the button again");
    await own.go("export");
    await own.page.click("#export-run");
    await until("three refusals", () => asked() === 3);
    assert.ok(!(await own.text()).includes("Your key, not encrypted"));
  });
});
