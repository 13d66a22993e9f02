// `stale` is answered by one more request, signed anew in a later second. No signature is ever sent twice.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Clock, page, pairedPage, until } from "./support/page.js";

const stale = (bridge) => (request) => bridge.refusal(request, 401, "stale");
const created = ({ headers }) => Number(/;created=([0-9]+)/.exec(headers["signature-input"])[1]);
const nonce = ({ headers }) => /;nonce="([^"]*)"/.exec(headers["signature-input"])[1];

test("stale once: the call succeeds", async () => {
  const { client, bridge, clock } = await pairedPage();
  const second = Math.floor(clock.now() / 1000);
  bridge.once("GET /v1/status", stale(bridge));
  assert.equal((await client.status()).interface, 1);
  assert.equal(bridge.requests.length, 2);
  const [first, again] = bridge.requests;
  assert.equal(created(first), second);
  assert.equal(created(again), second + 1);
  assert.notEqual(nonce(first), nonce(again));
  assert.notEqual(first.headers.signature, again.headers.signature);
});

test("it is a later second than the one in which it was refused, not only than the one in which it was signed", async () => {
  const { client, bridge, clock } = await pairedPage();
  bridge.once("GET /v1/status", (request) => {
    clock.milliseconds += 90_000; // so long did the browser's question wait
    return bridge.refusal(request, 401, "stale");
  });
  const refusedIn = Math.floor(clock.now() / 1000) + 90;
  await client.status();
  assert.equal(created(bridge.requests[1]), refusedIn + 1);
});

test("a timer that fires a little early does not make it the same second", async () => {
  const clock = new Clock();
  const exactly = clock.setTimeout;
  clock.setTimeout = (work, milliseconds) => exactly(work, Math.max(1, milliseconds - 1));
  const { client, bridge } = await pairedPage({ clock });
  bridge.once("GET /v1/status", stale(bridge));
  await client.status();
  const [first, again] = bridge.requests;
  assert.equal(created(again), created(first) + 1);
});

test("a clock that is set back meanwhile is not waited for", async () => {
  const clock = new Clock();
  const exactly = clock.setTimeout;
  let waits = 0;
  clock.setTimeout = (work, milliseconds) => {
    if (++waits === 1) clock.milliseconds -= 3_600_000;
    return exactly(work, milliseconds);
  };
  const { client, bridge } = await pairedPage({ clock });
  bridge.once("GET /v1/status", stale(bridge));
  assert.equal((await client.status()).interface, 1);
  assert.equal(waits, 3);
});

test("stale twice: the clocks differ, and it is not asked a third time", async () => {
  const { client, bridge } = await pairedPage();
  bridge.on("GET /v1/status", stale(bridge));
  await assert.rejects(client.status(), { code: "clock", status: 401 });
  assert.equal(bridge.requests.length, 2);
});

test("a body is sent again, the same", async () => {
  const { client, bridge } = await pairedPage();
  bridge.once("POST /v1/unwrap", stale(bridge), (request) => bridge.json(request, { handle: "h" }));
  assert.deepEqual(await client.unwrap({ envelope: "e" }), { handle: "h" });
  const bodies = await Promise.all(bridge.requests.filter(({ method }) => method === "POST").map(({ body }) => body.text()));
  assert.deepEqual(bodies, ['{"envelope":"e"}', '{"envelope":"e"}']);
});

test("a stale refusal that nobody signed is not believed", async () => {
  const { client, bridge } = await pairedPage();
  bridge.on("GET /v1/status", () => bridge.unsigned(401, { code: "stale", detail: "" }));
  await assert.rejects(client.status(), { code: "wrong-bridge" });
  assert.equal(bridge.requests.length, 1);
});

test("while pairing nobody can sign: there it is, once", async () => {
  const { client, bridge } = page();
  bridge.once("POST /v1/pairings", () => bridge.unsigned(401, { code: "stale" }));
  await client.pair(bridge.code);
  assert.equal(bridge.requests.length, 2);
  assert.notEqual(nonce(bridge.requests[0]), nonce(bridge.requests[1]));
  bridge.on("POST /v1/pairings", () => bridge.unsigned(401, { code: "stale" }));
  await assert.rejects(client.pair(bridge.code), { code: "clock" });
  assert.equal(bridge.requests.length, 4);
});

test("replayed: what changes nothing is asked anew, once", async () => {
  const { client, bridge } = await pairedPage();
  const replayed = (request) => bridge.refusal(request, 401, "replayed");
  bridge.once("GET /v1/status", replayed);
  assert.equal((await client.status()).interface, 1);
  assert.notEqual(nonce(bridge.requests[0]), nonce(bridge.requests[1]));
  bridge.on("GET /v1/status", replayed);
  await assert.rejects(client.status(), { code: "replayed" });
  assert.equal(bridge.requests.length, 4);
});

test("replayed: what may have been done already is not", async () => {
  const { client, bridge } = await pairedPage();
  bridge.on("POST /v1/keys", (request) => bridge.refusal(request, 401, "replayed"));
  bridge.on("DELETE /v1/keys/h", (request) => bridge.refusal(request, 401, "replayed"));
  await assert.rejects(client.createKeys(), { code: "replayed", signed: true });
  await assert.rejects(client.forget("h"), { code: "replayed", signed: true });
  assert.deepEqual(bridge.targets(), ["GET /v1/status", "POST /v1/keys", "DELETE /v1/keys/h"]);
});

test("stale after replayed is not a third try", async () => {
  const { client, bridge } = await pairedPage();
  bridge.once("GET /v1/status", (request) => bridge.refusal(request, 401, "replayed"), stale(bridge));
  await assert.rejects(client.status(), { code: "clock" });
  assert.equal(bridge.requests.length, 2);
});

test("aborting while the next second is waited for sends nothing more", async () => {
  const { client, bridge, clock } = await pairedPage();
  clock.stopped = true;
  bridge.on("GET /v1/status", stale(bridge));
  const controller = new AbortController();
  const call = client.status({ signal: controller.signal });
  await until(() => clock.waiting.size === 1);
  controller.abort();
  await assert.rejects(call, { name: "AbortError" });
  assert.equal(clock.waiting.size, 0);
  assert.equal(bridge.requests.length, 1);
});

test("a thousand requests have a thousand nonces of 16 bytes", async () => {
  const { client, bridge } = await pairedPage();
  for (let some = 0; some < 1000; some += 50) await Promise.all(Array.from({ length: 50 }, () => client.status()));
  const nonces = new Set(bridge.requests.map(nonce));
  assert.equal(nonces.size, 1000);
  for (const one of nonces) assert.equal(Buffer.from(one, "base64").length, 16);
});
