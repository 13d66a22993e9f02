export type DeviceState = {
    /**
     * `unknown`, `not-plugged-in`, `plugged-in`, `locked`, `app-not-open`, `ready`, `asking`, or the
     * code of why it could not be used last
     */
    state: string;
    /**
     * the app that is open
     */
    app?: string | null | undefined;
    app_version?: string | null | undefined;
};
export type Status = {
    /**
     * of saltbridge
     */
    version: string;
    /**
     * 1
     */
    interface: number;
    device: DeviceState;
    /**
     * what this page may do: `create`, `decrypt`, `encrypt`, `export`
     */
    scopes: string[];
    /**
     * how many keys of this page are held
     */
    keys: number;
};
export type CreateRequest = {
    /**
     * the account under which the key is put; the device's first one if it is not given
     */
    address?: string | undefined;
    /**
     * its derivation path, where it is an unusual one
     */
    path?: string | undefined;
};
export type CreatedKeys = {
    /**
     * 44 characters of base64: the profile's `public_key_v2`
     */
    public_key: string;
    /**
     * the profile's `encrypted_private_key_v2`
     */
    encrypted_private_key: string;
    /**
     * of the account that opens it
     */
    address: string;
};
export type UnwrapRequest = {
    /**
     * the text of the profile's `encrypted_private_key_v2`
     */
    envelope: string;
    /**
     * which must come out: the profile's `public_key_v2`
     */
    public_key?: string | undefined;
    /**
     * of the account that made the envelope; its path is found
     */
    address?: string | undefined;
    /**
     * its derivation path, where it is an unusual one
     */
    path?: string | undefined;
    /**
     * what the key is unlocked for; `export` needs that scope and always asks the
     * device
     */
    for?: "decrypt" | "export" | undefined;
};
export type Unwrapped = {
    /**
     * names the key in other calls; good for this pairing alone
     */
    handle: string;
    /**
     * 44 characters of base64
     */
    public_key: string;
    /**
     * of the account that signed
     */
    address: string;
    /**
     * how the envelope was made; NumerBay's own page may not open `00/01`
     */
    v_form: "1b/1c" | "00/01";
    /**
     * when the key is forgotten if it is not used before: seconds since 1970
     */
    expires_at: number;
};
/**
 * of a call: `json`, `blob`, or none
 */
export type Result = {
    /**
     * 200 or 204
     */
    status: number;
    json?: any;
    blob?: Blob | undefined;
};
/**
 * the device is about to ask for a signature: what to compare
 */
export type PromptEvent = {
    event: "prompt";
    /**
     * this page's origin
     */
    who: string;
    purpose: "open" | "seal" | "export";
    /**
     * which request of this call it is, from 1
     */
    number: number;
    /**
     * how many this call has
     */
    of: number;
    /**
     * the account that signs
     */
    address: string;
    /**
     * its derivation path
     */
    path: string;
    /**
     * if it is known
     */
    public_key?: string | null | undefined;
    /**
     * word for word, as the device shows it
     */
    message: string;
};
/**
 * something is waited for that a person does
 */
export type WaitingEvent = {
    event: "waiting";
    for: "device" | "other-process" | "unlocking" | "app" | "opening" | "return" | "account";
};
/**
 * the device is ready
 */
export type ReadyEvent = {
    event: "ready";
    app: string;
    version: string;
};
/**
 * the device shows an address, to be compared
 */
export type ShowsAddressEvent = {
    event: "shows-address";
    address: string;
    path: string;
};
/**
 * a sentence for the person
 */
export type ToldEvent = {
    event: "told";
    text: string;
};
export type PlainEvent = {
    event: "queued" | "asking" | "answered" | "again" | "others-listen" | "plugged" | "unplugged" | "forgotten";
};
export type BridgeEvent = PromptEvent | WaitingEvent | ReadyEvent | ShowsAddressEvent | ToldEvent | PlainEvent;
