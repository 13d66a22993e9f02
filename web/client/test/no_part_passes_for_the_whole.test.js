// A file is whole, or it is an error: its length is that of the answer's head, and of what was sent.

import assert from "node:assert/strict";
import { test } from "node:test";
import { pairedPage } from "./support/page.js";

const BOX = new Blob([new Uint8Array(148)]);
const decrypted = (answer) => async () => {
  const { client, bridge } = await pairedPage();
  bridge.on("POST /v1/keys/h/decrypt", (request) => answer(request, bridge));
  return client.decrypt("h", BOX);
};

test("what is whole comes out, as a Blob", async () => {
  const plaintext = await decrypted((request, bridge) => bridge.bytes(request, Buffer.alloc(100, 7)))();
  assert.ok(plaintext instanceof Blob);
  assert.deepEqual(Buffer.from(await plaintext.arrayBuffer()), Buffer.alloc(100, 7));
});

test("an empty file is a file", async () => {
  const { client, bridge } = await pairedPage();
  bridge.on("POST /v1/keys/h/decrypt", (request) => bridge.bytes(request, Buffer.alloc(0)));
  assert.equal((await client.decrypt("h", new Blob([new Uint8Array(48)]))).size, 0);
});

test("the bodies of files are never asked for as anything but Blobs", async () => {
  const { client, bridge } = await pairedPage();
  for (const [path, length] of [["/v1/keys/h/decrypt", 100], ["/v1/encrypt", 196]]) {
    bridge.on(`POST ${path}`, (request) => {
      const response = bridge.bytes(request, Buffer.alloc(length));
      for (const name of ["arrayBuffer", "text", "json", "bytes", "formData"]) {
        response[name] = () => assert.fail(`${name}() takes all of the file into memory`);
      }
      return response;
    });
  }
  await client.decrypt("h", BOX);
  await client.encrypt("k", BOX);
});

const CUT = {
  "shorter than its head says": (request, bridge) => bridge.bytes(request, Buffer.alloc(99), { headers: { "content-length": "100" } }),
  "longer than its head says": (request, bridge) => bridge.bytes(request, Buffer.alloc(100), { headers: { "content-length": "99" } }),
  "empty, though its head says more": (request, bridge) => bridge.bytes(request, Buffer.alloc(0), { headers: { "content-length": "100" } }),
  "of no length that is told": (request, bridge) => {
    const response = bridge.bytes(request, Buffer.alloc(100));
    response.headers.delete("content-length");
    return response;
  },
  "whole by its head, but not as long as what was sealed": (request, bridge) => bridge.bytes(request, Buffer.alloc(99)),
  "whole by its head, but longer than what was sealed": (request, bridge) => bridge.bytes(request, Buffer.alloc(101)),
  "broken off by the connection": (request, bridge) => {
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(new Uint8Array(50));
        setImmediate(() => controller.error(new TypeError("network error")));
      },
    });
    return bridge.bytes(request, body, { headers: { "content-length": "100" } });
  },
};

for (const [what, answer] of Object.entries(CUT)) {
  test(`an answer ${what} is cut-short`, async () => {
    await assert.rejects(decrypted(answer), { code: "cut-short" });
  });
}

test("a sealed box is 48 bytes longer than the file", async () => {
  const { client, bridge } = await pairedPage();
  bridge.on("POST /v1/encrypt", (request) => bridge.bytes(request, Buffer.alloc(196)));
  assert.equal((await client.encrypt("k", BOX)).size, 196);
  bridge.on("POST /v1/encrypt", (request) => bridge.bytes(request, Buffer.alloc(195)));
  await assert.rejects(client.encrypt("k", BOX), { code: "cut-short" });
});

test("an answer of another kind is no file", async () => {
  await assert.rejects(decrypted((request, bridge) => bridge.json(request, {})), { code: "bad-answer" });
  await assert.rejects(decrypted((request, bridge) => bridge.stream(request, () => {})), { code: "bad-answer" });
  await assert.rejects(decrypted((request, bridge) => bridge.signed(request, { status: 204, type: null, body: null })), { code: "bad-answer" });
});

test("a file that changed on the disk is told from a bridge that does not run", async () => {
  const { client, bridge } = await pairedPage();
  bridge.on("POST /v1/encrypt", () => {
    throw new TypeError("fetch failed");
  });
  await assert.rejects(client.encrypt("k", BOX), { code: "unreachable" });
  const changed = new Blob(["x"]);
  changed.slice = () => ({
    text: async () => {
      throw new DOMException("gone", "NotReadableError");
    },
  });
  await assert.rejects(client.encrypt("k", changed), { code: "not-readable" });
});

test("the exported key comes byte for byte", async () => {
  const { client, bridge } = await pairedPage();
  const text = '{"public_key":"a","private_key":"b"}';
  bridge.on("POST /v1/keys/h/export", (request) =>
    bridge.signed(request, { status: 200, type: "application/json", body: Buffer.from(text) }),
  );
  const blob = await client.export("h");
  assert.ok(blob instanceof Blob);
  assert.equal(await blob.text(), text);
});
