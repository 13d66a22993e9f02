// The bridge's window passes on what the page signed, and what it says is held to the same as an answer by fetch. Only
// that window is heard, from the bridge's origin, and only the bridge's origin is spoken to.

import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";
import { ADDRESS, FakeBridge } from "./support/bridge.js";
import { settled, until } from "./support/page.js";
import { blockedPage, FakeWindow, pageWithWindow } from "./support/window.js";

test("it opens within the click: before anything is waited for", () => {
  const { client, opened, windows } = blockedPage();
  const opening = client.openHandoff();
  const [address, ...rest] = opened[0];
  assert.deepEqual([opened.length, ...rest], [1, "_blank", "popup,width=460,height=360"]);
  assert.match(address, new RegExp(`^${ADDRESS}/handoff\\?[0-9a-f-]{36}$`), "never one that the browser has kept");
  windows[0].say({ saltbridge: "ready" });
  return opening;
});

test("everything goes through it, and nothing goes directly", async () => {
  const { client, bridge, window, direct } = await pageWithWindow();
  bridge.on("POST /v1/unwrap", (request) => bridge.json(request, { handle: "h" }));
  bridge.on("POST /v1/keys/h/decrypt", (request) => bridge.bytes(request, Buffer.from("plaintext")));
  bridge.on("GET /v1/events", (request) => bridge.stream(request, (push, end) => (push(': events\n\ndata: {"event":"ready"}\n\n'), end())));
  assert.equal(client.handoff, true);
  assert.equal((await client.status()).interface, 1);
  const heard = [];
  assert.deepEqual(await client.unwrap({ envelope: "e" }, { onEvent: ({ event }) => heard.push(event) }), { handle: "h" });
  assert.deepEqual(heard, ["ready"]);
  const plaintext = await client.decrypt("h", new Blob([new Uint8Array(57)]));
  assert.equal(await plaintext.text(), "plaintext");
  await client.lock();
  assert.equal((await client.diagnose()).state, "ready");
  assert.deepEqual(direct, []);
  assert.ok(window.told.length >= 8);
});

test("it is told nothing but requests and cancels, and at the bridge's origin alone", async () => {
  const { client, window } = await pageWithWindow();
  await client.status();
  await client.encrypt("k", new Blob(["x"])).catch(() => {});
  const ids = window.told.map(({ message, targetOrigin }) => {
    assert.equal(targetOrigin, ADDRESS);
    assert.deepEqual(Object.keys(message), ["saltbridge", "id", "method", "target", "headers", "body"]);
    assert.ok(message.target.startsWith("/v1/"));
    assert.ok(message.body === null || message.body instanceof Blob);
    for (const name of Object.keys(message.headers)) {
      assert.ok(["content-type", "content-digest", "signature", "signature-input"].includes(name));
    }
    return message.id;
  });
  assert.equal(new Set(ids).size, ids.length);
  assert.ok(ids.every(Number.isInteger));
});

/** A page that waits for an answer which its window does not give by itself. */
async function waiting(options) {
  const page = await pageWithWindow(options);
  page.bridge.on("GET /v1/status", () => new Promise(() => {}));
  const call = page.client.status();
  let ended = false;
  void call.catch(() => {}).then(() => (ended = true));
  await until(() => page.window.told.length === 1);
  const [{ message }] = page.window.told;
  const response = page.bridge.json({ headers: message.headers }, page.bridge.status());
  const answer = {
    saltbridge: "answer",
    id: message.id,
    status: 200,
    headers: Object.fromEntries(response.headers),
    body: await response.blob(),
  };
  return { ...page, call, answer, id: message.id, hasEnded: async () => (await settled(), ended) };
}

const DEAF_TO = {
  "another window": (window, answer) => window.say(answer, { source: new FakeWindow(new EventTarget(), null) }),
  "the page itself": (window, answer, opener) => window.say(answer, { source: opener }),
  "no window": (window, answer) => window.say(answer, { source: null }),
  "the window under another origin": (window, answer) => window.say(answer, { origin: "http://127.0.0.1:21731" }),
  "the window under https": (window, answer) => window.say(answer, { origin: "https://127.0.0.1:21730" }),
  "a sandboxed window": (window, answer) => window.say(answer, { origin: "null" }),
  "an answer to another call": (window, answer) => window.say({ ...answer, id: answer.id + 1 }),
  "an answer to an earlier call": (window, answer) => window.say({ ...answer, id: answer.id - 1 }),
  "an answer whose id is a text": (window, answer) => window.say({ ...answer, id: String(answer.id) }),
  "an answer without an id": (window, answer) => window.say({ ...answer, id: undefined }),
  "a message without its field": (window, answer) => window.say({ ...answer, saltbridge: undefined }),
  "a message of another kind": (window, answer) => window.say({ ...answer, saltbridge: "request" }),
  "a part of no stream": (window, { id }) => window.say({ saltbridge: "part", id, text: "x" }),
  "the end of no stream": (window, { id }) => window.say({ saltbridge: "end", id }),
  "a text": (window) => window.say("answer"),
  "null": (window) => window.say(null),
  "nothing": (window) => window.say(undefined),
};

