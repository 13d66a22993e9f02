// docs/bridge-protocol.md is all that a second implementation needs: every text of its worked example comes out here.

import assert from "node:assert/strict";
import { webcrypto } from "node:crypto";
import { test } from "node:test";
import { fromBase64, toBase64 } from "../src/encoding.js";
import { bridgeFields, pageFields, prove, proves, readCode } from "../src/proofs.js";
import { answerFault, contentDigest, digestFault, keyId, requestBase, signRequest } from "../src/protocol.js";
import { bytes, calls, values } from "./support/example.js";

const { subtle } = webcrypto;
const ECDSA = { name: "ECDSA", namedCurve: "P-256" };
const AUTHORITY = "127.0.0.1:21730";
const hex = (some) => Buffer.from(some).toString("hex");
const own = { origin: "https://numerbay.ai", authority: AUTHORITY, pageKey: bytes("page's key") };
const parameter = (call, name) => new RegExp(`;${name}="?([^;"]*)`).exec(call.request.headers["signature-input"])[1];

/** @param {(typeof calls)[0]} call */
function signable({ request }) {
  return {
    method: request.method,
    authority: AUTHORITY,
    target: request.target,
    digest: request.headers["content-digest"] ?? null,
    created: Number(parameter({ request }, "created")),
    nonce: parameter({ request }, "nonce"),
    keyId: values.get("page's key ID"),
  };
}

test("the example has what is compared here", () => {
  assert.deepEqual(calls.map(({ request }) => request.start), [
    "POST /v1/pairings HTTP/1.1",
    "GET /v1/status HTTP/1.1",
    "POST /v1/encrypt?public_key=a%2Bb%3D HTTP/1.1",
  ]);
  assert.equal(values.size, 14);
});

for (const who of ["page", "bridge"]) {
  test(`the ${who}'s key has its base64 and its ID`, async () => {
    const key = bytes(`${who}'s key`);
    assert.equal(toBase64(key), values.get(`${who}'s key (base64)`));
    assert.deepEqual(fromBase64(values.get(`${who}'s key (base64)`), 65), key);
    assert.equal(await keyId(subtle, key), values.get(`${who}'s key ID`));
  });
}

test("the code has its bytes, and both proofs come out", async () => {
  const code = readCode(values.get("code"));
  assert.deepEqual(code, bytes("code's bytes"));
  assert.deepEqual(pageFields(own), bytes("fields of the page's proof"));
  assert.deepEqual(await prove(subtle, code, pageFields(own)), bytes("page's proof"));
  const theirs = bridgeFields(own, bytes("bridge's key"), ["create", "decrypt", "encrypt"]);
  assert.deepEqual(theirs, bytes("fields of the bridge's proof"));
  assert.ok(await proves(subtle, code, theirs, bytes("bridge's proof")));
  assert.ok(!(await proves(subtle, code, theirs, bytes("page's proof"))));
});

test("the bodies of the pairing carry keys and proofs", () => {
  const [{ request, answer }] = calls;
  assert.deepEqual(JSON.parse(request.body), {
    public_key: values.get("page's key (base64)"),
    proof: toBase64(bytes("page's proof")),
  });
  assert.deepEqual(JSON.parse(answer.body), {
    public_key: values.get("bridge's key (base64)"),
    scopes: ["create", "decrypt", "encrypt"],
    proof: toBase64(bytes("bridge's proof")),
  });
});

for (const call of calls) {
  const { request, answer } = call;
  test(`${request.start}: the page signs this text and no other`, async () => {
    const { base, input } = requestBase(signable(call));
    assert.equal(base, request.base);
    assert.equal(input, request.headers["signature-input"]);
  });

  test(`${request.start}: the digests are those of the bodies`, async () => {
    for (const { headers, body } of [request, answer]) {
      if (headers["content-type"] === "application/json") {
        assert.equal(await contentDigest(subtle, Buffer.from(body)), headers["content-digest"]);
      } else assert.equal(headers["content-digest"], undefined);
    }
  });

  test(`${request.start}: the page's signature verifies`, async () => {
    const key = await subtle.importKey("raw", bytes("page's key"), ECDSA, true, ["verify"]);
    const signature = Buffer.from(/^saltbridge=:(.*):$/.exec(request.headers.signature)[1], "base64");
    const good = await subtle.verify({ name: "ECDSA", hash: "SHA-256" }, key, signature, Buffer.from(request.base));
    assert.ok(good);
  });

  test(`${request.start}: headers signed here are those of the example, but for the signature`, async () => {
    const d = bytes("page's private key");
    const [x, y] = [own.pageKey.slice(1, 33), own.pageKey.slice(33)];
    const b64u = (some) => Buffer.from(some).toString("base64url");
    const jwk = { kty: "EC", crv: "P-256", d: b64u(d), x: b64u(x), y: b64u(y) };
    const privateKey = await subtle.importKey("jwk", jwk, ECDSA, false, ["sign"]);
    const { headers, signature } = await signRequest(subtle, privateKey, signable(call));
    assert.equal(headers.signature, `saltbridge=:${signature}:`);
    for (const name of ["signature-input", "content-digest"]) assert.equal(headers[name], request.headers[name]);
    const key = await subtle.importKey("raw", own.pageKey, ECDSA, true, ["verify"]);
    const bytesOf = Buffer.from(signature, "base64");
    assert.ok(await subtle.verify({ name: "ECDSA", hash: "SHA-256" }, key, bytesOf, Buffer.from(request.base)));
  });

  test(`${request.start}: the answer is accepted`, async () => {
    const head = { status: answer.status, header: (name) => answer.headers[name] ?? null };
    const expected = {
      requestSignature: /^saltbridge=:(.*):$/.exec(request.headers.signature)[1],
      key: await subtle.importKey("raw", bytes("bridge's key"), ECDSA, true, ["verify"]),
      keyId: values.get("bridge's key ID"),
    };
    assert.equal(await answerFault(subtle, head, expected), null);
    if (answer.headers["content-digest"]) {
      assert.equal(await digestFault(subtle, Buffer.from(answer.body), answer.headers["content-digest"]), null);
    }
  });

  test(`${request.start}: the answer's signature is over the text that the document shows`, async () => {
    const key = await subtle.importKey("raw", bytes("bridge's key"), ECDSA, true, ["verify"]);
    const signature = Buffer.from(/^saltbridge=:(.*):$/.exec(answer.headers.signature)[1], "base64");
    assert.ok(await subtle.verify({ name: "ECDSA", hash: "SHA-256" }, key, signature, Buffer.from(answer.base)));
    assert.equal(hex(signature).length, 128);
  });
}
