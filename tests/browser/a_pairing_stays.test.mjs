// A pairing outlives the page and the bridge; what it may do is what the person granted.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";

import { Lab } from "./support/lab.mjs";
import { Person } from "./support/person.mjs";

describe("a paired page", () => {
  /** @type {Lab} */ let lab;
  /** @type {Person} */ let person;
  before(async () => {
    lab = await Lab.open();
    person = await Person.at(lab.browser, lab.origin);
    await person.seeState("not-paired");
    await person.connect(lab.desk);
    await person.seeState("ready");
  });
  after(() => lab.close());

  it("is paired after it was loaded again, and in another tab", async () => {
    await person.page.reload();
    await person.seeState("ready");
    const other = await Person.at(lab.browser, lab.origin);
    await other.seeState("ready");
    await other.page.close();
  });

  it("goes on when the bridge was restarted in between, with a new approval", async () => {
    await person.press("Generate key pair");
    await person.see("Your profile has a new key pair");
    await person.opensFile(lab);
    const { asked } = lab.desk;
    await person.opensFile(lab);
    assert.equal(lab.desk.asked, asked, "the bridge held the key");
    await lab.desk.restartBridge();
    // In the very second in which it began to listen, what is signed is stale: the client signs anew.
    await person.opensFile(lab);
    assert.equal(lab.desk.asked, asked + 1, "the bridge that was stopped kept no key");
    await person.seeState("ready");
  });

  it("is refused the private key without the scope for it, and the Ledger is not asked", async () => {
    const { asked, prompts } = lab.desk;
    await person.press("Export key pair");
    await person.see("the scope export was not granted");
    await person.see(`saltbridge pair ${lab.origin} --scope create,decrypt,encrypt,export`);
    assert.equal(await person.page.$("#files a"), null);
    assert.deepEqual([lab.desk.asked, lab.desk.prompts], [asked, prompts]);
    assert.equal(lab.desk.calls.filter(({ code }) => code === "scope-missing").length, 1);
  });

  it("is given it with the scope, and an approval for that each time", async () => {
    await person.connect(lab.desk, "create,decrypt,encrypt,export");
    await person.see("This site may: create, decrypt, encrypt, export.");
    for (let time = 0; time < 2; time++) {
      const { asked } = lab.desk;
      await person.press("Export key pair");
      await person.see("Whoever has this file opens your files.");
      assert.equal(lab.desk.asked, asked + 1);
    }
    const exported = readFileSync(await person.save(lab.browser, "numerbay.json"), "utf8");
    const { public_key_v2 } = await person.page.evaluate(async () => (await fetch("/backend-api/v1/users/me")).json());
    const { private_key } = JSON.parse(exported);
    assert.equal(exported, `{"public_key":"${public_key_v2}","private_key":"${private_key}"}`);
    assert.match(private_key, /^[\w+/]{43}=$/);
    const told = lab.desk.log.includes(`${lab.origin} was given the private key of ${public_key_v2}.`);
    assert.ok(told, "the person is told at the terminal");
  });

  it("keeps its key where no script can read it", async () => {
    const kept = await person.page.evaluate(async () => {
      const database = await new Promise((resolve, reject) => {
        const opening = indexedDB.open("saltbridge");
        opening.onsuccess = () => resolve(opening.result);
        opening.onerror = () => reject(opening.error);
      });
      const names = [...database.objectStoreNames];
      const records = [];
      for (const name of names) {
        const all = database.transaction(name).objectStore(name).getAll();
        records.push(...(await new Promise((resolve) => (all.onsuccess = () => resolve(all.result)))));
      }
      database.close();
      const keys = records.map(({ private_key: key }) => key);
      const refused = await Promise.all(keys.map((key) => crypto.subtle.exportKey("pkcs8", key).then(() => false, () => true)));
      return { extractable: keys.map((key) => key.extractable), refused, local: Object.keys(localStorage).length };
    });
    assert.deepEqual(kept, { extractable: [false], refused: [true], local: 0 });
  });
});
