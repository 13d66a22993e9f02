// A call with `onEvent` is made when nothing is missed any more; calls that wait at the same time share one stream, so
// that they leave each other connections; and no call fails because events cannot be heard.

import assert from "node:assert/strict";
import { test } from "node:test";
import { pairedPage, settled, until } from "./support/page.js";
import { BEGUN, EVENTS, STREAM, waitingCalls } from "./support/streaming.js";

const unwrap = (client, onEvent = () => {}, more = {}) => client.unwrap({ envelope: "e" }, { onEvent, ...more });

test("the stream is open before the call is made, and closed after it", async () => {
  const { client, bridge, stream, asked, answer } = await waitingCalls();
  const heard = [];
  const call = unwrap(client, (event) => heard.push(event));
  const { push, request } = await stream(0);
  await settled();
  assert.deepEqual(bridge.targets(), ["GET /v1/events"]);
  push(BEGUN);
  await asked(1);
  assert.deepEqual(bridge.targets(), ["GET /v1/events", "GET /v1/status", "POST /v1/unwrap"]);
  push(STREAM);
  await until(() => heard.length === EVENTS.length);
  assert.ok(!request.signal.aborted);
  await answer(0);
  await call;
  assert.deepEqual(heard, EVENTS);
  await until(() => request.signal.aborted);
});

test("it hears nothing after the call has ended", async () => {
  const { client, stream, answer } = await waitingCalls();
  const heard = [];
  const call = unwrap(client, (event) => heard.push(event));
  const { push } = await stream(0);
  push(BEGUN);
  await answer(0);
  await call;
  try {
    push(STREAM);
  } catch {
    // The stream is gone already.
  }
  await settled();
  assert.deepEqual(heard, []);
});

test("calls that wait at the same time share one stream, and the last one closes it", async () => {
  const { client, stream, streams, asked, answer } = await waitingCalls();
  const heard = [[], [], [], [], [], [], []];
  let ended = 0;
  const calls = heard.map((own) => unwrap(client, (event) => own.push(event)).then(() => ended++));
  const { push, request } = await stream(0);
  push(BEGUN);
  await asked(7);
  for (const at of [0, 1, 2, 3, 4, 5]) await answer(at);
  await until(() => ended === 6);
  push(STREAM);
  await until(() => heard.some((own) => own.length === EVENTS.length));
  assert.equal(heard.filter((own) => own.length > 0).length, 1);
  assert.ok(!request.signal.aborted);
  await answer(6);
  await Promise.all(calls);
  await until(() => request.signal.aborted);
  assert.equal(streams.length, 1);
});

test("the same function, given to two calls, hears each event twice", async () => {
  const { client, stream, asked, answer } = await waitingCalls();
  const heard = [];
  const onEvent = ({ event }) => heard.push(event);
  const calls = [unwrap(client, onEvent), unwrap(client, onEvent)];
  const { push } = await stream(0);
  push(BEGUN);
  await asked(2);
  push('data: {"event":"asking"}\n\n');
  await until(() => heard.length === 2);
  await answer(0);
  await Promise.race(calls);
  push('data: {"event":"answered"}\n\n');
  await until(() => heard.length === 3);
  await answer(1);
  await Promise.all(calls);
  assert.deepEqual(heard, ["asking", "asking", "answered"]);
});

test("after the stream has ended, the next call opens another", async () => {
  const { client, stream, streams, asked, answer } = await waitingCalls();
  const first = unwrap(client);
  const { push, end } = await stream(0);
  push(BEGUN);
  await asked(1);
  end();
  await settled();
  const second = unwrap(client);
  (await stream(1)).push(BEGUN);
  await answer(0);
  await answer(1);
  await Promise.all([first, second]);
  assert.equal(streams.length, 2);
});

test("whether or not events can be heard, the call is made", async () => {
  const { client, bridge } = await pairedPage();
  bridge.on("POST /v1/unwrap", (request) => bridge.json(request, { handle: "h" }));
  for (const answer of [
    (request) => bridge.refusal(request, 403, "too-many-streams"),
    (request) => bridge.stream(request, (_, end) => end()),
    (request) => bridge.stream(request, (push) => push("data: {\n\n")),
    () => {
      throw new TypeError("fetch failed");
    },
  ]) {
    bridge.on("GET /v1/events", answer);
    assert.deepEqual(await unwrap(client), { handle: "h" });
  }
});

test("what it throws is reported, and the call goes on", async () => {
  const reported = [];
  const reportError = (error) => reported.push(error.message);
  const { client, stream, answer } = await waitingCalls({ reportError });
  const call = unwrap(client, ({ event }) => {
    throw new Error(event);
  });
  (await stream(0)).push(STREAM);
  await until(() => reported.length === EVENTS.length);
  await answer(0);
  assert.deepEqual(await call, {});
  assert.deepEqual(reported, EVENTS.map(({ event }) => event));
});

test("aborting one of two calls leaves the other its events", async () => {
  const { client, stream, answer } = await waitingCalls();
  const controller = new AbortController();
  const heard = [];
  const aborted = unwrap(client, () => assert.fail("it was aborted"), { signal: controller.signal });
  const other = unwrap(client, (event) => heard.push(event));
  const { push } = await stream(0);
  controller.abort();
  await assert.rejects(aborted, { name: "AbortError" });
  push(STREAM);
  await until(() => heard.length === EVENTS.length);
  await answer(0);
  await other;
});

test("aborting the only call, before the stream has begun, closes it", async () => {
  const { client, stream, bridge } = await waitingCalls();
  const controller = new AbortController();
  const call = unwrap(client, () => {}, { signal: controller.signal });
  const { request } = await stream(0);
  controller.abort();
  await assert.rejects(call, { name: "AbortError" });
  assert.ok(request.signal.aborted);
  assert.deepEqual(bridge.targets(), ["GET /v1/events"]);
});

test("after pairing anew, events are those of the new key", async () => {
  const { client, bridge, stream, asked, answer } = await waitingCalls();
  const first = unwrap(client);
  const old = await stream(0);
  old.push(BEGUN);
  await asked(1);
  await client.pair(bridge.code);
  const second = unwrap(client);
  const fresh = await stream(1);
  fresh.push(BEGUN);
  await answer(0);
  await answer(1);
  await Promise.all([first, second]);
  await until(() => old.request.signal.aborted && fresh.request.signal.aborted);
  assert.notEqual(old.request.headers["signature-input"].match(/keyid="[^"]*"/)[0], fresh.request.headers["signature-input"].match(/keyid="[^"]*"/)[0]);
});
