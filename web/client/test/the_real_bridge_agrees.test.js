// The client and saltbridge itself, which share nothing but docs/bridge-protocol.md. Needs the program: SALTBRIDGE=path.

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { test } from "node:test";
import { MemoryKeys, Saltbridge } from "../src/index.js";
import { until } from "./support/page.js";
import { Machine, ORIGIN, platform, skip } from "./support/real.js";

if (skip) console.error(skip);
const options = { skip, timeout: 300_000 };
const SCOPES = ["create", "decrypt", "encrypt"];

function client(machine, keys = new MemoryKeys(), more = {}) {
  return new Saltbridge({ address: machine.address, keys }, { ...platform, ...more });
}

async function paired(machine, ...scope) {
  const bridge = client(machine);
  await bridge.pair(await machine.code(...scope));
  return bridge;
}

const sha256 = async (blob) => createHash("sha256").update(Buffer.from(await blob.arrayBuffer())).digest("hex");

test("pair, keys, files, lock: the whole story", options, async (t) => {
  const machine = await Machine.start(t);
  const bridge = client(machine);
  assert.equal((await bridge.diagnose()).state, "not-paired");
  assert.deepEqual(await bridge.pair((await machine.code()).toLowerCase().replaceAll("-", " ")), { scopes: SCOPES });
  assert.equal((await bridge.diagnose()).state, "ready");
  const status = await bridge.status();
  assert.equal(status.interface, 1);
  assert.deepEqual(status.scopes, SCOPES);
  assert.equal(status.keys, 0);

  const heard = [];
  const onEvent = (event) => heard.push(event);
  const made = await bridge.createKeys({}, { onEvent });
  assert.equal(Buffer.from(made.public_key, "base64").length, 32);
  const prompts = heard.filter(({ event }) => event === "prompt");
  assert.deepEqual(prompts.map(({ purpose, number, of, who, address }) => ({ purpose, number, of, who, address })), [
    { purpose: "seal", number: 1, of: 2, who: ORIGIN, address: made.address },
    { purpose: "seal", number: 2, of: 2, who: ORIGIN, address: made.address },
  ]);
  assert.equal(prompts[0].message, JSON.parse(made.encrypted_private_key).salt);

  heard.length = 0;
  const request = { envelope: made.encrypted_private_key, public_key: made.public_key, address: made.address };
  const unwrapped = await bridge.unwrap(request, { onEvent });
  assert.equal(unwrapped.public_key, made.public_key);
  assert.equal(unwrapped.v_form, "1b/1c");
  assert.equal(heard.filter(({ event }) => event === "prompt").length, 1);
  heard.length = 0;
  assert.equal((await bridge.unwrap(request, { onEvent })).handle, unwrapped.handle);
  assert.equal(heard.filter(({ event }) => event === "prompt").length, 0);

  for (const size of [0, 1, 5 * 1024 * 1024 + 17]) {
    const file = new File([randomBytes(size)], "signals.csv", { type: "text/csv" });
    const box = await bridge.encrypt(made.public_key, file);
    assert.equal(box.size, size + 48);
    assert.equal(await sha256(await bridge.decrypt(unwrapped.handle, box)), await sha256(file));
    const other = new Blob([box.slice(0, box.size - 1), new Uint8Array([new Uint8Array(await box.slice(-1).arrayBuffer())[0] ^ 1])]);
    await assert.rejects(bridge.decrypt(unwrapped.handle, other), { code: "box-does-not-open", signed: true });
  }

  await assert.rejects(bridge.export(unwrapped.handle), { code: "scope-missing", status: 403, signed: true });
  assert.equal((await bridge.status()).keys, 1);
  await bridge.forget(unwrapped.handle);
  await assert.rejects(bridge.forget(unwrapped.handle), { code: "no-such-key" });
  await bridge.unwrap(request);
  await bridge.lock();
  assert.equal((await bridge.status()).keys, 0);
  await assert.rejects(bridge.decrypt(unwrapped.handle, new Blob([new Uint8Array(48)])), { code: "no-such-key" });
});

