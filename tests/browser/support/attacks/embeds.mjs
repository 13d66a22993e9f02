// What a hostile page has its browser load, and where it sends people and forms.

import * as spy from "./spy.mjs";

/** @import { Aim, Attack } from "./fetches.mjs" */

const PATHS = ["/v1/status", "/v1/pairings", "/handoff", "/handoff.js", "/handoff.css", "/page.css", "/icon.svg", "/"];

/**
 * An element for each path. The query keeps one attack from being answered out of what another one left.
 *
 * @param {string} tag @param {string} attribute @param {Record<string, string>} [more]
 */
const each = (tag, attribute, more = {}) => async (/** @type {Aim} */ { bridge }) => {
  const query = `?${tag}${Object.values(more).join("")}`;
  const all = PATHS.map((path) => spy.element(tag, { ...more, [attribute]: bridge + path + query }));
  for (const element of await Promise.all(all)) {
    // What has a size was read.
    spy.look(() => element.naturalWidth || element.videoWidth || null);
    spy.look(() => element.sheet?.cssRules.length || null);
  }
};

/** @param {string} rel @param {Record<string, string>} [more] */
const link = (rel, more = {}) => each("link", "href", { rel, ...more });

/** Frames are slow in coming to nothing. */
const FRAMED = ["/v1/status", "/handoff", "/handoff.js", "/"];

/** What posts JSON as if it were a form's text. */
const SMUGGLED = { '{"origin":"https://evil.test","scopes":["export"],"a":"': '"}' };

/** @param {Aim} aim @param {string} target a window's name */
async function forms({ bridge }, target) {
  for (const path of ["/v1/pairings/codes", "/v1/keys", "/v1/pairings", "/handoff"]) {
    spy.form(bridge + path, "get", "", target, { origin: "https://evil.test" });
    await spy.wait(60);
    for (const type of ["text/plain", "multipart/form-data", "application/x-www-form-urlencoded"]) {
      spy.form(bridge + path, "post", type, target, SMUGGLED);
      await spy.wait(60);
    }
  }
}

/** @type {Attack[]} */
export const EMBEDS = [
  { name: "images", attempt: each("img", "src") },
  { name: "images with CORS", attempt: each("img", "src", { crossorigin: "anonymous" }) },
  { name: "scripts", attempt: each("script", "src") },
  { name: "module scripts", attempt: each("script", "src", { type: "module" }) },
  {
    name: "import()",
    attempt: async ({ bridge }) => {
      for (const path of PATHS) {
        await import(`${bridge}${path}?import`).then(() => spy.read.push("a module of the bridge was imported"), () => {});
      }
    },
  },
  { name: "style sheets", attempt: link("stylesheet") },
  {
    name: "a style sheet that imports, its pictures and fonts",
    attempt: ({ bridge }) =>
      spy.element(
        "style",
        {},
        `@import url("${bridge}/handoff.css"); @font-face { font-family: f; src: url("${bridge}/v1/status"); }
         body { font-family: f; background: url("${bridge}/v1/keys"); }`,
      ),
  },
  { name: "video", attempt: each("video", "src", { preload: "auto" }) },
  { name: "audio", attempt: each("audio", "src", { preload: "auto" }) },
  { name: "objects", attempt: each("object", "data") },
  { name: "embedded content", attempt: each("embed", "src") },
  { name: "prefetch", attempt: link("prefetch") },
  { name: "preload", attempt: link("preload", { as: "fetch", crossorigin: "anonymous" }) },
  { name: "module preload", attempt: link("modulepreload") },
  {
    name: "the ping of a link",
    arrives: "chromium",
    async attempt({ bridge }) {
      await spy.element("iframe", { name: "pinged" });
      const anchor = await spy.element("a", { href: "/", target: "pinged", ping: `${bridge}/v1/keys` }, "here");
      anchor.click();
      await spy.wait(300);
    },
  },
  {
    name: "frames, also in a sandbox",
    async attempt({ bridge }) {
      for (const path of FRAMED) {
        await Promise.all([
          spy.frame({ src: bridge + path }),
          spy.frame({ src: bridge + path, sandbox: "allow-scripts allow-same-origin allow-popups allow-forms" }),
          spy.frame({ src: bridge + path, sandbox: "allow-scripts" }),
        ]);
      }
    },
  },
  {
    name: "frames of its own, without an origin, that fetch",
    async attempt({ bridge }) {
      const script = `for (const mode of ["cors", "no-cors"]) for (const method of ["GET", "POST"])
        fetch("${bridge}/v1/status", { mode, method }).then((answer) => answer.text()).then((leaked) => parent.postMessage({ leaked }, "*"), () => {})`;
      const text = `<script>${script}</script>`;
      await spy.element("iframe", { srcdoc: text, sandbox: "allow-scripts" });
      await spy.element("iframe", { src: `data:text/html,${encodeURIComponent(text)}` });
      await spy.element("iframe", { src: URL.createObjectURL(new Blob([text], { type: "text/html" })) });
      await spy.wait(300);
    },
  },
  {
    name: "forms into a frame",
    async attempt(aim) {
      const frame = await spy.element("iframe", { name: "into", src: "about:blank" });
      await forms(aim, "into");
      spy.window(frame.contentWindow);
    },
  },
  {
    name: "forms into a window",
    async attempt(aim) {
      const opened = globalThis.open("about:blank", "window", "popup,width=300,height=300");
      await forms(aim, "window");
      spy.window(opened);
    },
  },
  {
    name: "windows",
    async attempt({ bridge }) {
      const opened = ["/v1/status", "/v1/pairings", "/openapi.json", "/handoff.js"].map((path) => spy.open(bridge + path));
      await Promise.all(opened);
    },
  },
  {
    name: "a window that is redirected",
    attempt: ({ bridge, home }) => spy.open(`${home}/redirect?status=302&to=${encodeURIComponent(`${bridge}/v1/status`)}`),
  },
  {
    name: "reports of a policy's violation",
    attempt: ({ bridge }) => spy.element("iframe", { src: `/reporting?to=${encodeURIComponent(`${bridge}/v1/keys`)}` }),
  },
];
