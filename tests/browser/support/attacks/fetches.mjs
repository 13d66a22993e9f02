// Requests that a hostile page's scripts send.

import * as spy from "./spy.mjs";

/**
 * @typedef {object} Aim
 * @property {string} bridge the address that is attacked
 * @property {string} home the hostile page's own origin
 *
 * @typedef {object} Attack
 * @property {string} name
 * @property {(aim: Aim) => unknown} attempt runs in the hostile page
 * @property {"held" | "chromium"} [arrives] the browsers hold it back, or all but this one; otherwise something of it must have
 *   reached the bridge
 */

const CALLS = ["/v1/status", "/v1/events", "/v1/keys", "/v1/unwrap", "/v1/pairings", "/v1/pairings/codes", "/v1/devices"];
const PATHS = [...CALLS, "/v1/keys/AAAAAAAAAAAAAAAAAAAAAA/export", "/v1/encrypt?public_key=A", "/handoff", "/handoff.js", "/", "/nothing"];
const METHODS = ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
const TYPES = ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/json", "application/octet-stream"];
const BODY = '{"origin":"https://evil.test","scopes":["export"]}';

/** Every path, with every method and content type. @param {Aim} aim @param {RequestInit} more */
async function everything({ bridge }, more) {
  for (const path of PATHS) {
    const written = METHODS.flatMap((method) =>
      TYPES.map((type) => ({ method, headers: { "content-type": type }, body: BODY })),
    );
    const all = [{ method: "GET" }, ...written];
    await Promise.all(all.map((one) => spy.answer(() => fetch(bridge + path, { ...one, ...more }))));
  }
}

/** Headers that only a paired page can fill, or that only the handoff window sends. */
const HEADERS = {
  signature: `saltbridge=:${btoa("0".repeat(64))}:`,
  "signature-input": `saltbridge=("@method" "@authority" "@path" "@query");created=1;nonce="${btoa("0".repeat(16))}";keyid="${"A".repeat(43)}";tag="saltbridge-request"`,
};

