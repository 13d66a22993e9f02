// The objects of the interface, with the wire's names. docs/openapi.json is the contract.

/**
 * @typedef {object} DeviceState
 * @property {string} state `unknown`, `not-plugged-in`, `plugged-in`, `locked`, `app-not-open`, `ready`, `asking`, or the
 *   code of why it could not be used last
 * @property {string | null} [app] the app that is open
 * @property {string | null} [app_version]
 *
 * @typedef {object} Status
 * @property {string} version of saltbridge
 * @property {number} interface 1
 * @property {DeviceState} device
 * @property {string[]} scopes what this page may do: `create`, `decrypt`, `encrypt`, `export`
 * @property {number} keys how many keys of this page are held
 *
 * @typedef {object} CreateRequest
 * @property {string} [address] the account under which the key is put; the device's first one if it is not given
 * @property {string} [path] its derivation path, where it is an unusual one
 *
 * @typedef {object} CreatedKeys
 * @property {string} public_key 44 characters of base64: the profile's `public_key_v2`
 * @property {string} encrypted_private_key the profile's `encrypted_private_key_v2`
 * @property {string} address of the account that opens it
 *
 * @typedef {object} UnwrapRequest
 * @property {string} envelope the text of the profile's `encrypted_private_key_v2`
 * @property {string} [public_key] which must come out: the profile's `public_key_v2`
 * @property {string} [address] of the account that made the envelope; its path is found
 * @property {string} [path] its derivation path, where it is an unusual one
 * @property {"decrypt" | "export"} [for] what the key is unlocked for; `export` needs that scope and always asks the
 *   device
 *
 * @typedef {object} Unwrapped
 * @property {string} handle names the key in other calls; good for this pairing alone
 * @property {string} public_key 44 characters of base64
 * @property {string} address of the account that signed
 * @property {"1b/1c" | "00/01"} v_form how the envelope was made; NumerBay's own page may not open `00/01`
 * @property {number} expires_at when the key is forgotten if it is not used before: seconds since 1970
 *
 * @typedef {object} Result of a call: `json`, `blob`, or none
 * @property {number} status 200 or 204
 * @property {any} [json]
 * @property {Blob} [blob]
 */

/**
 * @typedef {object} PromptEvent the device is about to ask for a signature: what to compare
 * @property {"prompt"} event
 * @property {string} who this page's origin
 * @property {"open" | "seal" | "export"} purpose
 * @property {number} number which request of this call it is, from 1
 * @property {number} of how many this call has
 * @property {string} address the account that signs
 * @property {string} path its derivation path
 * @property {string | null} [public_key] if it is known
 * @property {string} message word for word, as the device shows it
 *
 * @typedef {object} WaitingEvent something is waited for that a person does
 * @property {"waiting"} event
 * @property {"device" | "other-process" | "unlocking" | "app" | "opening" | "return" | "account"} for
 *
 * @typedef {object} ReadyEvent the device is ready
 * @property {"ready"} event
 * @property {string} app
 * @property {string} version
 *
 * @typedef {object} ShowsAddressEvent the device shows an address, to be compared
 * @property {"shows-address"} event
 * @property {string} address
 * @property {string} path
 *
 * @typedef {object} ToldEvent a sentence for the person
 * @property {"told"} event
 * @property {string} text
 *
 * @typedef {object} PlainEvent
 * @property {"queued" | "asking" | "answered" | "again" | "others-listen" | "plugged" | "unplugged" | "forgotten"} event
 *
 * @typedef {PromptEvent | WaitingEvent | ReadyEvent | ShowsAddressEvent | ToldEvent | PlainEvent} BridgeEvent
 */

export {};
