// Only the bridge's own answer to this very request passes, and only in the one spelling that the protocol has: a table
// of near misses, signed where a signer could have made them.

import assert from "node:assert/strict";
import { createSign, generateKeyPairSync, webcrypto } from "node:crypto";
import { test } from "node:test";
import { answerFault, digestFault, keyId } from "../src/protocol.js";
import { rawKey } from "./support/bridge.js";
import { bytes, calls, values } from "./support/example.js";

const { subtle } = webcrypto;
const [{ request, answer }, , bare] = calls;
const ECDSA = { name: "ECDSA", namedCurve: "P-256" };
const THE_REQUEST = /^saltbridge=:(.*):$/.exec(request.headers.signature)[1];
const ANOTHER_REQUEST = /^saltbridge=:(.*):$/.exec(bare.request.headers.signature)[1];
const LIST = '"@status" "signature";req;key="saltbridge" "content-digest"';

const bridge = generateKeyPairSync("ec", { namedCurve: "P-256" });
const stranger = generateKeyPairSync("ec", { namedCurve: "P-256" });
const bridgeKey = rawKey(bridge.publicKey);
const bridgeId = await keyId(subtle, bridgeKey);
const expected = {
  requestSignature: THE_REQUEST,
  key: await subtle.importKey("raw", bridgeKey, ECDSA, true, ["verify"]),
  keyId: bridgeId,
};

/**
 * An answer of a signer who signs what he says, whatever it is.
 *
 * @param {object} how what is otherwise than it should be
 */
function made({
  status = 200,
  told = status,
  list = LIST,
  parameters = `;created=1800000005;keyid="${bridgeId}";tag="saltbridge-answer"`,
  requestSignature = THE_REQUEST,
  digest = answer.headers["content-digest"],
  label = "saltbridge",
  key = bridge.privateKey,
  type = "application/json",
  base = (text) => text,
  headers = {},
} = {}) {
  const lines = list
    .split(" ")
    .filter((identifier) => identifier !== "")
    .map((identifier) => {
      const value = { '"@status"': String(status), '"content-digest"': digest }[identifier] ?? `:${requestSignature}:`;
      return `${identifier}: ${value}`;
    });
  const text = base([...lines, `"@signature-params": (${list})${parameters}`].join("\n"));
  const signature = createSign("sha256").update(text).sign({ key, dsaEncoding: "ieee-p1363" }, "base64");
  const all = {
    "content-type": type,
    ...(digest === null ? {} : { "content-digest": digest }),
    "signature-input": `${label}=(${list})${parameters}`,
    signature: `${label}=:${signature}:`,
    ...headers,
  };
  return { status: told, header: (name) => all[name] ?? null };
}

const GOOD = made();
const params = (...some) => some.map((one) => `;${one}`).join("");
const CREATED = "created=1800000005";
const KEYID = `keyid="${bridgeId}"`;
const TAG = 'tag="saltbridge-answer"';
const signature = GOOD.header("signature");
const input = GOOD.header("signature-input");
const digest = GOOD.header("content-digest");
// The same 64 bytes in a spelling with other unused bits.
const unusedBits = signature.replace(/(.)==:$/, (_, last) => `${{ A: "B", Q: "R", g: "h", w: "x" }[last]}==:`);
const digestUnusedBits = digest.replace(/(.)=:$/, (_, last) => `${String.fromCharCode(last.charCodeAt(0) + 1)}=:`);

const PASSES = {
  "what the document says": {},
  "components in another order": { list: '"content-digest" "signature";req;key="saltbridge" "@status"' },
  "parameters in another order": { parameters: params(TAG, KEYID, CREATED) },
  "a refusal": { status: 403, type: "application/problem+json" },
  "no JSON, and no digest": { type: "application/octet-stream", digest: null, list: '"@status" "signature";req;key="saltbridge"' },
  "no body": { status: 204, type: null, digest: null, list: '"@status" "signature";req;key="saltbridge"' },
};