test("export gives the key away, where that was granted", options, async (t) => {
  const machine = await Machine.start(t);
  const bridge = await paired(machine, "--scope", "create,decrypt,encrypt,export");
  const made = await bridge.createKeys();
  const { handle } = await bridge.unwrap({ envelope: made.encrypted_private_key, for: "export" });
  const heard = [];
  const text = await (await bridge.export(handle, { onEvent: ({ event }) => heard.push(event) })).text();
  const { public_key, private_key } = JSON.parse(text);
  assert.equal(text, `{"public_key":"${public_key}","private_key":"${private_key}"}`);
  assert.equal(public_key, made.public_key);
  assert.equal(Buffer.from(private_key, "base64").length, 32);
  assert.ok(!heard.includes("prompt"));
  const asked = [];
  await bridge.export(handle, { onEvent: (event) => asked.push(event) });
  assert.deepEqual(asked.filter(({ event }) => event === "prompt").map(({ purpose }) => purpose), ["export"]);
});

test("call reaches the whole interface, and what is not for pages says so", options, async (t) => {
  const machine = await Machine.start(t);
  const bridge = await paired(machine);
  const { status, json } = await bridge.call("GET", "/v1/status");
  assert.equal(status, 200);
  assert.deepEqual(json.scopes, SCOPES);
  assert.deepEqual(await bridge.call("DELETE", "/v1/keys"), { status: 204 });
  const made = (await bridge.call("POST", "/v1/keys", { json: {} })).json;
  const target = `/v1/encrypt?public_key=${encodeURIComponent(made.public_key)}`;
  const sealed = await bridge.call("POST", target, { blob: new Blob(["plain"]) });
  assert.equal(sealed.status, 200);
  assert.equal(sealed.blob.size, 53);
  await assert.rejects(bridge.call("GET", "/v1/pairings"), { code: "socket-only", status: 403 });
  await assert.rejects(bridge.call("GET", "/v1/nothing"), { code: "no-such-path", status: 404 });
  await assert.rejects(bridge.call("POST", "/v1/status", { json: {} }), { code: "other-method", status: 405 });
  await assert.rejects(bridge.call("POST", "/v1/keys", { json: { more: 1 } }), { code: "bad-json", signed: true });
  await assert.rejects(bridge.call("POST", "/v1/encrypt?a=1", { blob: new Blob([]) }), { code: "bad-query", signed: true });
});

test("the person refuses on the device", options, async (t) => {
  const machine = await Machine.start(t, { approve: "never" });
  const bridge = await paired(machine);
  await assert.rejects(bridge.createKeys(), { code: "refused", status: 403, signed: true });
});

test("a wrong code pairs nobody and stays good; a used one is used up", options, async (t) => {
  const machine = await Machine.start(t);
  const bridge = client(machine);
  const code = await machine.code();
  await assert.rejects(bridge.pair("0000-0000-0000-0000"), { code: "wrong-code" });
  await bridge.pair(code);
  await assert.rejects(bridge.pair(code), { code: "not-invited" });
  assert.equal((await bridge.status()).interface, 1);
});

test("the bridge starts anew in between: the pairing lasts, its keys do not", options, async (t) => {
  const machine = await Machine.start(t);
  const keys = new MemoryKeys();
  const bridge = client(machine, keys);
  await bridge.pair(await machine.code());
  const made = await bridge.createKeys();
  const { handle } = await bridge.unwrap({ envelope: made.encrypted_private_key });
  const ended = (async () => {
    for await (const _ of bridge.events());
  })();
  await until(() => machine.bridge.lines.some((line) => line.includes("/v1/events")));
  await machine.stop();
  await ended;
  await assert.rejects(bridge.status(), { code: "unreachable" });
  assert.equal((await bridge.diagnose()).state, "not-running");
  await machine.serve();
  // In the very second of its start everything is stale, which the client mends by itself.
  assert.equal((await client(machine, keys).status()).keys, 0);
  await assert.rejects(bridge.decrypt(handle, new Blob([new Uint8Array(48)])), { code: "no-such-key" });
  const again = await bridge.unwrap({ envelope: made.encrypted_private_key });
  assert.equal(again.public_key, made.public_key);
});

