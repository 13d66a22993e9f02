// The stream of events means the same however it is cut, ends where the bridge or the reader ends it, and calls that
// wait at the same time share one.

import assert from "node:assert/strict";
import { test } from "node:test";
import { EventReader } from "../src/events.js";
import { settled, until } from "./support/page.js";
import { EVENTS, STREAM, streaming } from "./support/streaming.js";

/** @param {string[]} pieces */
function read(pieces) {
  let begun = 0;
  const reader = new EventReader(() => begun++);
  const events = pieces.flatMap((piece) => reader.push(piece));
  return { events, begun };
}

test("in one piece", () => assert.deepEqual(read([STREAM]), { events: EVENTS, begun: 1 }));

test("cut in two, anywhere", () => {
  for (let at = 0; at <= STREAM.length; at++) {
    assert.deepEqual(read([STREAM.slice(0, at), STREAM.slice(at)]), { events: EVENTS, begun: 1 });
  }
});

test("in single characters", () => assert.deepEqual(read([...STREAM]), { events: EVENTS, begun: 1 }));

for (const [name, end] of [["CR LF", "\r\n"], ["CR", "\r"]]) {
  test(`lines that end in ${name}, cut anywhere`, () => {
    const text = `${STREAM.replaceAll("\n", end)}:`;
    for (let at = 0; at <= text.length; at++) {
      assert.deepEqual(read([text.slice(0, at), text.slice(at)]), { events: EVENTS, begun: 1 });
    }
  });
}

test("fields that are none of ours, and comments, are passed over", () => {
  assert.deepEqual(read(['id: 7\nretry: 1\nevent: x\ndata:{"event":"ready"}\n: data: no\n\n\n']).events, [{ event: "ready" }]);
});

test("an event that is not ended yet is none", () => {
  assert.deepEqual(read(['data: {"event":"ready"}\n']).events, []);
});

for (const data of ["x", "{", "null", "[]", '"ready"', "{}", '{"event":1}']) {
  test(`${data} is no event`, () => assert.throws(() => read([`data: ${data}\n\n`]), { code: "bad-answer" }));
}

test("a line, or an event, that never ends does not fill the memory", () => {
  const piece = "x".repeat(1 << 16);
  for (const endless of [piece, `data: ${piece}\n`]) {
    const reader = new EventReader();
    assert.throws(() => {
      for (let some = 0; some < 32; some++) reader.push(endless);
    }, { code: "bad-answer" });
  }
});

test("bytes cut in the middle of a character, one by one", async () => {
  const { client, stream } = await streaming();
  const events = client.events();
  const first = events.next();
  const { push, end } = await stream(0);
  for (const byte of Buffer.from(STREAM)) push(Buffer.from([byte]));
  end();
  const all = [(await first).value];
  for await (const event of events) all.push(event);
  assert.deepEqual(all, EVENTS);
});

test("it begins with the first step, and each loop has a stream of its own", async () => {
  const { client, bridge, stream, streams } = await streaming();
  client.events();
  await settled();
  assert.deepEqual(bridge.requests, []);
  const loops = [client.events().next(), client.events().next()];
  for (const at of [0, 1]) (await stream(at)).push(STREAM);
  assert.deepEqual((await Promise.all(loops)).map(({ value }) => value), [EVENTS[0], EVENTS[0]]);
  assert.equal(streams.length, 2);
});

test("it ends when the bridge ends it, whole or broken off", async () => {
  const { client, stream, bridge } = await streaming();
  const ended = client.events().next();
  (await stream(0)).end();
  assert.deepEqual(await ended, { value: undefined, done: true });
  bridge.on("GET /v1/events", (request) => {
    const body = new ReadableStream({ pull: (it) => it.error(new TypeError("gone")) });
    return bridge.signed(request, { status: 200, type: "text/event-stream", body });
  });
  assert.deepEqual(await client.events().next(), { value: undefined, done: true });
});

test("break closes the connection", async () => {
  const { client, stream } = await streaming();
  const pushed = stream(0).then(({ push }) => push(STREAM));
  for await (const event of client.events()) {
    assert.deepEqual(event, EVENTS[0]);
    break;
  }
  await pushed;
  const { request } = await stream(0);
  await until(() => request.signal.aborted);
});

test("return() ends a step that waits", async () => {
  const { client, stream } = await streaming();
  const events = client.events();
  const waiting = events.next();
  const { request } = await stream(0);
  assert.deepEqual(await events.return(), { value: undefined, done: true });
  assert.deepEqual(await waiting, { value: undefined, done: true });
  assert.ok(request.signal.aborted);
  assert.deepEqual(await events.next(), { value: undefined, done: true });
});

test("return() before the first step opens nothing", async () => {
  const { client, bridge } = await streaming();
  const events = client.events();
  await events.return();
  assert.deepEqual(await events.next(), { value: undefined, done: true });
  assert.deepEqual(bridge.requests, []);
});

test("a stream that cannot begin tells why", async () => {
  const { client, bridge } = await streaming();
  bridge.on("GET /v1/events", (request) => bridge.refusal(request, 403, "too-many-streams"));
  await assert.rejects(client.events().next(), { code: "too-many-streams" });
  bridge.on("GET /v1/events", (request) => bridge.json(request, {}));
  await assert.rejects(client.events().next(), { code: "bad-answer" });
});
