// Only http://127.0.0.1 and a port is called, with what the protocol knows and nothing of the browser's own; what is
// signed is what is sent.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Saltbridge } from "../src/index.js";
import { pairedPage } from "./support/page.js";

for (const address of ["http://127.0.0.1:21730", "http://127.0.0.1:1", "http://127.0.0.1:65535"]) {
  test(`${address} is an address`, () => assert.equal(new Saltbridge({ address }).address, address));
}

test("without one it is that of saltbridge serve", () => assert.equal(new Saltbridge().address, "http://127.0.0.1:21730"));

for (const address of [
  "https://127.0.0.1:21730", "http://localhost:21730", "http://[::1]:21730", "http://127.0.0.1", "http://127.0.0.1:",
  "http://127.0.0.1:80", "http://127.0.0.1:0", "http://127.0.0.1:65536", "http://127.0.0.1:021730", "http://127.0.0.1:21730/",
  "http://127.0.0.1:21730/v1", "http://127.0.0.1:21730?", "http://127.0.0.1:21730#", "http://user@127.0.0.1:21730",
  "http://127.0.0.2:21730", "http://127.1:21730", "http://2130706433:21730", "http://127.0.0.1.example:21730",
  "http://127.0.0.1:21730@example.org", "http://127.0.0.1:21730.example.org", " http://127.0.0.1:21730", "http://127.0.0.1:21730\n",
  "HTTP://127.0.0.1:21730", "127.0.0.1:21730", "", null, 21730, {},
]) {
  test(`${JSON.stringify(address)} is none`, () => {
    assert.throws(() => new Saltbridge({ address }), { name: "SaltbridgeError", code: "bad-address" });
  });
}

test("each request is a CORS request without credentials, cache, redirects or referrer", async () => {
  const { client, bridge } = await pairedPage();
  bridge.on("POST /v1/unwrap", (request) => bridge.json(request, {}));
  await client.unwrap({ envelope: "e" });
  await client.lock();
  assert.equal(bridge.requests.length, 3);
  for (const { init } of bridge.requests) {
    const { mode, credentials, redirect, cache, referrerPolicy, ...more } = init;
    assert.deepEqual(
      { mode, credentials, redirect, cache, referrerPolicy },
      { mode: "cors", credentials: "omit", redirect: "error", cache: "no-store", referrerPolicy: "no-referrer" },
    );
    assert.deepEqual(Object.keys(more).sort(), ["body", "headers", "method", "signal"]);
  }
});

test("no header but the four of the protocol", async () => {
  const { client, bridge } = await pairedPage();
  bridge.on("POST /v1/unwrap", (request) => bridge.json(request, {}));
  bridge.on("POST /v1/encrypt", (request) => bridge.bytes(request, Buffer.alloc(49)));
  await client.unwrap({ envelope: "e" });
  await client.encrypt("k", new Blob(["x"]));
  const names = bridge.requests.map(({ headers }) => Object.keys(headers).sort().join(" "));
  assert.deepEqual(names, [
    "signature signature-input",
    "content-digest content-type signature signature-input",
    "signature signature-input",
    "content-type signature signature-input",
  ]);
});

test("bodies are Blobs: a file is the very object that was given", async () => {
  const { client, bridge } = await pairedPage();
  bridge.on("POST /v1/encrypt", (request) => bridge.bytes(request, Buffer.alloc(52)));
  bridge.on("POST /v1/unwrap", (request) => bridge.json(request, {}));
  const file = new File(["file"], "name.txt", { type: "text/plain" });
  await client.encrypt("k", file);
  const sent = bridge.requests.at(-1);
  assert.equal(sent.body, file);
  assert.equal(sent.headers["content-type"], "application/octet-stream");
  await client.unwrap({ envelope: "e" });
  assert.ok(bridge.requests.at(-1).body instanceof Blob);
});

test("fields that are not given are not sent, and no others", async () => {
  const { client, bridge } = await pairedPage();
  for (const path of ["/v1/unwrap", "/v1/keys"]) bridge.on(`POST ${path}`, (request) => bridge.json(request, {}));
  bridge.on("POST /v1/keys/h/export", (request) => bridge.json(request, {}));
  await client.unwrap({ envelope: "e", for: "export", path: undefined, more: 1 });
  await client.createKeys();
  await client.createKeys({ address: "0x1", path: "m/0" });
  await client.export("h");
  const bodies = await Promise.all(bridge.requests.filter(({ body }) => body).map(({ body }) => body.text()));
  assert.deepEqual(bodies, ['{"envelope":"e","for":"export"}', "{}", '{"address":"0x1","path":"m/0"}', "{}"]);
});

test("public keys and handles are percent-encoded, and signed as they are sent", async () => {
  const { client, bridge } = await pairedPage();
  bridge.on("POST /v1/encrypt", (request) => bridge.bytes(request, Buffer.alloc(49)));
  await client.encrypt("a+b/c=", new Blob(["x"]));
  assert.equal(bridge.requests.at(-1).target, "/v1/encrypt?public_key=a%2Bb%2Fc%3D");
  await client.forget("h/../..?#");
  assert.equal(bridge.requests.at(-1).target, "/v1/keys/h%2F..%2F..%3F%23");
  const query = await client.call("DELETE", "/v1/keys?a=%2B&b=");
  assert.deepEqual(query, { status: 204 });
});

for (const target of [
  "/v1/../openapi.json", "/v1/keys/..", "/v1/./status", "/v1/keys/ ", "/v1/status#a", "/v1/status?", "/v1/keys\\x", "/openapi.json",
  "//example.org/v1/", "@example.org/v1/status", ".example.org/v1/status", "v1/status", "http://example.org/v1/status", "", "/v1/\n", "/v1/ä",
  '/v1/status?a="', undefined,
]) {
  test(`${JSON.stringify(target)} is no target`, async () => {
    const { client, bridge } = await pairedPage();
    await assert.rejects(client.call("GET", target), TypeError);
    assert.deepEqual(bridge.requests, []);
  });
}

test("wrong arguments are TypeErrors, and nothing is sent", async () => {
  const { client, bridge } = await pairedPage();
  const wrong = [
    () => client.call("PUT", "/v1/status"),
    () => client.call("get", "/v1/status"),
    () => client.call("GET", "/v1/status", { json: {} }),
    () => client.call("DELETE", "/v1/keys", { blob: new Blob([]) }),
    () => client.call("POST", "/v1/keys", { json: {}, blob: new Blob([]) }),
    () => client.call("POST", "/v1/keys", { blob: "text" }),
    () => client.call("POST", "/v1/keys", { json: "text" }),
    () => client.decrypt("", new Blob([])),
    () => client.decrypt(undefined, new Blob([])),
    () => client.decrypt("..", new Blob([])),
    () => client.decrypt("h", new Uint8Array(50)),
    () => client.decrypt("h", "text"),
    () => client.encrypt("k", new ArrayBuffer(1)),
    () => client.encrypt(undefined, new Blob([])),
    () => client.forget("."),
    () => client.export(null),
  ];
  for (const call of wrong) await assert.rejects(async () => call(), TypeError, String(call));
  assert.deepEqual(bridge.requests, []);
});
