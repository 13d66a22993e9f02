// diagnose() tells what stands between the page and the bridge, with a remedy, and has the browser ask nobody.

import assert from "node:assert/strict";
import { test } from "node:test";
import { IndexedDbKeys } from "../src/index.js";
import { ADDRESS, FakeBridge } from "./support/bridge.js";
import { Clock, CountedTarget, page, pairedPage, until } from "./support/page.js";

const permissions = (states) => ({
  asked: [],
  async query({ name }) {
    this.asked.push(name);
    if (!(name in states)) throw new TypeError(`${name} is no permission`);
    return { state: states[name] };
  },
});
const gone = () => {
  throw new TypeError("Failed to fetch");
};

async function state(client) {
  const { state, message, help } = await client.diagnose();
  assert.match(message, /^[A-Z].*\.$/);
  if (state === "ready") assert.equal(help, "");
  else assert.match(help, /\S/);
  return state;
}

test("ready", async () => {
  const { client, bridge } = await pairedPage();
  assert.equal(await state(client), "ready");
  assert.deepEqual(bridge.requests.map(({ init }) => init.mode), ["no-cors", "cors"]);
});

test("the knock reads nothing, and carries nothing", async () => {
  const { client, bridge } = await pairedPage();
  await client.diagnose();
  const { init, target } = bridge.requests[0];
  assert.equal(target, "/v1/status");
  const { signal, ...more } = init;
  assert.deepEqual(more, { mode: "no-cors", credentials: "omit", redirect: "follow", cache: "no-store", referrerPolicy: "no-referrer" });
});

test("permission-undecided: nothing is fetched, so that nobody is asked", async () => {
  for (const states of [
    { "loopback-network": "prompt", "local-network-access": "granted" },
    { "local-network-access": "prompt" },
  ]) {
    const bridge = new FakeBridge();
    const { client } = page({ bridge, permissions: permissions(states) });
    assert.equal(await state(client), "permission-undecided");
    assert.deepEqual(bridge.requests, []);
  }
});

test("permission-denied", async () => {
  for (const states of [{ "loopback-network": "denied" }, { "local-network-access": "denied" }]) {
    const { client, bridge } = page({ permissions: permissions(states) });
    assert.equal(await state(client), "permission-denied");
    assert.deepEqual(bridge.requests, []);
  }
});

test("loopback-network is asked first, and a granted one is enough", async () => {
  const granted = permissions({ "loopback-network": "granted", "local-network-access": "denied" });
  const { client } = await pairedPage({ permissions: granted });
  assert.equal(await state(client), "ready");
  assert.deepEqual(granted.asked, ["loopback-network"]);
});

test("a browser that knows neither permission has none to ask for", async () => {
  const none = permissions({});
  const { client } = await pairedPage({ permissions: none });
  assert.equal(await state(client), "ready");
  assert.deepEqual(none.asked, ["loopback-network", "local-network-access"]);
});

for (const origin of ["http://127.0.0.1:8080", "http://localhost:5173", "http://[::1]:3000", ADDRESS]) {
  test(`a page of this computer needs no permission: ${origin}`, async () => {
    const { client } = page({ origin, permissions: permissions({ "loopback-network": "prompt" }) });
    assert.equal(await state(client), "not-paired");
  });
}

for (const origin of ["https://localhost.example", "https://127.0.0.1.example", "http://127.0.0.1.example:1", "https://xlocalhost"]) {
  test(`this is none: ${origin}`, async () => {
    const { client } = page({ origin, permissions: permissions({ "loopback-network": "prompt" }) });
    assert.equal(await state(client), "permission-undecided");
  });
}

test("not-running", async () => {
  const { client, bridge } = await pairedPage();
  bridge.on("knock", gone);
  assert.equal(await state(client), "not-running");
  assert.equal(bridge.requests.length, 1);
});

test("not-paired, once it is known that it runs", async () => {
  const { client, bridge } = page();
  assert.equal(await state(client), "not-paired");
  assert.equal(bridge.requests.length, 1);
});

test("what another tab does to the pairing meanwhile is seen", async () => {
  for (const [meanwhile, seen] of [
    [async () => null, "not-paired"],
    [() => new IndexedDbKeys({}, { indexedDB: undefined }).load(ADDRESS), "unsupported"],
  ]) {
    const { client, keys, bridge } = await pairedPage();
    bridge.on("knock", () => void (keys.load = meanwhile));
    assert.equal(await state(client), seen);
  }
});

test("revoked: another browser of this site is still paired", async () => {
  const { client, bridge } = await pairedPage();
  bridge.forgetPages();
  assert.equal(await state(client), "revoked");
});

test("revoked: the site is known no more, and its answers cannot be read", async () => {
  const { client, bridge } = await pairedPage();
  bridge.on("GET /v1/status", gone);
  assert.equal(await state(client), "revoked");
});

