// Pairing: two keys that learn of each other through a code that a person carries. What comes out is good only if the
// bridge knew the code and signed with the key that it named.

import { jsonBody, readPublicKey, unsignedAnswer, unsignedJson } from "./channel.js";
import { fromBase64, toBase64 } from "./encoding.js";
import { ownError } from "./errors.js";
import { bridgeFields, pageFields, prove, proves, readCode } from "./proofs.js";
import { answerFault, digestFault, KEY, keyId } from "./protocol.js";

/** @typedef {import("./keys.js").PairingRecord} PairingRecord */

/**
 * @param {{address: string, platform: import("./platform.js").Platform, channel: import("./channel.js").Channel}} bridge
 * @param {string} text the code
 * @param {AbortSignal} [signal]
 * @returns {Promise<PairingRecord>} not kept yet
 * @throws {import("./errors.js").SaltbridgeError} `bad-code`, `wrong-bridge`, `clock`, a refusal (never signed), or
 *   what the transport rejects with
 */
export async function pair({ address, platform, channel }, text, signal) {
  const code = readCode(text);
  const { subtle } = platform.crypto;
  const { privateKey, publicKey } = await subtle.generateKey(KEY, false, ["sign", "verify"]);
  const pageKey = new Uint8Array(await subtle.exportKey("raw", publicKey));
  const own = { origin: platform.origin, authority: new URL(address).host, pageKey };
  const key_id = await keyId(subtle, pageKey);
  const proof = toBase64(await prove(subtle, code, pageFields(own)));
  const body = await jsonBody(subtle, { public_key: toBase64(pageKey), proof });
  const call = { method: "POST", target: "/v1/pairings", body };

  for (let attempt = 1; ; attempt++) {
    const { received, signature } = await channel.send(privateKey, key_id, call, signal);
    if (received.status !== 200) {
      const refusal = await unsignedAnswer(received, "pairing", "it did not pair");
      signal?.throwIfAborted();
      if (refusal.code !== "stale") throw refusal;
      if (attempt > 1) throw ownError("clock", { status: received.status });
      await channel.laterSecond(signal);
      continue;
    }
    const answer = await pairingAnswer(subtle, received);
    signal?.throwIfAborted();
    if (!answer) throw ownError("wrong-bridge", { status: received.status });
    const { bridge, scopes, proof: bridgesProof, bytes } = answer;
    const fault =
      ((await proves(subtle, code, bridgeFields(own, bridge.bytes, scopes), bridgesProof)) ? null : "its proof is wrong") ??
      (await answerFault(subtle, received, { requestSignature: signature, key: bridge.key, keyId: bridge.keyId })) ??
      (await digestFault(subtle, bytes, received.header("content-digest")));
    if (fault !== null) throw ownError("wrong-bridge", { status: received.status, cause: new Error(fault) });
    return { address, private_key: privateKey, key_id, bridge_public_key: toBase64(bridge.bytes), scopes };
  }
}

/**
 * @param {SubtleCrypto} subtle
 * @param {import("./direct.js").Received} received
 */
async function pairingAnswer(subtle, received) {
  const body = await unsignedJson(received, "application/json");
  const { public_key, scopes, proof: proofText } = body?.json ?? {};
  const bridge = await readPublicKey(subtle, public_key);
  const proof = fromBase64(proofText, 32);
  return body && bridge && proof && areScopes(scopes) ? { bridge, scopes, proof, bytes: body.bytes } : null;
}

/**
 * @param {unknown} scopes
 * @returns {scopes is string[]} names in alphabetical order, each once
 */
function areScopes(scopes) {
  if (!Array.isArray(scopes)) return false;
  return scopes.every((scope, at) => typeof scope === "string" && /^[a-z-]+$/.test(scope) && (at === 0 || scopes[at - 1] < scope));
}
