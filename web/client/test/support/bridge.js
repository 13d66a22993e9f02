// The bridge's side of the protocol, for tests: written from the document, with Node's own cryptography, and sharing
// nothing with the client. What a test wants otherwise, it says with `on`.

import { createHash, createHmac, createPublicKey, generateKeyPairSync, sign, verify } from "node:crypto";

export const ORIGIN = "https://numerbay.test";
export const ADDRESS = "http://127.0.0.1:21730";
const AUTHORITY = "127.0.0.1:21730";
const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

const sha256 = (bytes) => createHash("sha256").update(bytes).digest();
const P1363 = "ieee-p1363";

export class FakeBridge {
  /** Every request that arrived, oldest first. */
  requests = [];
  code = "0123-4567-89AB-CDEF";
  scopes = ["create", "decrypt", "encrypt"];
  #pages = new Map();
  #nonces = new Set();
  #handlers = new Map();

  constructor(keys = generateKeyPairSync("ec", { namedCurve: "P-256" })) {
    this.privateKey = keys.privateKey;
    this.publicKey = rawKey(keys.publicKey);
    this.keyId = sha256(this.publicKey).toString("base64url");
  }

  /** Has `call`, as "GET /v1/status", answered by `handler(request)`; where that gives nothing, as always. */
  on(call, handler) {
    this.#handlers.set(call, handler);
  }

  /** Has the next request of this call, and no later one, answered by `handler`. */
  once(call, ...handlers) {
    this.on(call, (request) => handlers.shift()?.(request));
  }

  forgetPages() {
    this.#pages.clear();
  }

  /** In the place of the browser's `fetch`. */
  fetch = async (url, init) => {
    const { signal } = init;
    signal?.throwIfAborted();
    const at = new URL(url);
    const request = {
      method: init.method ?? "GET",
      target: at.pathname + at.search,
      path: at.pathname,
      headers: init.headers ?? {},
      body: init.body ?? null,
      init,
      signal,
    };
    this.requests.push(request);
    return new Promise((resolve, reject) => {
      const abort = () => reject(signal.reason);
      signal?.addEventListener("abort", abort, { once: true });
      this.#answer(request).then(resolve, reject).finally(() => signal?.removeEventListener("abort", abort));
    });
  };

  targets() {
    return this.requests.map(({ method, target }) => `${method} ${target}`);
  }

