/** @typedef {import("./keys.js").PairingRecord} PairingRecord */
/**
 * @param {{address: string, platform: import("./platform.js").Platform, channel: import("./channel.js").Channel}} bridge
 * @param {string} text the code
 * @param {AbortSignal} [signal]
 * @returns {Promise<PairingRecord>} not kept yet
 * @throws {import("./errors.js").SaltbridgeError} `bad-code`, `wrong-bridge`, `clock`, a refusal (never signed), or
 *   what the transport rejects with
 */
export function pair({ address, platform, channel }: {
    address: string;
    platform: import("./platform.js").Platform;
    channel: import("./channel.js").Channel;
}, text: string, signal?: AbortSignal): Promise<PairingRecord>;
export type PairingRecord = import("./keys.js").PairingRecord;
