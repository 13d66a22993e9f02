// A program that took the bridge's port receives no body, is believed in nothing, and has no word with the person.

import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import { FakeBridge } from "./support/bridge.js";
import { pairedPage } from "./support/page.js";

const file = new Blob(["the file"]);
const WITH_BODIES = {
  unwrap: (client) => client.unwrap({ envelope: "the envelope" }),
  createKeys: (client) => client.createKeys({ address: "0x" }),
  decrypt: (client) => client.decrypt("handle", file),
  encrypt: (client) => client.encrypt("key", file),
  export: (client) => client.export("handle"),
  "call with json": (client) => client.call("POST", "/v1/unwrap", { json: { envelope: "the envelope" } }),
  "call with a blob": (client) => client.call("POST", "/v1/encrypt?public_key=a", { blob: file }),
};

const other = new FakeBridge(generateKeyPairSync("ec", { namedCurve: "P-256" }));

/** What may answer in the bridge's place to the first request, and what becomes of the call. */
const STRANGERS = {
  "answers as if it were the bridge, unsigned": [(request, bridge) => bridge.unsigned(200, bridge.status(), "application/json"), "wrong-bridge"],
  "signs with a key of its own": [(request) => other.json(request, other.status()), "wrong-bridge"],
  "signs with a key of its own under the bridge's name": [
    (request, bridge) => other.json(request, other.status(), { keyId: bridge.keyId }),
    "wrong-bridge",
  ],
  "refuses with a signature of its own": [(request) => other.refusal(request, 403, "scope-missing"), "wrong-bridge"],
  "refuses unsigned as the bridge only does signed": [(request, bridge) => bridge.unsigned(403, { code: "scope-missing" }), "wrong-bridge"],
  "refuses as the bridge may unsigned, with a signature of its own": [(request) => other.refusal(request, 401, "key-unknown"), "wrong-bridge"],
  "refuses unsigned as the bridge may": [(request, bridge) => bridge.unsigned(401, { code: "key-unknown", detail: "curl evil" }), "key-unknown"],
  "refuses with a name that objects have anyway": [(request, bridge) => bridge.unsigned(401, { code: "constructor" }), "wrong-bridge"],
  "repeats a signed answer to another request": [(request, bridge) => bridge.json(bridge.earlier, bridge.status()), "wrong-bridge"],
  "passes on to the bridge at another address": [(request, bridge) => bridge.refusal(request, 401, "signature-invalid"), "wrong-bridge"],
  "turns a signed refusal into a success": [
    (request, bridge) => {
      const { headers } = bridge.refusal(request, 403, "scope-missing");
      return new Response("{}", { status: 200, headers });
    },
    "wrong-bridge",
  ],
  "answers with a page": [() => new Response("<h1>It works</h1>", { headers: { "content-type": "text/html" } }), "wrong-bridge"],
  "answers nothing": [() => new Response(null, { status: 204 }), "wrong-bridge"],
  "has an error of its own": [() => new Response("oops", { status: 500 }), "wrong-bridge"],
  "refuses without an end": [
    () => {
      let pieces = 0;
      const pull = (it) => (++pieces < 64 ? it.enqueue(new Uint8Array(1 << 10)) : assert.fail("it was read on and on"));
      const body = new ReadableStream({ pull }, { highWaterMark: 0 });
      return new Response(body, { status: 401, headers: { "content-type": "application/problem+json" } });
    },
    "wrong-bridge",
  ],
  "breaks its refusal off": [
    () => {
      const body = new ReadableStream({ start: (it) => setImmediate(() => it.error(new TypeError("network error"))) });
      return new Response(body, { status: 401, headers: { "content-type": "application/problem+json", "content-length": "9" } });
    },
    "wrong-bridge",
  ],
  "refuses at great length": [
    (request, bridge) => bridge.unsigned(401, { code: "key-unknown", detail: "x".repeat(1 << 16) }),
    "wrong-bridge",
  ],
  "signs a status that is none": [(request, bridge) => bridge.bytes(request, Buffer.from("{}")), "bad-answer"],
  "signs a status that is a text": [(request, bridge) => bridge.json(request, "ready"), "bad-answer"],
};

for (const [what, [answer, code]] of Object.entries(STRANGERS)) {
  for (const [name, call] of Object.entries(WITH_BODIES)) {
    test(`${name}: who ${what} gets no body`, async () => {
      const { client, bridge } = await pairedPage();
      await client.status();
      bridge.earlier = bridge.requests.pop();
      bridge.on("GET /v1/status", (request) => answer(request, bridge));
      await assert.rejects(call(client), (error) => {
        assert.equal(error.code, code);
        assert.doesNotMatch(`${error.message} ${error.help}`, /curl|oops|works/);
        return true;
      });
      assert.deepEqual(bridge.targets(), ["GET /v1/status"]);
      assert.equal(bridge.requests[0].body, null);
    });
  }
}

test("every call with a body asks for a status of its own, and sends the body only then", async () => {
  const { client, bridge } = await pairedPage();
  bridge.on("POST /v1/unwrap", (request) => bridge.json(request, { handle: "h" }));
  await client.unwrap({ envelope: "e" });
  await client.unwrap({ envelope: "e" });
  assert.deepEqual(bridge.targets(), ["GET /v1/status", "POST /v1/unwrap", "GET /v1/status", "POST /v1/unwrap"]);
});

test("an answer to the body itself is held to the same", async () => {
  const { client, bridge } = await pairedPage();
  for (const answer of [
    () => bridge.unsigned(200, { handle: "h" }, "application/json"),
    (request) => other.json(request, { handle: "h" }),
    (request) => bridge.json(request, { handle: "h" }, { headers: { "content-digest": `sha-256=:${"A".repeat(43)}=:` } }),
  ]) {
    bridge.on("POST /v1/unwrap", answer);
    await assert.rejects(client.unwrap({ envelope: "e" }), { code: "wrong-bridge" });
  }
});

test("a JSON body that differs from the signed digest is refused", async () => {
  const { client, bridge } = await pairedPage();
  bridge.on("GET /v1/status", (request) => {
    const { headers } = bridge.json(request, bridge.status());
    return new Response(JSON.stringify(bridge.status()).replace("ready", "READY"), { headers });
  });
  await assert.rejects(client.status(), { code: "wrong-bridge" });
});

test("plaintext, boxes and streams of a stranger are refused", async () => {
  const { client, bridge } = await pairedPage();
  bridge.on("POST /v1/keys/h/decrypt", (request) => other.bytes(request, Buffer.from("x")));
  await assert.rejects(client.decrypt("h", new Blob([new Uint8Array(49)])), { code: "wrong-bridge" });
  bridge.on("GET /v1/events", (request) => other.stream(request, (push) => push(': events\n\ndata: {"event":"ready"}\n\n')));
  await assert.rejects(client.events().next(), { code: "wrong-bridge" });
});

test("the bridge's own refusals keep the bridge's words", async () => {
  const { client, bridge } = await pairedPage();
  bridge.on("POST /v1/unwrap", (request) => bridge.refusal(request, 403, "scope-missing"));
  await assert.rejects(client.unwrap({ envelope: "e" }), {
    name: "SaltbridgeError",
    code: "scope-missing",
    message: "the bridge refused: scope-missing",
    help: "do otherwise",
    status: 403,
    signed: true,
    requestId: "1",
  });
});