test("the person takes the pairing back: calls and streams end, and a diagnosis says so", options, async (t) => {
  const machine = await Machine.start(t, { found: "locked" });
  const keys = new MemoryKeys();
  const bridge = client(machine, keys);
  await bridge.pair(await machine.code());
  const heard = [];
  const call = bridge.createKeys({}, { onEvent: ({ event }) => heard.push(event) });
  void call.catch(() => {});
  await until(() => heard.includes("waiting"));
  await machine.run("pairings", "revoke", ORIGIN);
  await assert.rejects(call, { code: "revoked", status: 401, signed: true });
  // Without the browser's CORS the refusal can be read here: an origin that nobody named.
  await assert.rejects(bridge.status(), { code: "origin-unknown", signed: false });
  assert.equal((await bridge.diagnose()).state, "revoked");
  await bridge.pair(await machine.code());
  assert.equal((await bridge.diagnose()).state, "ready");
});

test("an abort ends the call at the bridge: the next in the queue has its turn", options, async (t) => {
  const machine = await Machine.start(t, { found: "locked" });
  const [first, second] = [await paired(machine), await paired(machine)];
  const controllers = [new AbortController(), new AbortController()];
  const heard = [[], []];
  const call = (bridge, at) =>
    bridge.createKeys({}, { onEvent: ({ event }) => heard[at].push(event), signal: controllers[at].signal });
  const calls = [call(first, 0)];
  await until(() => heard[0].includes("waiting"));
  calls.push(call(second, 1));
  await until(() => heard[1].includes("queued"));
  assert.ok(!heard[1].includes("waiting"));
  controllers[0].abort();
  await assert.rejects(calls[0], { name: "AbortError" });
  await until(() => heard[1].includes("waiting"));
  controllers[1].abort();
  await assert.rejects(calls[1], { name: "AbortError" });
  assert.equal((await first.status()).interface, 1);
});

test("another program takes the port: it gets no body, and is not the bridge", options, async (t) => {
  const machine = await Machine.start(t);
  const keys = new MemoryKeys();
  const bridge = client(machine, keys);
  await bridge.pair(await machine.code());
  await machine.stop();
  const received = [];
  const squatter = createServer(async (request, response) => {
    const body = [];
    for await (const some of request) body.push(some);
    received.push({ method: request.method, url: request.url, length: Buffer.concat(body).length });
    response.writeHead(200, { "content-type": "application/json" }).end('{"interface":1,"scopes":[]}');
  });
  t.after(() => (squatter.closeAllConnections(), squatter.close()));
  await new Promise((resolve) => squatter.listen(Number(new URL(machine.address).port), "127.0.0.1", resolve));
  await assert.rejects(bridge.unwrap({ envelope: "secret" }), { code: "wrong-bridge" });
  await assert.rejects(bridge.encrypt("k", new Blob(["secret"])), { code: "wrong-bridge" });
  assert.equal((await bridge.diagnose()).state, "wrong-bridge");
  assert.ok(received.every(({ method, url, length }) => method === "GET" && url === "/v1/status" && length === 0));
});

test("another program passes requests on to the bridge at another port: that is found out, too", options, async (t) => {
  const machine = await Machine.start(t);
  const keys = new MemoryKeys();
  const bridge = client(machine, keys);
  await bridge.pair(await machine.code());
  const old = machine.address;
  await machine.stop();
  machine.address = null;
  await machine.serve();
  const relay = createServer(async (request, response) => {
    const headers = { ...request.headers, host: new URL(machine.address).host };
    const answer = await fetch(machine.address + request.url, { method: request.method, headers });
    response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(Buffer.from(await answer.arrayBuffer()));
  });
  t.after(() => (relay.closeAllConnections(), relay.close()));
  await new Promise((resolve) => relay.listen(Number(new URL(old).port), "127.0.0.1", resolve));
  await assert.rejects(bridge.unwrap({ envelope: "secret" }), { code: "wrong-bridge" });
  assert.equal((await bridge.diagnose()).state, "wrong-bridge");
});

test("ten calls at once, and a hundred one after another", options, async (t) => {
  const machine = await Machine.start(t);
  const bridge = await paired(machine);
  const made = await bridge.createKeys();
  const { handle } = await bridge.unwrap({ envelope: made.encrypted_private_key });
  const files = await Promise.all(
    Array.from({ length: 10 }, async (_, at) => {
      const box = await bridge.encrypt(made.public_key, new Blob([`file ${at}`]));
      return (await bridge.decrypt(handle, box)).text();
    }),
  );
  assert.deepEqual(files, Array.from({ length: 10 }, (_, at) => `file ${at}`));
  for (let some = 0; some < 100; some++) assert.equal((await bridge.status()).keys, 1);
});
