// What the own page takes a text for, and under which names it saves what was in a file. Needs no browser.

import assert from "node:assert/strict";
import { File } from "node:buffer";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";

import { LONGEST, documentIn, readDocument } from "../../web/page/documents.js";
import { fitName, openedName, sealedName } from "../../web/page/names.js";
import { profile, recorded } from "./own_page.mjs";
import { PROJECT } from "./support/modules.mjs";

const vectors = JSON.parse(readFileSync(join(PROJECT, "tests/vectors/numerbay-v2.json"), "utf8"));
const { text: envelope, public_key, address } = recorded();
const legacy = vectors.legacy[0].envelope;

describe("a text is taken for", () => {
  it("a profile, with its envelope, public key and address", () => {
    assert.deepEqual(readDocument(profile()), {
      kind: "opener",
      opener: { envelope, public_key, address: address.toLowerCase() },
      is_profile: true,
    });
  });

  it("what this page saves of a new key pair", () => {
    const columns = { public_key_v2: public_key, encrypted_private_key_v2: envelope };
    const saved = JSON.stringify({ public_key, encrypted_private_key: envelope, ...columns, address });
    assert.deepEqual(readDocument(saved), { kind: "opener", opener: { envelope, public_key, address }, is_profile: true });
  });

  it("what NumerBay's request or the bridge's answer has of one", () => {
    const request = { public_key, encrypted_private_key: envelope };
    assert.deepEqual(readDocument(JSON.stringify(request)), { kind: "opener", opener: { envelope, public_key }, is_profile: true });
    const answer = { ...request, address };
    assert.deepEqual(readDocument(JSON.stringify(answer)), { kind: "opener", opener: { envelope, public_key, address }, is_profile: true });
  });

  it("an envelope alone, in all recorded spellings, byte for byte", () => {
    for (const { envelope: text } of vectors.envelopes) {
      assert.deepEqual(readDocument(`\n${text}\n`), { kind: "opener", opener: { envelope: text }, is_profile: false });
    }
    for (const { encrypted_private_key_v2: text } of vectors.tolerated_envelopes) {
      assert.equal(readDocument(text).kind, "opener", text);
    }
  });

  it("a key pair of before 2022, as NumerBay's web app decides it", () => {
    assert.equal(readDocument(legacy).kind, "legacy");
    const columns = { public_key, encrypted_private_key: legacy, public_key_v2: "", encrypted_private_key_v2: null };
    assert.equal(readDocument(JSON.stringify(columns)).kind, "legacy");
    const both = { ...columns, public_key_v2: public_key, encrypted_private_key_v2: envelope };
    assert.deepEqual(readDocument(JSON.stringify(both)), { kind: "opener", opener: { envelope, public_key }, is_profile: true });
  });

  it("an exported key, a profile without a key, another JSON text, or none of these", () => {
    assert.equal(readDocument(vectors.key_files[0].text).kind, "key-file");
    for (const { id, profile } of vectors.profiles) {
      if (id === "profile-none") assert.equal(readDocument(JSON.stringify(profile)).kind, "no-key");
    }
    assert.equal(readDocument('{"detail":"Could not validate credentials"}').kind, "other-json");
    for (const text of ["", " ", "null", "7", '"text"', "[]", "{", `${envelope}x`, "id,prediction\n1,0.5\n"]) {
      assert.equal(readDocument(text).kind, "none", text);
    }
  });
});

describe("a file is taken for", () => {
  /** @type {(content: string | Uint8Array, name?: string) => any} */
  const file = (content, name = "a.json") => new File([content], name);

  it("a document by what is in it, not by its name", async () => {
    assert.equal((await documentIn(file(profile(), "me.sealed")))?.kind, "opener");
    assert.equal((await documentIn(file(`\uFEFF${profile()}`)))?.kind, "opener");
  });

  it("a sealed file if it holds no JSON object, or is longer than the bridge takes a document", async () => {
    for (const { ciphertext } of vectors.sealed) {
      assert.equal(await documentIn(file(Uint8Array.from(Buffer.from(ciphertext, "base64")))), null);
    }
    assert.equal(await documentIn(file("")), null);
    assert.equal(await documentIn(file(`{"data":"${"x".repeat(LONGEST)}","salt":""}`)), null);
  });
});

describe("a name", () => {
  it("loses .sealed, once, and gains it", () => {
    assert.equal(openedName("report.csv.sealed"), "report.csv");
    assert.equal(openedName("report.csv.SEALED"), "report.csv");
    assert.equal(openedName("report.csv.sealed.sealed"), "report.csv.sealed");
    assert.equal(openedName("report.csv"), "report.csv");
    assert.equal(sealedName("report.csv"), "report.csv.sealed");
  });

  it("leads nowhere else, hides nothing, and is not hidden", () => {
    /** @type {Array<[string, string]>} */
    const names = [
      ["../../etc/passwd", "_.._etc_passwd"],
      ["..\\..\\run.exe", "_.._run.exe"],
      [".bashrc", "bashrc"],
      ["a\u0000b\n.csv", "a_b_.csv"],
      ["invoice\u202Efdp.exe", "invoice_fdp.exe"],
      ["a\u200b.csv", "a_.csv"],
      ['C:a*b?"<c>|', "C_a_b___c__"],
      ["trailing. . ", "trailing"],
      ["...", "file"],
      ["", "file"],
      [".sealed", "sealed"],
    ];
    for (const [name, fit] of names) assert.equal(fitName(name), fit, JSON.stringify(name));
    assert.equal(openedName(".sealed"), "file");
    assert.equal(openedName("../report.csv.sealed"), "_report.csv");
  });

  it("is shortened before its ending", () => {
    const fit = fitName(`${"long".repeat(100)}.parquet`);
    assert.equal(fit.length, 180);
    assert.ok(fit.endsWith(".parquet"));
    assert.equal(fitName(`${"x".repeat(300)}`).length, 180);
  });

  it("keeps letters of all languages", () => {
    for (const name of ["Vorhersage für März.csv", "予測.parquet", "данные.csv", "a b-c_d(1).csv"]) assert.equal(fitName(name), name);
  });
});