test("revoked: just now", async () => {
  const { client, bridge } = await pairedPage();
  bridge.on("GET /v1/status", (request) => bridge.refusal(request, 401, "revoked"));
  assert.equal(await state(client), "revoked");
});

test("wrong-bridge", async () => {
  const { client, bridge } = await pairedPage();
  const other = new FakeBridge();
  for (const answer of [
    (request) => other.json(request, other.status()),
    () => new Response("<h1>It works</h1>"),
    (request) => bridge.refusal(request, 401, "signature-invalid"),
    (request) => bridge.refusal(request, 400, "body-unwanted"),
  ]) {
    bridge.on("GET /v1/status", answer);
    assert.equal(await state(client), "wrong-bridge");
  }
});

test("wrong-bridge: it holds the port and is silent", async () => {
  for (const silent of ["knock", "GET /v1/status"]) {
    const clock = new Clock();
    const { client, bridge } = await pairedPage({ clock });
    bridge.on(silent, () => new Promise(() => {}));
    const waiting = state(client);
    await until(() => bridge.requests.length === (silent === "knock" ? 1 : 2));
    clock.pass(30_000);
    assert.equal(await waiting, "wrong-bridge");
    assert.ok(bridge.requests.at(-1).signal.aborted);
    assert.equal(clock.waiting.size, 0);
  }
});

test("too-old", async () => {
  const { client, bridge } = await pairedPage();
  for (const answer of [
    (request) => bridge.json(request, { ...bridge.status(), interface: 0 }),
    (request) => bridge.json(request, { version: "0.0.1" }),
    () => bridge.unsigned(404, { code: "no-such-path" }),
    () => bridge.unsigned(401, { code: "unknown-parameter" }),
  ]) {
    bridge.on("GET /v1/status", answer);
    assert.equal(await state(client), "too-old");
  }
});

test("clock", async () => {
  const { client, bridge } = await pairedPage();
  bridge.on("GET /v1/status", (request) => bridge.refusal(request, 401, "stale"));
  assert.equal(await state(client), "clock");
});

test("a bridge that is stopping runs no more; one that is busy is ready", async () => {
  const { client, bridge } = await pairedPage();
  bridge.on("GET /v1/status", (request) => bridge.refusal(request, 503, "stopping"));
  assert.equal(await state(client), "not-running");
  bridge.on("GET /v1/status", (request) => bridge.refusal(request, 429, "too-many-requests"));
  assert.equal(await state(client), "ready");
});

test("unsupported: no cryptography, no storage", async () => {
  for (const lacking of [{ crypto: {} }, { crypto: undefined }, { keys: new IndexedDbKeys({}, { indexedDB: undefined }) }]) {
    const bridge = new FakeBridge();
    const { client } = page({ bridge, ...lacking });
    assert.equal(await state(client), "unsupported");
    assert.deepEqual(bridge.requests, []);
  }
});

/** A page whose browser refuses the knock, and reports it after so many milliseconds. */
async function withPolicy(violation, after = 0) {
  const document = new CountedTarget();
  const all = await pairedPage({ document });
  const { bridge, clock } = all;
  const report = { disposition: "enforce", effectiveDirective: "connect-src", blockedURI: `${ADDRESS}/v1/status`, ...violation };
  bridge.on("knock", () => {
    clock.stopped = true;
    setTimeout(() => document.dispatchEvent(Object.assign(new Event("securitypolicyviolation"), report)), after);
    return gone();
  });
  // Beside the deadline of the whole, the one for the report.
  void until(() => clock.waiting.size === 2).then(() => setTimeout(() => clock.pass(250), after + 30));
  return { ...all, document };
}

test("page-csp: the page's policy is reported, at once or a little later", async () => {
  for (const [violation, delay] of [[{}, 0], [{}, 20], [{ blockedURI: ADDRESS }, 0]]) {
    const { client, document, clock } = await withPolicy(violation, delay);
    assert.equal(await state(client), "page-csp");
    assert.equal(document.listeners, 0);
    clock.pass(1000);
    assert.equal(clock.waiting.size, 0);
  }
});

test("page-csp: reports about something else are none", async () => {
  for (const violation of [
    { blockedURI: "https://example.org/" },
    { blockedURI: `${ADDRESS}1/v1/status` },
    { blockedURI: "inline", effectiveDirective: "script-src" },
    { disposition: "report" },
  ]) {
    const { client, document } = await withPolicy(violation);
    assert.equal(await state(client), "not-running");
    assert.equal(document.listeners, 0);
  }
});

test("what the caller's own keys throw passes through", async () => {
  const keys = { load: async () => Promise.reject(new Error("mine")) };
  const { client } = page({ keys });
  await assert.rejects(client.diagnose(), { message: "mine" });
});
