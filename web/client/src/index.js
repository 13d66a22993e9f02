// The client of saltbridge for web pages. It loads no script, and asks nobody but the bridge.

/**
 * @typedef {import("./wire.js").Status} Status
 * @typedef {import("./wire.js").DeviceState} DeviceState
 * @typedef {import("./wire.js").CreateRequest} CreateRequest
 * @typedef {import("./wire.js").CreatedKeys} CreatedKeys
 * @typedef {import("./wire.js").UnwrapRequest} UnwrapRequest
 * @typedef {import("./wire.js").Unwrapped} Unwrapped
 * @typedef {import("./wire.js").BridgeEvent} BridgeEvent
 * @typedef {import("./wire.js").PromptEvent} PromptEvent
 * @typedef {import("./wire.js").WaitingEvent} WaitingEvent
 * @typedef {import("./wire.js").ReadyEvent} ReadyEvent
 * @typedef {import("./wire.js").ShowsAddressEvent} ShowsAddressEvent
 * @typedef {import("./wire.js").ToldEvent} ToldEvent
 * @typedef {import("./wire.js").PlainEvent} PlainEvent
 * @typedef {import("./wire.js").Result} Result
 * @typedef {import("./diagnose.js").Diagnosis} Diagnosis
 * @typedef {import("./diagnose.js").State} State
 * @typedef {import("./keys.js").Keys} Keys
 * @typedef {import("./keys.js").PairingRecord} PairingRecord
 * @typedef {import("./platform.js").Platform} Platform
 * @typedef {import("./saltbridge.js").Options} Options
 * @typedef {import("./saltbridge.js").WatchedOptions} WatchedOptions
 */

export { SaltbridgeError } from "./errors.js";
export { IndexedDbKeys, MemoryKeys } from "./keys.js";
export { Saltbridge } from "./saltbridge.js";