const REFUSED = {
  "another status than the signed one": { told: 201 },
  "a refusal told as a success": { status: 403, told: 200 },
  "an answer to another request": { requestSignature: ANOTHER_REQUEST },
  "signed by a stranger under the bridge's name": { key: stranger.privateKey },
  "signed by a stranger under his own name": { key: stranger.privateKey, parameters: params(CREATED, 'keyid="ndZj_9maZnq_DbCRDBH_GJGht-iM8qR9tccu0m05O6U"', TAG) },
  "another digest than the signed one": { headers: { "content-digest": `sha-256=:${"A".repeat(43)}=:` } },
  "no signature": { headers: { signature: null } },
  "no Signature-Input": { headers: { "signature-input": null } },
  "no digest of a JSON body": { digest: null, list: '"@status" "signature";req;key="saltbridge"' },
  "a digest that is not covered": { list: '"@status" "signature";req;key="saltbridge"' },
  "a problem without a digest": { status: 403, type: "application/problem+json", digest: null, list: '"@status" "signature";req;key="saltbridge"' },
  "JSON with a parameter and no digest": { type: "application/json; charset=utf-8", digest: null, list: '"@status" "signature";req;key="saltbridge"' },
  "a digest over what is no JSON": { type: "application/octet-stream" },
  "the status is not covered": { list: '"signature";req;key="saltbridge" "content-digest"' },
  "the request is not covered": { list: '"@status" "content-digest"' },
  "the request's signature under another label": { list: '"@status" "signature";req;key="other" "content-digest"' },
  "the request's signature without req": { list: '"@status" "signature";key="saltbridge" "content-digest"' },
  "its parameters in another order": { list: '"@status" "signature";key="saltbridge";req "content-digest"' },
  "a component twice": { list: `${LIST} "@status"` },
  "one component more": { list: `${LIST} "@method"` },
  "one header more": { list: `${LIST} "content-type"` },
  "a component with a parameter": { list: '"@status";req "signature";req;key="saltbridge" "content-digest"' },
  "no components": { list: "" },
  "two spaces between components": { list: LIST.replace(" ", "  ") },
  "a space before the list's end": { list: `${LIST} ` },
  "a space at the list's beginning": { list: ` ${LIST}` },
  "a tab between components": { list: LIST.replace(" ", "\t") },
  "a space behind a semicolon": { parameters: params(CREATED, KEYID, TAG).replace(";k", "; k") },
  "a space around =": { headers: { "signature-input": input.replace("saltbridge=", "saltbridge= ") } },
  "a space at the end": { headers: { "signature-input": `${input} ` } },
  "a line feed at the end": { headers: { "signature-input": `${input}\n` } },
  "a signature with a space": { headers: { signature: ` ${signature}` } },
  "a signature with a parameter": { headers: { signature: `${signature};a=1` } },
  "no created": { parameters: params(KEYID, TAG) },
  "no keyid": { parameters: params(CREATED, TAG) },
  "no tag": { parameters: params(CREATED, KEYID) },
  "no parameters": { parameters: "" },
  "created is no whole number": { parameters: params("created=1800000005.5", KEYID, TAG) },
  "created is a text": { parameters: params('created="1800000005"', KEYID, TAG) },
  "created with a zero in front": { parameters: params("created=01800000005", KEYID, TAG) },
  "created is negative": { parameters: params("created=-1", KEYID, TAG) },
  "created has sixteen digits": { parameters: params("created=1800000005000000", KEYID, TAG) },
  "created without a value": { parameters: params("created", KEYID, TAG) },
  "created twice": { parameters: params(CREATED, CREATED, KEYID, TAG) },
  "keyid is a token": { parameters: params(CREATED, `keyid=${bridgeId}`, TAG) },
  "keyid twice": { parameters: params(CREATED, KEYID, KEYID, TAG) },
  "the tag of requests": { parameters: params(CREATED, KEYID, 'tag="saltbridge-request"') },
  "a tag that only begins so": { parameters: params(CREATED, KEYID, 'tag="saltbridge-answers"') },
  "alg": { parameters: params(CREATED, KEYID, TAG, 'alg="ecdsa-p256-sha256"') },
  "a nonce": { parameters: params(CREATED, KEYID, TAG, 'nonce="AQEBAQEBAQEBAQEBAQEBAQ=="') },
  "expires": { parameters: params(CREATED, KEYID, TAG, "expires=1800000009") },
  "a parameter without a value": { parameters: params(CREATED, KEYID, TAG, "a") },
  "a parameter in upper case": { parameters: params("Created=1800000005", KEYID, TAG) },
  "another label": { label: "sig1" },
  "another label for the signature alone": { headers: { signature: signature.replace("saltbridge", "sig1") } },
  "another label for its input alone": { headers: { "signature-input": input.replace("saltbridge", "sig1") } },
  "two labels": { headers: { signature: `${signature}, sig1=:${"A".repeat(86)}==:`, "signature-input": `${input}, sig1=();created=1` } },
  "a second label in the input alone": { headers: { "signature-input": `${input}, sig1=()` } },
  "the signature's header twice": { headers: { signature: `${signature}, ${signature}` } },
  "the input's header twice": { headers: { "signature-input": `${input}, ${input}` } },
  "the digest's header twice": { headers: { "content-digest": `${digest}, ${digest}` } },
  "another digest beside it": { digest: `${digest}, sha-512=:${"A".repeat(86)}==:` },
  "a digest of another kind": { digest: `sha-512=:${"A".repeat(86)}==:` },
  "a digest of 31 bytes": { digest: `sha-256=:${"A".repeat(40)}AA==:` },
  "a digest as hexadecimal": { digest: `sha-256=${"a".repeat(64)}` },
  "a digest with other unused bits": { digest: digestUnusedBits },
  "a digest in base64url": { digest: `sha-256=:${"-".repeat(43)}=:` },
  "a signature with other unused bits": { headers: { signature: unusedBits } },
  "a signature without padding": { headers: { signature: signature.replace("==:", ":") } },
  "a signature of 63 bytes": { headers: { signature: `saltbridge=:${"A".repeat(84)}:` } },
  "a signature of 65 bytes": { headers: { signature: `saltbridge=:${"A".repeat(87)}=:` } },
  "a signature as a text": { headers: { signature: signature.replace(":", '"').replace(/:$/, '"') } },
  "a signature of zeros": { headers: { signature: `saltbridge=:${"A".repeat(86)}==:` } },
  "an empty signature": { headers: { signature: "" } },
  "a line feed behind the text": { base: (text) => `${text}\n` },
  "lines that end in CR LF": { base: (text) => text.replaceAll("\n", "\r\n") },
  "a text without its last line": { base: (text) => text.replace(/\n"@signature-params".*$/, "") },
};