for (const [what, say] of Object.entries(DEAF_TO)) {
  test(`deaf to ${what}`, async () => {
    const { call, answer, window, opener, hasEnded } = await waiting();
    say(window, answer, opener);
    assert.equal(await hasEnded(), false);
    window.say(answer);
    assert.equal((await call).interface, 1);
  });
}

test("only the first answer counts", async () => {
  const { call, answer, window } = await waiting();
  window.say(answer);
  window.say({ ...answer, status: 500 });
  window.say({ saltbridge: "failed", id: answer.id });
  assert.equal((await call).interface, 1);
});

const MISSHAPEN = {
  "a status that is a text": { status: "200" },
  "status 0": { status: 0 },
  "status 200.5": { status: 200.5 },
  "no headers": { headers: null },
  "a body that is a text": { body: "{}" },
  "a body that is bytes": { body: new Uint8Array(2) },
  "no body": { body: undefined },
};

for (const [what, change] of Object.entries(MISSHAPEN)) {
  test(`an answer with ${what} is none`, async () => {
    const { call, answer, window } = await waiting();
    window.say({ ...answer, ...change });
    await assert.rejects(call, { code: "bad-answer" });
  });
}

test("what the window says is verified: it cannot speak for the bridge", async () => {
  for (const change of [
    { status: 201 },
    { body: new Blob(['{"interface":1}']) },
    { headers: {} },
    { headers: { "content-type": "application/json", signature: 1, "signature-input": ["x"] } },
    { headers: Object.create({ "content-type": "application/json" }) },
  ]) {
    const { call, answer, window } = await waiting();
    window.say({ ...answer, ...change });
    await assert.rejects(call, { code: "wrong-bridge" });
  }
  const { call, window, answer } = await waiting();
  const other = new FakeBridge();
  const response = other.json({ headers: window.told[0].message.headers }, other.status());
  window.say({ ...answer, headers: Object.fromEntries(response.headers), body: await response.blob() });
  await assert.rejects(call, { code: "wrong-bridge" });
});

test("the bridge is gone: unreachable, and not-running in a diagnosis", async () => {
  const { client, bridge } = await pageWithWindow();
  bridge.on("GET /v1/status", () => {
    throw new TypeError("Failed to fetch");
  });
  await assert.rejects(client.status(), { code: "unreachable" });
  assert.equal((await client.diagnose()).state, "not-running");
});

test("the bridge does not let the page in: told as that, and not as one that does not run", async () => {
  const { client, window, bridge } = await pageWithWindow();
  bridge.on("GET /v1/status", () => new Promise(() => {}));
  for (const call of [() => client.status(), () => client.diagnose()]) {
    const waiting = call();
    window.told.length = 0;
    await until(() => window.told.length === 1);
    window.say({ saltbridge: "failed", id: window.told[0].message.id, refused: true });
    if (call.toString().includes("diagnose")) assert.equal((await waiting).state, "revoked");
    else await assert.rejects(waiting, { code: "origin-unknown", signed: false });
  }
});

test("an abort is passed on as a cancel, once, and a late answer is nobody's", async () => {
  const { client, bridge, window } = await pageWithWindow();
  bridge.on("GET /v1/status", () => new Promise(() => {}));
  const controller = new AbortController();
  const call = client.status({ signal: controller.signal });
  await until(() => bridge.requests.length === 1);
  controller.abort();
  await assert.rejects(call, { name: "AbortError" });
  const [{ message }, ...rest] = window.told;
  assert.deepEqual(rest, [{ message: { saltbridge: "cancel", id: message.id }, targetOrigin: ADDRESS }]);
  assert.ok(bridge.requests[0].signal.aborted);
  assert.equal(getEventListeners(controller.signal, "abort").length, 0);
  window.say({ saltbridge: "answer", id: message.id, status: 200, headers: {}, body: new Blob([]) });
});

test("break in a stream of events is passed on as a cancel; its end is not", async () => {
  const { client, bridge, window } = await pageWithWindow();
  bridge.on("GET /v1/events", (request) => bridge.stream(request, (push) => push(': events\n\ndata: {"event":"ready"}\n\n')));
  for await (const { event } of client.events()) {
    assert.equal(event, "ready");
    break;
  }
  await until(() => window.told.length === 2);
  assert.deepEqual(window.told.map(({ message }) => message.saltbridge), ["request", "cancel"]);
  bridge.on("GET /v1/events", (request) => bridge.stream(request, (push, end) => end()));
  assert.deepEqual(await client.events().next(), { value: undefined, done: true });
  await settled();
  assert.deepEqual(window.told.map(({ message }) => message.saltbridge), ["request", "cancel", "request"]);
});

test("closing it ends what waits, and the next call goes directly", async () => {
  const { client, window, call, clock, direct, opener } = await waiting();
  window.closed = true;
  clock.pass(1000);
  await assert.rejects(call, { code: "handoff-closed" });
  assert.equal(client.handoff, false);
  assert.equal(opener.listeners, 0);
  assert.equal(clock.waiting.size, 0);
  await assert.rejects(client.status(), { code: "unreachable" });
  assert.deepEqual(direct, [`cors ${ADDRESS}/v1/status`]);
});

