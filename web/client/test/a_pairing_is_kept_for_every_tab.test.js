// A pairing is one record for each bridge, replaced as a whole, and read for each call: what one tab does, the others
// see. Where the browser keeps nothing, that is `no-storage`, with a remedy.

import assert from "node:assert/strict";
import { test } from "node:test";
import { IndexedDbKeys, MemoryKeys, Saltbridge } from "../src/index.js";
import { ADDRESS, FakeBridge } from "./support/bridge.js";
import { FakeIndexedDb } from "./support/indexeddb.js";
import { page } from "./support/page.js";

/** Two tabs of one browser, with one bridge. */
function tabs() {
  const indexedDB = new FakeIndexedDb();
  const bridge = new FakeBridge();
  const tab = () => page({ bridge, keys: new IndexedDbKeys({}, { indexedDB }) }).client;
  return { indexedDB, bridge, one: tab(), other: tab() };
}

test("what is paired in one tab is paired in the other, and after a reload", async () => {
  const { bridge, one, other } = tabs();
  await assert.rejects(other.status(), { code: "not-paired" });
  await one.pair(bridge.code);
  assert.equal(await other.isPaired(), true);
  assert.equal((await other.status()).interface, 1);
});

test("what is paired anew, or forgotten, in one tab is so in the other", async () => {
  const { bridge, one, other } = tabs();
  await one.pair(bridge.code);
  await other.status();
  bridge.forgetPages();
  await assert.rejects(other.status(), { code: "key-unknown" });
  await one.pair(bridge.code);
  assert.equal((await other.status()).interface, 1);
  await one.unpair();
  await assert.rejects(other.status(), { code: "not-paired" });
});

test("the key that is kept signs, and cannot be extracted", async () => {
  const { indexedDB, bridge, one } = tabs();
  await one.pair(bridge.code);
  const { records } = indexedDB.databases.get("saltbridge").stores.get("pairings");
  assert.deepEqual([...records.keys()], [ADDRESS]);
  const [record] = records.values();
  assert.deepEqual(Object.keys(record).sort(), ["address", "bridge_public_key", "key_id", "private_key", "scopes"]);
  assert.equal(record.private_key.extractable, false);
  await assert.rejects(crypto.subtle.exportKey("pkcs8", record.private_key));
});

test("each address has a pairing of its own", async () => {
  const { indexedDB, bridge, one } = tabs();
  await one.pair(bridge.code);
  const keys = new IndexedDbKeys({}, { indexedDB });
  const elsewhere = new Saltbridge({ address: "http://127.0.0.1:21731", keys });
  assert.equal(await elsewhere.isPaired(), false);
  await elsewhere.unpair();
  assert.equal(await one.isPaired(), true);
});

test("what another tab pairs in the middle of a call is for the next one: the body goes to whom the status was of", async () => {
  const { bridge, one, other } = tabs();
  await one.pair(bridge.code);
  bridge.requests.length = 0;
  bridge.once("GET /v1/status", async () => void (await other.pair(bridge.code)));
  bridge.on("POST /v1/unwrap", (request) => bridge.json(request, {}));
  await one.unwrap({ envelope: "e" });
  await one.unwrap({ envelope: "e" });
  const keyIds = bridge.requests
    .filter(({ path }) => path !== "/v1/pairings")
    .map(({ headers }) => /;keyid="([^"]*)"/.exec(headers["signature-input"])[1]);
  assert.equal(keyIds[0], keyIds[1]);
  assert.equal(keyIds[2], keyIds[3]);
  assert.notEqual(keyIds[0], keyIds[2]);
});

test("two pairings at once: one of the two is whole", async () => {
  const { bridge, one, other } = tabs();
  await Promise.all([one.pair(bridge.code), other.pair(bridge.code)]);
  assert.equal((await one.status()).interface, 1);
  assert.equal((await other.status()).interface, 1);
});

test("no connection to the database stays open", async () => {
  const { indexedDB, bridge, one } = tabs();
  await one.pair(bridge.code);
  await one.status();
  await one.unpair();
  assert.equal(indexedDB.connections, 0);
});

for (const failing of ["open", "open-throws", "transaction", "clone", "commit"]) {
  test(`no-storage: ${failing} fails`, async () => {
    const { indexedDB, bridge, one } = tabs();
    await one.pair(bridge.code);
    const [before] = indexedDB.databases.get("saltbridge").stores.get("pairings").records.values();
    indexedDB.failing = failing;
    await assert.rejects(one.pair(bridge.code), (error) => {
      assert.equal(error.code, "no-storage");
      assert.match(error.help, /private browsing/);
      assert.ok(error.cause instanceof DOMException);
      return true;
    });
    assert.equal(indexedDB.connections, 0);
    indexedDB.failing = null;
    const [after] = indexedDB.databases.get("saltbridge").stores.get("pairings").records.values();
    assert.equal(after, before);
    assert.equal((await one.status()).interface, 1);
  });
}

test("no-storage: there is no IndexedDB", async () => {
  const { client, bridge } = page({ keys: new IndexedDbKeys({}, { indexedDB: undefined }) });
  for (const call of [() => client.pair(bridge.code), () => client.isPaired(), () => client.status(), () => client.unpair()]) {
    await assert.rejects(call(), { code: "no-storage" });
  }
  assert.deepEqual(bridge.requests, []);
});

test("what is left of a record that the browser cannot read is no pairing", async () => {
  const { indexedDB, bridge, one } = tabs();
  await one.pair(bridge.code);
  const { records } = indexedDB.databases.get("saltbridge").stores.get("pairings");
  const [record] = records.values();
  for (const lost of ["private_key", "key_id", "bridge_public_key", "scopes"]) {
    records.set(ADDRESS, { ...record, [lost]: null });
    assert.equal(await one.isPaired(), false);
  }
  records.set(ADDRESS, { ...record, bridge_public_key: "AAAA" });
  await assert.rejects(one.status(), { code: "not-paired" });
});

test("MemoryKeys are forgotten with the page, and nobody else's", async () => {
  const bridge = new FakeBridge();
  const keys = new MemoryKeys();
  const { client } = page({ bridge, keys });
  await client.pair(bridge.code);
  assert.equal(await page({ bridge, keys }).client.isPaired(), true);
  assert.equal(await page({ bridge, keys: new MemoryKeys() }).client.isPaired(), false);
});
