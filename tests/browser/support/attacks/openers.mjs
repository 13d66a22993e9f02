// What a hostile page does with the bridge's own windows: it opens or frames them, and talks to them.

import * as spy from "./spy.mjs";

/** @import { Aim, Attack } from "./fetches.mjs" */

/** Opens the handoff window, and waits until it listens. @param {Aim} aim @returns {Promise<Window>} */
async function handoff({ bridge }) {
  const { promise, resolve } = spy.later();
  const hear = (/** @type {MessageEvent} */ { data }) => data?.saltbridge === "ready" && resolve(null);
  addEventListener("message", hear);
  const opened = globalThis.open(`${bridge}/handoff`, "_blank", "popup,width=300,height=300");
  const isReady = await Promise.race([promise.then(() => true), spy.wait(20_000)]);
  removeEventListener("message", hear);
  if (!isReady || !opened) throw new Error("the window did not open");
  return opened;
}

/** A request as the client makes it, if nothing else is said. */
const REQUEST = { saltbridge: "request", method: "GET", target: "/v1/status", headers: {}, body: null };

/**
 * Sends messages to the handoff window.
 *
 * @param {(aim: Aim) => unknown[]} messages
 * @returns {Attack["attempt"]}
 */
const says = (messages) => async (aim) => {
  const opened = await handoff(aim);
  let id = 0;
  for (const message of messages(aim)) {
    const isRequest = typeof message === "object" && message !== null && !Array.isArray(message);
    opened.postMessage(isRequest ? { id: ++id, ...message } : message, "*");
  }
  await spy.wait(400);
  spy.window(opened);
  opened.close();
};

const TARGETS = [
  "/v1/status", "/v1/events", "/v1/keys", "/v1/unwrap", "/v1/pairings", "/v1/keys/AAAAAAAAAAAAAAAAAAAAAA/export",
  "/v1/encrypt?public_key=A", "/v1/pairings/codes", "/v1/pairings/https%3A%2F%2Fnumerbay.test", "/v1/devices",
  "/v1/address", "/v1/own-pages", "/openapi.json", "/handoff", "/", "", "/v1/../openapi.json", "/v1/%2e%2e/openapi.json",
  "/v1/keys/../pairings", "/v1/keys/..%2fpairings", "/v1/status#", "/v1/status?a=b", " /v1/status", "\\v1\\status",
];

/** @param {Aim} aim */
const elsewhere = ({ home }) => [`${home}/leak`, home.replace(/^https?:/, "") + "/leak", `/\\${home.split("//")[1]}/leak`, "data:,leak", "javascript:alert(1)"];

/** What it does with the handoff window. @type {Attack[]} */
export const HANDOFF = [
  {
    name: "it asks the handoff window for every call, and for what is none",
    attempt: says((aim) => {
      const targets = [...TARGETS, ...elsewhere(aim), 7, null, ["/v1/status"], { target: "/v1/status" }];
      return targets.flatMap((target) => ["GET", "POST", "DELETE", "PUT", "OPTIONS", "get", 7].map((method) => ({ ...REQUEST, method, target })));
    }),
  },
  {
    name: "it says that it is another site",
    attempt: says(({ bridge, home }) => {
      const named = home.replace("evil", "numerbay");
      const headers = ["saltbridge-opener", "Saltbridge-Opener", "origin", "host", "referer", "cookie", "sec-fetch-site"];
      const told = headers.flatMap((name) => [named, bridge].map((value) => ({ ...REQUEST, headers: { [name]: value } })));
      return [...told, { ...REQUEST, origin: named, site: named }, { ...REQUEST, headers: [["saltbridge-opener", named]] }];
    }),
  },
  {
    name: "it makes up signatures",
    attempt: says(() => {
      const keyid = "A".repeat(43);
      const input = `saltbridge=("@method" "@authority" "@path" "@query");created=${Math.floor(Date.now() / 1000)};nonce="${btoa("0".repeat(16))}";keyid="${keyid}";tag="saltbridge-request"`;
      const headers = { "signature-input": input, signature: `saltbridge=:${btoa("0".repeat(64))}:` };
      return [{ ...REQUEST, headers }, { ...REQUEST, headers: { ...headers, signature: 7 } }];
    }),
  },
  {
    name: "it sends bodies of all kinds",
    attempt: says(() => {
      const bodies = [new Blob(["{}"], { type: "application/json" }), "{}", new Uint8Array(10), { size: 2 }, 7, new File(["a"], "a")];
      return bodies.flatMap((body) => ["GET", "POST"].map((method) => ({ ...REQUEST, method, target: "/v1/keys", body })));
    }),
  },
  {
    name: "it sends messages of all kinds",
    attempt: says(() => {
      const ids = [NaN, -1, 0.5, 2 ** 53, "1", null, {}].map((id) => ({ ...REQUEST, id }));
      const kinds = ["ready", "answer", "part", "end", "failed", "cancel", "", null].map((saltbridge) => ({ ...REQUEST, saltbridge }));
      return [...ids, ...kinds, null, "request", 7, [REQUEST], { saltbridge: { saltbridge: "request" } }, { ...REQUEST, headers: null }];
    }),
  },
  { name: "it sends very many", attempt: says(() => Array.from({ length: 300 }, () => REQUEST)) },
  {
    name: "it talks to the window from a frame without an origin",
    async attempt({ bridge }) {
      const script = `const opened = open("${bridge}/handoff");
        addEventListener("message", ({ data }) => parent.postMessage(data, "*"));
        setInterval(() => opened?.postMessage({ saltbridge: "request", id: 1, method: "GET", target: "/v1/status", headers: {}, body: null }, "*"), 100)`;
      const popups = "allow-scripts allow-popups";
      await spy.element("iframe", { srcdoc: `<script>${script}</script>`, sandbox: popups });
      await spy.element("iframe", { srcdoc: `<script>${script}</script>`, sandbox: `${popups} allow-popups-to-escape-sandbox` });
      await spy.wait(1000);
    },
  },
  {
    name: "it talks to the window in a frame",
    async attempt({ bridge }) {
      for (const path of ["/handoff", "/"]) {
        const { contentWindow } = await spy.frame({ src: bridge + path });
        contentWindow?.postMessage({ ...REQUEST, id: 1 }, "*");
      }
      await spy.wait(300);
    },
  },
  {
    name: "it opens the window without being its opener",
    async attempt({ bridge }) {
      globalThis.open(`${bridge}/handoff`, "_blank", "noopener,popup");
      await spy.wait(500);
    },
  },
  {
    // The last one: Chromium shows what it made beforehand in place of a window that is opened later, without an opener.
    name: "it has its browser make the windows beforehand",
    arrives: "chromium",
    attempt({ bridge }) {
      const rules = {
        prerender: [{ urls: [`${bridge}/handoff`], eagerness: "immediate" }],
        prefetch: [{ urls: [`${bridge}/v1/status`], eagerness: "immediate" }],
      };
      return spy.element("script", { type: "speculationrules" }, JSON.stringify(rules));
    },
  },
];

/** What it does with the page that `saltbridge open` opens. @type {Attack[]} */
export const OWN_PAGE = [
  {
    name: "it opens the page, and guesses its code",
    async attempt({ bridge }) {
      for (const hash of ["", "#0000-0000-0000-0000", "#<img src=x onerror=alert(1)>"]) {
        const opened = globalThis.open(`${bridge}/${hash}`, "_blank", "popup,width=300,height=300");
        await spy.wait(500);
        opened?.postMessage({ ...REQUEST, id: 1 }, "*");
        await spy.wait(200);
        spy.window(opened);
      }
    },
  },
];