test("closeHandoff does the same at once, and closes the window", async () => {
  const { client, window, call, clock, opener } = await waiting();
  client.closeHandoff();
  await assert.rejects(call, { code: "handoff-closed" });
  assert.equal(window.closed, true);
  assert.equal(client.handoff, false);
  assert.equal(opener.listeners, 0);
  assert.equal(clock.waiting.size, 0);
  client.closeHandoff();
});

test("a stream of events ends with the window", async () => {
  const { client, bridge } = await pageWithWindow();
  bridge.on("GET /v1/events", (request) => bridge.stream(request, (push) => push(": events\n\n")));
  const next = client.events().next();
  await until(() => bridge.requests.length === 1);
  await settled();
  client.closeHandoff();
  assert.deepEqual(await next, { value: undefined, done: true });
});

test("while nobody waits, nobody looks: no timer is left", async () => {
  const { client, clock } = await pageWithWindow();
  clock.pass(1000);
  assert.equal(clock.waiting.size, 0);
  await client.status();
  clock.pass(1000);
  assert.equal(clock.waiting.size, 0);
});

test("a window that was loaded anew has forgotten what waits", async () => {
  const { client, bridge, window, call } = await waiting();
  window.say({ saltbridge: "ready" });
  await assert.rejects(call, { code: "handoff-closed" });
  bridge.on("GET /v1/status", () => undefined);
  assert.equal((await client.status()).interface, 1);
});

test("handoff-blocked: the browser opens no window", async () => {
  const { client, opener, clock } = blockedPage({ blocked: true });
  await assert.rejects(client.openHandoff(), { code: "handoff-blocked" });
  assert.equal(opener.listeners, 0);
  assert.equal(clock.waiting.size, 0);
  await assert.rejects(client.openHandoff(), { code: "handoff-blocked" });
});

test("handoff-no-answer: no ready in time, and the window is closed", async () => {
  const { client, opener, clock, windows } = blockedPage();
  const opening = client.openHandoff();
  windows[0].say({ saltbridge: "ready" }, { origin: "https://evil.test" });
  windows[0].say({ saltbridge: "ready" }, { source: null });
  clock.pass(19_000);
  assert.equal(client.handoff, false);
  clock.pass(2_000);
  await assert.rejects(opening, { code: "handoff-no-answer" });
  assert.equal(windows[0].closed, true);
  assert.equal(opener.listeners, 0);
  assert.equal(clock.waiting.size, 0);
});

test("handoff-no-answer: to a page that cuts itself off, the window reads as closed", async () => {
  const { client, clock, windows } = blockedPage();
  const opening = client.openHandoff();
  windows[0].closed = true;
  clock.pass(1_000);
  await assert.rejects(opening, (error) => {
    assert.equal(error.code, "handoff-no-answer");
    assert.match(error.help, /Cross-Origin-Opener-Policy: same-origin/);
    return true;
  });
  assert.equal(clock.waiting.size, 0);
});

test("aborting and closing while it opens", async () => {
  const { client, opener, clock, windows } = blockedPage();
  const controller = new AbortController();
  const aborted = client.openHandoff({ signal: controller.signal });
  controller.abort();
  await assert.rejects(aborted, { name: "AbortError" });
  const closed = client.openHandoff();
  client.closeHandoff();
  await assert.rejects(closed, { code: "handoff-closed" });
  await assert.rejects(client.openHandoff({ signal: AbortSignal.abort() }), { name: "AbortError" });
  assert.equal(windows.length, 2);
  assert.ok(windows.every((window) => window.closed));
  assert.equal(opener.listeners, 0);
  assert.equal(clock.waiting.size, 0);
  assert.equal(getEventListeners(controller.signal, "abort").length, 0);
});

test("a second click shows the same window", async () => {
  const { client, windows } = blockedPage();
  const both = [client.openHandoff(), client.openHandoff()];
  windows[0].say({ saltbridge: "ready" });
  await Promise.all(both);
  await client.openHandoff();
  assert.equal(windows.length, 1);
  assert.equal(windows[0].focused, 2);
});

test("until it is ready calls go directly, and after it was closed a new one opens", async () => {
  const { client, windows, direct, bridge } = blockedPage();
  const opening = client.openHandoff();
  await assert.rejects(client.pair(bridge.code), { code: "unreachable" });
  assert.equal(direct.length, 1);
  windows[0].say({ saltbridge: "ready" });
  await opening;
  await client.pair(bridge.code);
  assert.equal(direct.length, 1);
  windows[0].closed = true;
  const again = client.openHandoff();
  assert.equal(windows.length, 2);
  windows[1].say({ saltbridge: "ready" });
  await again;
  assert.equal((await client.status()).interface, 1);
});

test("where there are no windows it is unsupported", async () => {
  const { client } = blockedPage({ open: undefined });
  await assert.rejects(client.openHandoff(), { code: "unsupported" });
});
