// While the Ledger asks, the page shows what it shows, word for word; and the person may change his mind.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import { Lab } from "./support/lab.mjs";
import { Person } from "./support/person.mjs";

describe("while the Ledger asks", () => {
  /** @type {Lab} */ let lab;
  /** @type {Person} */ let person;
  before(async () => {
    lab = await Lab.open({ approve: "ask" });
    person = await Person.at(lab.browser, lab.origin);
    await person.seeState("not-paired");
    await person.connect(lab.desk);
  });
  after(() => lab.close());

  it("both questions of a new key pair are seen before they are answered", async () => {
    await person.press("Generate key pair");
    await person.see("Your Ledger asks for a signature (1 of 2)");
    const [shown, salt] = await person.see(/Sign this to retrieve your encryption key\.\s+Salt:([\w+/]{43}=)/);
    await person.see("by 0xDad77910DbDFdE764fC21FCD4E74D71bBACA6D8D, to seal your new key");
    assert.equal((await lab.desk.approve()).salt, salt, "the page and the device show the same");
    await person.see("Your Ledger asks for a signature (2 of 2)");
    assert.ok((await person.seen()).includes(shown), "the same message again");
    await lab.desk.approve();
    await person.see("Your profile has a new key pair");
    assert.ok(!(await person.seen()).includes("Your Ledger asks"), "and gone afterwards");
  });

  it("the person is told that it is locked, and goes on when it is not any more", async () => {
    await lab.desk.key("l", /Enter your PIN/);
    await person.opensFile(lab, async () => {
      await person.see("Unlock your Ledger: enter its PIN.");
      await lab.desk.key("l", /app is ready/);
      await person.see("to open your key");
      await lab.desk.approve();
    });
  });

  it("an export is announced as what it is", async () => {
    await person.press("Export key pair");
    await person.see("--scope");
    await person.connect(lab.desk, "create,decrypt,encrypt,export");
    await person.press("Export key pair");
    await person.see("to give your key away: this site will have it, not encrypted");
    await lab.desk.approve();
    await person.see("Your key pair, not encrypted.");
    await lab.desk.run("lock");
  });

  it("who cancels is given nothing, and the next question is a new one", async () => {
    const path = join(lab.desk.folder, "any.sealed");
    writeFileSync(path, Buffer.alloc(100, 7));
    await person.choose("Encrypted files", path);
    await person.press("Decrypt");
    await person.see("to open your key");
    await lab.desk.deviceAsks();
    await person.press("Cancel");
    await person.see("Decrypt");
    assert.equal(await person.page.$("#files a"), null);
    // What the device asks is answered first, and the answer thrown away.
    await lab.desk.approve();
    await person.press("Decrypt");
    await person.see("to open your key");
    await lab.desk.approve();
    await person.see(/does not open/);
  });
});
