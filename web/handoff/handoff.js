// The handoff window: for a page whose browser does not let it reach this computer itself.
//
// Promises: it passes on signed requests of the page that opened it, and hands the answers back to that page alone. It
// knows nothing, keeps nothing, and has no power of its own: the bridge takes a request for the page's, by the name that
// stands in `Saltbridge-Opener`, and only if that page's key signed it.
//
// Refuses: messages of any other window, and of any other origin than that of the first one; any address but this
// bridge's calls; any header but those of the protocol; answers that the page could not read if it asked itself.

// What a page sends and reads, as the bridge allows it (docs/bridge-protocol.md, "Transport").
const SENT = new Set(["content-type", "content-digest", "signature", "signature-input"]);
const READ = ["content-type", "content-length", "content-digest", "signature", "signature-input"];

// The calls of pages. Whatever else is asked for is not sent, the person's own calls among it.
const CALLS = [
  /^GET \/v1\/(status|events)$/,
  /^POST \/v1\/(pairings|unwrap|keys)$/,
  /^POST \/v1\/keys\/[\w-]+\/(decrypt|export)$/,
  /^DELETE \/v1\/keys(\/[\w-]+)?$/,
  /^POST \/v1\/encrypt\?public_key=[\w.%-]+$/,
];

/** @type {Window | null} */
const opener = window.opener;

/** The origin of the page that opened this window: that of its first message. @type {string | null} */
let site = null;

/** What is under way, by its number. @type {Map<number, AbortController>} */
const pending = new Map();

/** @param {string} text */
function show(text) {
  const place = document.getElementById("state");
  if (place) place.textContent = text;
}

/** @param {object} message */
function post(message) {
  if (opener && site) opener.postMessage(message, site);
}

/**
 * The request that a message asks for, if it is one of a page's.
 *
 * @param {any} data
 */
function read({ id, method, target, headers, body }) {
  const isText = typeof method === "string" && typeof target === "string";
  const isPlain = Number.isSafeInteger(id) && isText && CALLS.some((call) => call.test(`${method} ${target}`));
  const isBody = body === null || (body instanceof Blob && method === "POST");
  if (!isPlain || !isBody || typeof headers !== "object" || headers === null || pending.has(id)) return null;
  const pairs = Object.entries(headers);
  if (!pairs.every(([name, value]) => SENT.has(name) && typeof value === "string")) return null;
  return { id, method, target, headers: Object.fromEntries(pairs), body };
}

/**
 * Passes one request on, and its answer back.
 *
 * @param {{id: number, method: string, target: string, headers: Record<string, string>, body: Blob | null}} request
 * @param {string} origin
 */
async function pass({ id, method, target, headers, body }, origin) {
  const control = new AbortController();
  pending.set(id, control);
  let isAnswered = false;
  try {
    const response = await fetch(target, {
      method,
      headers: { ...headers, "saltbridge-opener": origin },
      body,
      // Not `same-origin`: Firefox then sends the Origin `null` where no referrer is told.
      mode: "cors",
      credentials: "omit",
      cache: "no-store",
      redirect: "error",
      referrerPolicy: "no-referrer",
      signal: control.signal,
    });
    // What the bridge does not let the page read itself is not told it here.
    if (response.headers.get("access-control-allow-origin") !== origin) {
      control.abort();
      post({ saltbridge: "failed", id, refused: true });
      return;
    }
    const answer = { saltbridge: "answer", id, status: response.status, headers: readable(response.headers) };
    if (response.headers.get("content-type") === "text/event-stream" && response.body) {
      post({ ...answer, body: null });
      isAnswered = true;
      await stream(id, response.body);
    } else {
      post({ ...answer, body: await response.blob() });
    }
  } catch {
    post(isAnswered ? { saltbridge: "end", id } : { saltbridge: "failed", id, refused: false });
  } finally {
    pending.delete(id);
  }
}

/** @param {Headers} headers */
function readable(headers) {
  /** @type {Record<string, string>} */
  const found = {};
  for (const name of READ) {
    const value = headers.get(name);
    if (value !== null) found[name] = value;
  }
  return found;
}

/**
 * Hands a stream of events on as it comes.
 *
 * @param {number} id
 * @param {ReadableStream<Uint8Array>} body
 */
async function stream(id, body) {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  for (;;) {
    const { done, value } = await reader.read();
    const text = done ? decoder.decode() : decoder.decode(value, { stream: true });
    if (text) post({ saltbridge: "part", id, text });
    if (done) break;
  }
  post({ saltbridge: "end", id });
}

/** @param {MessageEvent} event */
function hear(event) {
  if (!opener || event.source !== opener || event.origin === "null") return;
  const data = event.data;
  if (typeof data !== "object" || data === null || (data.saltbridge !== "request" && data.saltbridge !== "cancel")) return;
  site ??= event.origin;
  if (event.origin !== site) return;
  show(`${site} uses saltbridge through this window.`);
  if (data.saltbridge === "cancel") {
    pending.get(data.id)?.abort();
    return;
  }
  const request = read(data);
  if (request) void pass(request, site);
  else if (Number.isSafeInteger(data.id) && !pending.has(data.id)) post({ saltbridge: "failed", id: data.id, refused: true });
}

/** Without the page that opened it there is nothing to do here. */
function look() {
  if (!opener?.closed) return;
  for (const control of pending.values()) control.abort();
  window.close();
  show("The site is closed. You can close this window.");
}

if (opener && window.top === window) {
  window.addEventListener("message", hear);
  opener.postMessage({ saltbridge: "ready" }, "*");
  setInterval(look, 1000);
} else {
  show("No site opened this window, so there is nothing to do here. You can close it.");
}
