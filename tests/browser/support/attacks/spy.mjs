// What a hostile page sees: everything that its attacks could read is gathered here.
//
// A page can always measure that something listens at a port (docs/threats.md), which is not counted as read. Neither
// is what the handoff window tells everybody: that it is ready, and that it does not do what it is asked.

/** @type {string[]} */
export const read = [];

/** @param {number} milliseconds */
export const wait = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** A promise, and what fulfils it. */
export function later() {
  /** @type {(value: any) => void} */
  let resolve = () => {};
  const promise = new Promise((fulfil) => (resolve = fulfil));
  return { promise, resolve };
}

/** What can be seen of an answer. @param {() => Promise<Response>} ask */
export async function answer(ask) {
  try {
    const response = await ask();
    const text = await response.text().catch(() => "");
    if (response.type !== "opaque" || response.status !== 0 || text !== "") {
      read.push(`${response.type} ${response.status} ${text}`);
    }
  } catch {
    // It failed: nothing was read.
  }
}

/** What can be looked at, if it does not throw and is not the emptiness of a window that has gone nowhere. @param {() => unknown} what */
export function look(what) {
  try {
    const seen = what();
    const nothing = ["", "about:blank", "null", location.origin];
    if (seen !== undefined && seen !== null && !nothing.includes(String(seen))) read.push(String(seen));
  } catch {
    // Another origin's.
  }
}

/** What can be seen of another window. @param {Window | null} other */
export function window(other) {
  look(() => other?.document.documentElement.textContent);
  look(() => other?.location.href);
  look(() => other?.origin);
}

/**
 * Puts an element into the page, and waits until it has what it wants, or has not got it.
 *
 * @param {string} tag
 * @param {Record<string, string>} [attributes]
 * @returns {Promise<any>}
 */
export async function element(tag, attributes = {}, text = "") {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.textContent = text;
  const over = new Promise((resolve) => {
    for (const event of ["load", "error", "loadeddata"]) made.addEventListener(event, resolve);
  });
  document.body.append(made);
  await Promise.race([over, wait(500)]);
  return made;
}

/** A frame, and what can be seen in it. @param {Record<string, string>} attributes */
export async function frame(attributes) {
  const made = await element("iframe", attributes);
  window(made.contentWindow);
  look(() => made.contentDocument?.body.textContent);
  return made;
}

/** Opens a window, and sees what can be seen of it. @param {string} url */
export async function open(url) {
  const opened = globalThis.open(url, "_blank", "popup,width=300,height=300");
  await wait(700);
  if (opened) window(opened);
  return opened;
}

/**
 * Submits a form.
 *
 * @param {string} action
 * @param {string} method
 * @param {string} enctype
 * @param {string} target
 * @param {Record<string, string>} fields
 */
export function form(action, method, enctype, target, fields) {
  const made = document.createElement("form");
  for (const [name, value] of Object.entries({ action, method, enctype, target })) made.setAttribute(name, value);
  for (const [name, value] of Object.entries(fields)) {
    const input = document.createElement("input");
    Object.assign(input, { type: "hidden", name, value });
    made.append(input);
  }
  document.body.append(made);
  made.submit();
}

/** Hears what other windows and frames send. */
export function listen() {
  addEventListener("message", ({ data }) => {
    const { saltbridge: told, leaked } = Object(data);
    // An opaque answer is an empty text.
    if (leaked !== "" && !["ready", "failed"].includes(told)) read.push(JSON.stringify(data));
  });
}
