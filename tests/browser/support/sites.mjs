// Web sites: an https server for all names ending with .test, and plain ones on ports of this computer.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer as createPlain } from "node:http";
import { createServer as createSecure } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** @typedef {import("node:http").RequestListener} Listener */

/**
 * A certificate that nobody vouches for; the browsers of the lab take it.
 *
 * @param {string} folder where it is to be put
 * @returns {{key: string, cert: string}} its files
 */
export function certificateIn(folder) {
  const [key, cert] = ["key.pem", "cert.pem"].map((name) => join(folder, name));
  const names = "subjectAltName=DNS:numerbay.test,DNS:evil.test,DNS:localhost,IP:127.0.0.1";
  const request = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
  const rest = ["-subj", "/CN=numerbay.test", "-addext", names, "-keyout", key, "-out", cert];
  execFileSync("openssl", [...request, ...rest], { stdio: "ignore" });
  return { key, cert };
}

function certificate() {
  const folder = mkdtempSync(join(tmpdir(), "saltbridge-certificate-"));
  const { key, cert } = certificateIn(folder);
  const made = { key: readFileSync(key), cert: readFileSync(cert) };
  rmSync(folder, { recursive: true });
  return made;
}

/** A server on a port of this computer, and what it was asked for. */
export class Server {
  /** Paths, with their queries. @type {string[]} */
  asked = [];
  #server;

  /**
   * @param {Listener} listener
   * @param {{secure?: boolean}} [options]
   */
  constructor(listener, { secure = false } = {}) {
    /** @type {Listener} */
    const keeping = (request, response) => {
      this.asked.push(request.url ?? "");
      listener(request, response);
    };
    this.#server = secure ? createSecure(certificate(), keeping) : createPlain(keeping);
  }

  /** @param {number} [port] */
  async listen(port = 0) {
    await new Promise((resolve, reject) => {
      this.#server.once("error", reject).listen(port, "127.0.0.1", () => resolve(null));
    });
    return this;
  }

  get port() {
    return /** @type {import("node:net").AddressInfo} */ (this.#server.address()).port;
  }

  async close() {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/**
 * Answers by the name that was asked for, and with an empty page where nothing else is given.
 *
 * @param {Record<string, Listener>} [names]
 * @returns {Listener}
 */
export function byName(names = {}) {
  return (request, response) => {
    const name = request.headers.host?.split(":")[0] ?? "";
    (names[name] ?? emptyPage)(request, response);
  };
}

/** @type {Listener} */
export function emptyPage(request, response) {
  response.writeHead(200, { "content-type": "text/html; charset=utf-8" });
  response.end('<!doctype html><html lang="en"><title>A page</title><link rel="icon" href="data:,"><p>A page.</p></html>');
}
