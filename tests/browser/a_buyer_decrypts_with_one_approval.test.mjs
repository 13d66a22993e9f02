// From a page that has never heard of saltbridge to opened files.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import { Lab } from "./support/lab.mjs";
import { Person } from "./support/person.mjs";

describe("a buyer", () => {
  /** @type {Lab} */ let lab;
  /** @type {Person} */ let person;
  before(async () => {
    lab = await Lab.open();
    person = await Person.at(lab.browser, lab.origin);
  });
  after(() => lab.close());

  it("pairs by pasting the code", async () => {
    await person.seeState("not-paired");
    await person.see(`saltbridge pair ${lab.origin}`);
    await person.connect(lab.desk);
    await person.see("This site may: create, decrypt, encrypt.");
    await person.seeState("ready");
    const [{ origin }, ...others] = await lab.desk.pairings();
    assert.deepEqual([origin, others], [lab.origin, []]);
  });

  it("makes a key pair, which the profile stores, and keeps the profile's links", async () => {
    await person.press("Generate key pair");
    await person.see("Your profile has a new key pair");
    const user = await person.page.evaluate(async () => (await fetch("/backend-api/v1/users/me")).json());
    assert.match(user.public_key_v2, /^[\w+/]{43}=$/);
    assert.match(JSON.parse(user.encrypted_private_key_v2).salt, /^Sign this to retrieve your encryption key\.\n\nSalt:/);
    assert.equal(user.social_website, "https://example.com");
    assert.equal(user.public_key, null);
    await person.see(user.public_key_v2);
    assert.equal(lab.desk.asked, 2, "signed twice, to be sure that it opens again");
  });

  it("opens the files that a seller encrypted, with one approval", async () => {
    const names = ["report.csv", "model.bin"];
    for (const name of names) writeFileSync(join(lab.desk.folder, name), `the content of ${name}`);
    await person.choose("Files", ...names.map((name) => join(lab.desk.folder, name)));
    await person.press("Encrypt for the buyer");
    await person.see("Encrypted. Only the buyer can open it.");
    const sealed = [];
    for (const name of names) sealed.push(await person.save(lab.browser, `${name}.sealed`));

    const { asked } = lab.desk;
    await person.choose("Encrypted files", ...sealed);
    await person.press("Decrypt");
    await person.see("Decrypted.");
    for (const name of names) {
      assert.equal(readFileSync(await person.save(lab.browser, name), "utf8"), `the content of ${name}`);
    }
    assert.equal(lab.desk.asked, asked + 1);
  });

  it("is told why a file does not open, and given nothing of it", async () => {
    const path = join(lab.desk.folder, "forged.csv.sealed");
    writeFileSync(path, Buffer.alloc(1000, 7));
    await person.choose("Encrypted files", path);
    await person.press("Decrypt");
    await person.see(/does not open/);
    assert.equal(await person.page.$("#files a"), null);
  });
});