for (const [what, how] of Object.entries(PASSES)) {
  test(`passes: ${what}`, async () => {
    assert.equal(await answerFault(subtle, made(how), expected), null);
  });
}

for (const [what, how] of Object.entries(REFUSED)) {
  test(`refused: ${what}`, async () => {
    assert.equal(typeof (await answerFault(subtle, made(how), expected)), "string");
  });
}

test("refused: the table's tricks of spelling change something", () => {
  assert.notEqual(unusedBits, signature);
  assert.notEqual(digestUnusedBits, digest);
});

test("refused: the request's own signature in place of the answer's", async () => {
  const pageKey = bytes("page's key");
  const asPage = {
    requestSignature: THE_REQUEST,
    key: await subtle.importKey("raw", pageKey, ECDSA, true, ["verify"]),
    keyId: values.get("page's key ID"),
  };
  const echoed = { status: 200, header: (name) => request.headers[name] ?? null };
  assert.equal(typeof (await answerFault(subtle, echoed, asPage)), "string");
});

test("the example's answers pass for their own request and no other", async () => {
  const key = await subtle.importKey("raw", bytes("bridge's key"), ECDSA, true, ["verify"]);
  const keyIdOfBridge = values.get("bridge's key ID");
  for (const one of calls) {
    for (const other of calls) {
      const requestSignature = /^saltbridge=:(.*):$/.exec(other.request.headers.signature)[1];
      const head = { status: one.answer.status, header: (name) => one.answer.headers[name] ?? null };
      const fault = await answerFault(subtle, head, { requestSignature, key, keyId: keyIdOfBridge });
      assert.equal(fault === null, one === other);
    }
  }
});

test("a body that differs in one bit, anywhere, is not the one that was signed", async () => {
  const body = Buffer.from(answer.body);
  assert.equal(await digestFault(subtle, body, digest), null);
  for (let bit = 0; bit < body.length * 8; bit++) {
    const changed = Buffer.from(body);
    changed[bit >> 3] ^= 1 << (bit & 7);
    assert.equal(typeof (await digestFault(subtle, changed, digest)), "string");
  }
  assert.equal(typeof (await digestFault(subtle, body.subarray(1), digest)), "string");
  assert.equal(typeof (await digestFault(subtle, Buffer.concat([body, Buffer.from("\n")]), digest)), "string");
});

test("a signature verifies with low and with high s", async () => {
  const order = BigInt("0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
  const raw = Buffer.from(/:(.*):/.exec(signature)[1], "base64");
  const s = order - BigInt(`0x${raw.subarray(32).toString("hex")}`);
  const other = Buffer.concat([raw.subarray(0, 32), Buffer.from(s.toString(16).padStart(64, "0"), "hex")]);
  const head = { status: 200, header: (name) => (name === "signature" ? `saltbridge=:${other.toString("base64")}:` : GOOD.header(name)) };
  assert.equal(await answerFault(subtle, head, expected), null);
});
