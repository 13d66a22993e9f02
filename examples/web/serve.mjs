// Serves the example: node examples/web/serve.mjs, and open http://localhost:8000.
//
// It stands in for NumerBay's service, too: one person's profile, in memory, with the rules of the real one that matter
// here. Options: --port, --bridge-port, --address (of the Ledger's account), --certificate and --key (files: https).

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer as createPlain } from "node:http";
import { createServer as createSecure } from "node:https";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const CLIENT = fileURLToPath(new URL("../../web/client/src", import.meta.url));

/** The account of `saltbridge emulate`. */
const EMULATED = "0xdad77910dbdfde764fc21fcd4e74d71bbaca6d8d";

const TYPES = { html: "text/html", css: "text/css", js: "text/javascript", svg: "image/svg+xml" };
const PAGE = ["index.html", "style.css", "icon.svg", "app.js", "watching.js", "numerbay.js", "backend.js"];
const LINKS = ["social_discord", "social_linkedin", "social_twitter", "social_website"];

/** The stand-in for the service: PUT and GET users/me. @param {string | null} address */
function profile(address) {
  /** @type {Record<string, string | null>} */
  const user = {
    username: "example",
    public_address: address,
    public_key: null,
    encrypted_private_key: null,
    public_key_v2: null,
    encrypted_private_key_v2: null,
    social_discord: null,
    social_linkedin: null,
    social_twitter: null,
    social_website: "https://example.com",
  };
  const put = (/** @type {Record<string, string | null>} */ fields) => {
    for (const link of LINKS) user[link] = fields[link] ?? null;
    // As the real one: both or nothing, into the columns of version 2, whatever stood there.
    if (fields.public_key && fields.encrypted_private_key) {
      user.public_key_v2 = fields.public_key;
      user.encrypted_private_key_v2 = fields.encrypted_private_key;
    }
  };
  return { user, put };
}

/**
 * The site, as a listener of an HTTP server.
 *
 * @param {object} [options]
 * @param {number} [options.bridgePort]
 * @param {string | null} [options.address] the account that the profile names
 * @param {Record<string, string>} [options.headers] that replace those of the page
 * @returns {import("node:http").RequestListener}
 */
export function site({ bridgePort = 21730, address = EMULATED, headers = {} } = {}) {
  const bridge = `http://127.0.0.1:${bridgePort}`;
  const { user, put } = profile(address);
  return async (request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://any");
    const end = (/** @type {number} */ status, /** @type {string} */ type, /** @type {string | Buffer} */ body) =>
      response
        .writeHead(status, { "content-type": `${type}; charset=utf-8`, "cache-control": "no-store", ...policies(bridge), ...headers })
        .end(body);
    try {
      if (pathname === "/backend-api/v1/users/me") {
        let text = "";
        for await (const piece of request) text += piece;
        if (request.method === "PUT") put(JSON.parse(text));
        return end(200, "application/json", JSON.stringify(user));
      }
      const file = fileAt(pathname);
      if (!file) return end(404, "text/plain", "There is nothing here.");
      const text = readFileSync(file, "utf8");
      const content = file.endsWith(".html") ? text.replace("http://127.0.0.1:21730", bridge) : text;
      return end(200, TYPES[/** @type {keyof typeof TYPES} */ (file.split(".").at(-1))], content);
    } catch (error) {
      return end(500, "text/plain", String(error));
    }
  };
}

/** @param {string} pathname @returns {string | null} */
function fileAt(pathname) {
  const name = pathname === "/" ? "index.html" : pathname.slice(1);
  if (PAGE.includes(name)) return join(HERE, name);
  const module = /^client\/([a-z-]+\.js)$/.exec(name)?.[1];
  return module ? join(CLIENT, module) : null;
}

/** What the page allows itself. @param {string} bridge */
function policies(bridge) {
  const [, importMap = ""] = /<script type="importmap">(.*?)<\/script>/s.exec(readFileSync(join(HERE, "index.html"), "utf8")) ?? [];
  const hash = createHash("sha256").update(importMap).digest("base64");
  return {
    "content-security-policy": [
      "default-src 'none'",
      // The import map is the one script within the page. A site that bundles the client has none.
      `script-src 'self' 'sha256-${hash}'`,
      "style-src 'self'",
      "img-src 'self'",
      `connect-src 'self' ${bridge}`,
      "form-action 'none'",
      "base-uri 'none'",
      "frame-ancestors 'none'",
    ].join("; "),
    // `same-origin` would cut the page off from the bridge's window.
    "cross-origin-opener-policy": "same-origin-allow-popups",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
  };
}

function main() {
  const { values } = parseArgs({
    options: {
      port: { type: "string", default: "8000" },
      "bridge-port": { type: "string", default: "21730" },
      address: { type: "string", default: EMULATED },
      certificate: { type: "string" },
      key: { type: "string" },
    },
  });
  const listener = site({ bridgePort: Number(values["bridge-port"]), address: values.address });
  const { certificate, key } = values;
  const server =
    certificate && key
      ? createSecure({ cert: readFileSync(certificate), key: readFileSync(key) }, listener)
      : createPlain(listener);
  const origin = `${certificate ? "https" : "http"}://localhost:${values.port}`;
  server.listen(Number(values.port), "localhost", () => {
    console.log(`Open ${origin}. Let it in with: saltbridge pair ${origin}`);
  });
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) main();