/** @type {Attack[]} */
export const FETCHES = [
  { name: "fetch in mode cors: every path, method and type", attempt: (aim) => everything(aim, { mode: "cors" }) },
  { name: "fetch in mode no-cors: every path, method and type", attempt: (aim) => everything(aim, { mode: "no-cors" }) },
  { name: "fetch in mode same-origin", arrives: "held", attempt: (aim) => everything(aim, { mode: "same-origin" }) },
  { name: "fetch in mode navigate", arrives: "held", attempt: (aim) => everything(aim, { mode: "navigate" }) },
  {
    name: "fetch that asks for the head of an answer",
    async attempt({ bridge }) {
      for (const mode of /** @type {RequestMode[]} */ (["cors", "no-cors"])) {
        // Firefox waits for a body behind a 421, as long as the connection is open.
        const one = { method: "HEAD", mode, signal: AbortSignal.timeout(1000) };
        await Promise.all(PATHS.map((path) => spy.answer(() => fetch(bridge + path, one))));
      }
    },
  },
  { name: "fetch with credentials", attempt: (aim) => everything(aim, { credentials: "include" }) },
  { name: "fetch that outlives the page", attempt: ({ bridge }) => spy.answer(() => fetch(`${bridge}/v1/keys`, { method: "POST", keepalive: true, body: BODY })) },
  { name: "fetch without referrer", attempt: ({ bridge }) => spy.answer(() => fetch(`${bridge}/v1/status`, { referrerPolicy: "no-referrer", cache: "force-cache" })) },
  {
    name: "fetch with the headers of the protocol, made up",
    attempt: ({ bridge }) => spy.answer(() => fetch(`${bridge}/v1/status`, { headers: HEADERS })),
  },
  {
    name: "fetch that pretends to be the handoff window",
    async attempt({ bridge }) {
      for (const origin of ["https://numerbay.test", bridge, "null"]) {
        const headers = { "saltbridge-opener": origin };
        await spy.answer(() => fetch(`${bridge}/v1/status`, { headers }));
        await spy.answer(() => fetch(`${bridge}/v1/status`, { headers, mode: "no-cors" }));
      }
    },
  },
  {
    name: "fetch with headers that are the browser's to write",
    async attempt({ bridge }) {
      for (const name of ["origin", "host", "sec-fetch-site", "sec-fetch-mode", "access-control-request-method", "upgrade"]) {
        const headers = { [name]: "same-origin" };
        await spy.answer(() => fetch(`${bridge}/v1/status`, { headers, mode: "no-cors" }));
      }
    },
  },
  {
    name: "fetch that is redirected to the bridge",
    async attempt({ bridge, home }) {
      for (const status of [301, 302, 303, 307, 308]) {
        const url = `${home}/redirect?status=${status}&to=${encodeURIComponent(`${bridge}/v1/keys`)}`;
        await spy.answer(() => fetch(url));
        await spy.answer(() => fetch(url, { method: "POST", body: BODY, mode: "no-cors" }));
      }
    },
  },
  {
    name: "sendBeacon",
    async attempt({ bridge }) {
      const kinds = [BODY, new FormData(), new URLSearchParams({ a: "b" }), ...TYPES.map((type) => new Blob([BODY], { type }))];
      for (const body of kinds) navigator.sendBeacon(`${bridge}/v1/pairings/codes`, body);
      await spy.wait(300);
    },
  },
  {
    name: "XMLHttpRequest",
    async attempt({ bridge }) {
      for (const [method, type] of [["GET"], ["POST", "text/plain"], ["POST", "application/json"], ["DELETE"]]) {
        const request = new XMLHttpRequest();
        request.open(method, `${bridge}/v1/keys`);
        if (type) request.setRequestHeader("content-type", type);
        const over = new Promise((resolve) => request.addEventListener("loadend", resolve));
        request.send(type ? BODY : null);
        await over;
        spy.look(() => request.responseText);
        spy.look(() => (request.status === 0 ? null : request.status));
      }
    },
  },
  {
    name: "WebSocket",
    async attempt({ bridge }) {
      for (const path of ["/v1/events", "/handoff", "/"]) {
        const socket = new WebSocket(bridge.replace("http:", "ws:") + path);
        socket.addEventListener("message", ({ data }) => spy.read.push(data));
        socket.addEventListener("open", () => spy.read.push("a WebSocket was opened"));
        await Promise.race([new Promise((resolve) => socket.addEventListener("error", resolve)), spy.wait(2000)]);
        socket.close();
      }
    },
  },
  {
    name: "EventSource",
    async attempt({ bridge }) {
      for (const withCredentials of [false, true]) {
        const source = new EventSource(`${bridge}/v1/events`, { withCredentials });
        source.addEventListener("message", ({ data }) => spy.read.push(data));
        source.addEventListener("open", () => spy.read.push("an EventSource was opened"));
        await Promise.race([new Promise((resolve) => source.addEventListener("error", resolve)), spy.wait(500)]);
        source.close();
      }
    },
  },
  {
    name: "workers of all kinds that fetch, and scripts of the bridge in them",
    async attempt(aim) {
      const query = `?bridge=${encodeURIComponent(aim.bridge)}`;
      const kinds = /** @type {WorkerOptions[]} */ ([{}, { type: "module" }]);
      const workers = kinds.map((kind) => new Worker(`/attacks/worker.mjs${query}`, kind));
      const shared = globalThis.SharedWorker ? [new SharedWorker(`/attacks/worker.mjs${query}`)] : [];
      const told = [...workers, ...shared].map((worker) => {
        const { promise, resolve } = spy.later();
        const end = /** @type {Worker} */ ("port" in worker ? worker.port : worker);
        end.onmessage = ({ data }) => resolve(data);
        // Where its script is not to be had there is none.
        worker.onerror = () => resolve([]);
        return promise;
      });
      for (const seen of told) spy.read.push(...((await Promise.race([seen, spy.wait(5000)])) ?? ["a worker did not end its work"]));
      for (const worker of workers) worker.terminate();
    },
  },
  {
    name: "a service worker that answers for its page",
    async attempt({ bridge }) {
      if (!navigator.serviceWorker) return spy.answer(() => fetch(`${bridge}/v1/status`));
      const script = `/attacks/service.mjs?bridge=${encodeURIComponent(bridge)}`;
      const registered = await navigator.serviceWorker.register(script, { scope: "/attacks/" }).catch(() => null);
      if (!registered) return spy.answer(() => fetch(`${bridge}/v1/status`));
      const worker = registered.installing ?? registered.waiting ?? registered.active;
      while (worker?.state !== "activated") await spy.wait(50);
      const frame = await spy.element("iframe", { src: "/attacks/through-the-worker" });
      // Firefox falls back to the page's own server.
      spy.look(() => frame.contentDocument.body.textContent.replace("A page.", ""));
      await registered.unregister();
    },
  },
];
