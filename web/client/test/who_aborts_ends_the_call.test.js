// An abort ends a call in each of its stages, closes the connection, and leaves neither timers nor listeners.

import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";
import { pairedPage, settled, until } from "./support/page.js";

const FILE = new Blob([new Uint8Array(100)]);
const never = () => new Promise(() => {});

const CALLS = {
  status: (client, options) => client.status(options),
  unwrap: (client, options) => client.unwrap({ envelope: "e" }, options),
  "unwrap with events": (client, options) => client.unwrap({ envelope: "e" }, { ...options, onEvent: () => {} }),
  createKeys: (client, options) => client.createKeys({}, options),
  decrypt: (client, options) => client.decrypt("h", FILE, options),
  encrypt: (client, options) => client.encrypt("k", FILE, options),
  export: (client, options) => client.export("h", options),
  forget: (client, options) => client.forget("h", options),
  lock: (client, options) => client.lock(options),
  call: (client, options) => client.call("GET", "/v1/status", options),
  events: (client, options) => client.events(options).next(),
  diagnose: (client, options) => client.diagnose(options),
};

for (const [name, call] of Object.entries(CALLS)) {
  test(`${name}: aborted before, nothing is sent`, async () => {
    const { client, bridge } = await pairedPage();
    await assert.rejects(call(client, { signal: AbortSignal.abort() }), { name: "AbortError" });
    assert.deepEqual(bridge.requests, []);
  });

  test(`${name}: aborted while it waits, its request is`, async () => {
    const { client, bridge, clock } = await pairedPage();
    for (const path of ["GET /v1/status", "GET /v1/events", "DELETE /v1/keys", "DELETE /v1/keys/h", "knock"]) bridge.on(path, never);
    const controller = new AbortController();
    const waiting = call(client, { signal: controller.signal });
    await until(() => bridge.requests.length > 0);
    const reason = new Error("the person left");
    controller.abort(reason);
    await assert.rejects(waiting, reason);
    await until(() => bridge.requests.every(({ signal }) => signal.aborted));
    await until(() => getEventListeners(controller.signal, "abort").length === 0);
    await until(() => clock.waiting.size === 0);
  });
}

for (const [name, path] of [["decrypt", "/v1/keys/h/decrypt"], ["encrypt", "/v1/encrypt"], ["unwrap", "/v1/unwrap"], ["export", "/v1/keys/h/export"]]) {
  test(`${name}: aborted after the status, the call itself is`, async () => {
    const { client, bridge } = await pairedPage();
    bridge.on(`POST ${path}`, never);
    const controller = new AbortController();
    const waiting = CALLS[name](client, { signal: controller.signal });
    await until(() => bridge.requests.length === 2);
    controller.abort();
    await assert.rejects(waiting, { name: "AbortError" });
    assert.ok(bridge.requests[1].signal.aborted);
  });
}

test("aborted while the answer's body arrives, it is an abort and not cut-short", async () => {
  const { client, bridge } = await pairedPage();
  bridge.on("POST /v1/keys/h/decrypt", (request) => {
    const body = new ReadableStream({
      start(controller) {
        request.signal.addEventListener("abort", () => controller.error(request.signal.reason));
      },
    });
    return bridge.bytes(request, body, { headers: { "content-length": "52" } });
  });
  const controller = new AbortController();
  const waiting = client.decrypt("h", FILE, { signal: controller.signal });
  await until(() => bridge.requests.length === 2);
  await settled();
  controller.abort();
  await assert.rejects(waiting, { name: "AbortError" });
});

test("a call that ended leaves no listener on its signal", async () => {
  const { client, bridge, clock } = await pairedPage();
  bridge.on("POST /v1/unwrap", (request) => bridge.json(request, {}));
  bridge.on("GET /v1/events", (request) => bridge.stream(request, (push) => push(': events\n\ndata: {"event":"ready"}\n\n')));
  const { signal } = new AbortController();
  for (let some = 0; some < 5; some++) await client.unwrap({ envelope: "e" }, { signal, onEvent: () => {} });
  for await (const _ of client.events({ signal })) break;
  await client.diagnose({ signal });
  await until(() => getEventListeners(signal, "abort").length === 0);
  await until(() => clock.waiting.size === 0);
});