  async #answer(request) {
    if (request.init.mode === "no-cors") return this.#handlers.get("knock")?.(request) ?? { type: "opaque", body: null };
    const handler = this.#handlers.get(`${request.method} ${request.path}`);
    const answer = await handler?.(request);
    if (answer !== undefined) return answer;
    if (request.path === "/v1/pairings") return this.#pair(request);
    const page = this.#pages.get(keyIdOf(request));
    if (!page) return this.unsigned(401, { code: "key-unknown", detail: "unknown", help: "pair" });
    const fault = await this.#fault(request, page);
    if (fault) return this.refusal(request, 401, fault);
    if (request.path === "/v1/status") return this.json(request, this.status());
    if (request.method === "DELETE") return this.signed(request, { status: 204, type: null, body: null });
    return this.refusal(request, 404, "no-such-path");
  }

  status() {
    return { version: "0.1.0", interface: 1, device: { state: "ready" }, scopes: this.scopes, keys: 0 };
  }

  /** What is wrong with the request's signature. */
  async #fault(request, page) {
    const { headers } = request;
    const digest = headers["content-digest"];
    const isJson = headers["content-type"] === "application/json";
    const list = ['"@method"', '"@authority"', '"@path"', '"@query"', ...(isJson ? ['"content-digest"'] : [])].join(" ");
    const form = new RegExp(
      `^saltbridge=(\\(${list}\\);created=([0-9]+);nonce="([A-Za-z0-9+/]{22}==)";keyid="([A-Za-z0-9_-]{43})";tag="saltbridge-request")$`,
    ).exec(headers["signature-input"]);
    if (!form) return "bad-signature-input";
    const [, parameters, , nonce] = form;
    if (isJson) {
      const bytes = Buffer.from(await request.body.arrayBuffer());
      if (digest !== `sha-256=:${sha256(bytes).toString("base64")}:`) return "digest-mismatch";
    } else if (digest !== undefined) return "unknown-component";
    const at = new URL(request.target, ADDRESS);
    const base = [
      `"@method": ${request.method}`,
      `"@authority": ${AUTHORITY}`,
      `"@path": ${at.pathname}`,
      `"@query": ?${at.search.slice(1)}`,
      ...(isJson ? [`"content-digest": ${digest}`] : []),
      `"@signature-params": ${parameters}`,
    ].join("\n");
    const good = verify("sha256", Buffer.from(base), { key: page.key, dsaEncoding: P1363 }, bytesOfSignature(request));
    if (!good) return "signature-invalid";
    if (this.#nonces.has(nonce)) return "replayed";
    this.#nonces.add(nonce);
    return null;
  }

  async #pair(request) {
    const { public_key, proof } = JSON.parse(await request.body.text());
    const pageKey = Buffer.from(public_key, "base64");
    const page = { key: publicKeyOf(pageKey), scopes: this.scopes };
    const about = [ORIGIN, AUTHORITY, pageKey];
    if (proof !== this.proof(["saltbridge pairing v1 page", ...about])) {
      return this.unsigned(403, { code: "wrong-code", detail: "a stranger's words", help: "" });
    }
    const fault = await this.#fault(request, page);
    if (fault) return this.unsigned(401, { code: fault });
    this.#pages.set(sha256(pageKey).toString("base64url"), page);
    return this.json(request, this.pairingAnswer(pageKey));
  }

  /** What it answers to a page that has paired; `changes` makes it a wrong one. */
  pairingAnswer(pageKey, { publicKey = this.publicKey, scopes = this.scopes, proofScopes = scopes, origin = ORIGIN } = {}) {
    const fields = ["saltbridge pairing v1 bridge", origin, AUTHORITY, pageKey, publicKey, ...proofScopes];
    return { public_key: publicKey.toString("base64"), scopes, proof: this.proof(fields) };
  }

  proof(fields) {
    const list = fields.flatMap((field) => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(Buffer.byteLength(field));
      return [length, Buffer.from(field)];
    });
    return createHmac("sha256", codeBytes(this.code)).update(Buffer.concat(list)).digest("base64");
  }

  json(request, json, { status = 200, type = "application/json", ...more } = {}) {
    return this.signed(request, { status, type, body: Buffer.from(JSON.stringify(json)), ...more });
  }

  bytes(request, body, more = {}) {
    return this.signed(request, { status: 200, type: "application/octet-stream", body, ...more });
  }

  refusal(request, status, code) {
    const problem = { title: "", status, code, detail: `the bridge refused: ${code}`, class: "policy", help: "do otherwise", request_id: "1" };
    return this.json(request, problem, { status, type: "application/problem+json" });
  }

  /** A stream of events that `feed(push, end)` fills; it breaks off when the client goes. */
  stream(request, feed) {
    const body = new ReadableStream({
      start(controller) {
        request.signal?.addEventListener("abort", () => controller.error(request.signal.reason), { once: true });
        feed((text) => controller.enqueue(Buffer.from(text)), () => controller.close());
      },
    });
    return this.signed(request, { status: 200, type: "text/event-stream", body });
  }

  /** An answer that is signed as the protocol says, but for what is given. */
  signed(request, { status, type, body, headers = {}, privateKey = this.privateKey, keyId = this.keyId }) {
    const isJson = type?.endsWith("json");
    const digest = isJson ? `sha-256=:${sha256(body).toString("base64")}:` : null;
    const list = ['"@status"', '"signature";req;key="saltbridge"', ...(digest ? ['"content-digest"'] : [])].join(" ");
    const parameters = `(${list});created=1800000005;keyid="${keyId}";tag="saltbridge-answer"`;
    const base = [
      `"@status": ${status}`,
      `"signature";req;key="saltbridge": :${bytesOfSignature(request).toString("base64")}:`,
      ...(digest ? [`"content-digest": ${digest}`] : []),
      `"@signature-params": ${parameters}`,
    ].join("\n");
    const signature = sign("sha256", Buffer.from(base), { key: privateKey, dsaEncoding: P1363 }).toString("base64");
    return new Response(body, {
      status,
      headers: {
        ...(type ? { "content-type": type } : {}),
        ...(body instanceof Uint8Array ? { "content-length": String(body.length) } : {}),
        ...(digest ? { "content-digest": digest } : {}),
        "signature-input": `saltbridge=${parameters}`,
        signature: `saltbridge=:${signature}:`,
        ...headers,
      },
    });
  }

  unsigned(status, json, type = "application/problem+json") {
    const body = Buffer.from(JSON.stringify(json));
    return new Response(body, { status, headers: { "content-type": type, "content-length": String(body.length) } });
  }
}

/** A page's key that reached the bridge in a pairing. */
export async function pageKeyOf(request) {
  return Buffer.from(JSON.parse(await request.body.text()).public_key, "base64");
}

export function rawKey(key) {
  const { x, y } = key.export({ format: "jwk" });
  return Buffer.concat([Buffer.from([4]), Buffer.from(x, "base64url"), Buffer.from(y, "base64url")]);
}

export function publicKeyOf(raw) {
  const jwk = { kty: "EC", crv: "P-256", x: raw.subarray(1, 33).toString("base64url"), y: raw.subarray(33).toString("base64url") };
  return createPublicKey({ key: jwk, format: "jwk" });
}

function keyIdOf({ headers }) {
  return /;keyid="([^"]*)"/.exec(headers["signature-input"])?.[1];
}

function bytesOfSignature({ headers }) {
  return Buffer.from(/^saltbridge=:(.*):$/.exec(headers.signature)?.[1] ?? "", "base64");
}

function codeBytes(code) {
  const bits = [...code.replaceAll("-", "")].map((letter) => ALPHABET.indexOf(letter).toString(2).padStart(5, "0")).join("");
  return Buffer.from(bits.match(/.{8}/g).map((octet) => parseInt(octet, 2)));
}
