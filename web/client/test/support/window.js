// The bridge's window for tests: what `/handoff` does, with a fake bridge behind it.

import { ADDRESS } from "./bridge.js";
import { Clock, CountedTarget, page } from "./page.js";

const PASSED = ["content-type", "content-digest", "signature", "signature-input", "content-length"];

export class FakeWindow {
  closed = false;
  focused = 0;
  /** What it was told, oldest first: `{message, targetOrigin}`. */
  told = [];
  #opener;
  #bridge;
  #running = new Map();

  constructor(opener, bridge) {
    this.#opener = opener;
    this.#bridge = bridge;
  }

  focus() {
    this.focused++;
  }

  close() {
    this.closed = true;
  }

  postMessage(message, targetOrigin) {
    this.told.push({ message, targetOrigin });
    if (message.saltbridge === "request") void this.#pass(message);
    if (message.saltbridge === "cancel") this.#running.get(message.id)?.abort();
  }

  /** Says something to the page that opened it, as the browser would deliver it. */
  say(data, { origin = ADDRESS, source = this } = {}) {
    this.#opener.dispatchEvent(Object.assign(new Event("message"), { data, origin, source }));
  }

  async #pass({ id, method, target, headers, body }) {
    const controller = new AbortController();
    this.#running.set(id, controller);
    try {
      const response = await this.#bridge.fetch(ADDRESS + target, { method, headers, body, signal: controller.signal });
      const passed = Object.fromEntries(PASSED.filter((name) => response.headers.has(name)).map((name) => [name, response.headers.get(name)]));
      const head = { saltbridge: "answer", id, status: response.status, headers: passed };
      if (passed["content-type"] !== "text/event-stream") return this.say({ ...head, body: await response.blob() });
      this.say({ ...head, body: null });
      for await (const bytes of response.body) this.say({ saltbridge: "part", id, text: Buffer.from(bytes).toString() });
      this.say({ saltbridge: "end", id });
    } catch {
      if (!controller.signal.aborted) this.say({ saltbridge: "failed", id });
    } finally {
      this.#running.delete(id);
    }
  }
}

/**
 * A page whose `fetch` reaches nothing, and which can open windows.
 *
 * @param {object} [options] `blocked`: the browser opens none
 */
export function blockedPage({ blocked = false, ...more } = {}) {
  const opener = new CountedTarget();
  const windows = [];
  const opened = [];
  const clock = new Clock();
  clock.stopped = true;
  const all = page({ clock, ...more });
  const open = (...how) => {
    opened.push(how);
    if (blocked) return null;
    windows.push(new FakeWindow(opener, all.bridge));
    return windows.at(-1);
  };
  const direct = [];
  const fetch = async (url, { mode }) => {
    direct.push(`${mode} ${url}`);
    throw new TypeError("Failed to fetch");
  };
  const again = page({ ...all, window: opener, open, fetch, ...more });
  return { ...again, bridge: all.bridge, windows, opened, opener, direct };
}

/** One whose window is open and ready, and which is paired through it. */
export async function pageWithWindow(options) {
  const all = blockedPage(options);
  const opening = all.client.openHandoff();
  all.windows[0].say({ saltbridge: "ready" });
  await opening;
  await all.client.pair(all.bridge.code);
  all.bridge.requests.length = 0;
  const [window] = all.windows;
  window.told.length = 0;
  return { ...all, window };
}
