// Everything that a test needs: a desk with a bridge, the example on an https site that counts as public, a hostile one
// beside it, and a browser.

import { site } from "../../../examples/web/serve.mjs";
import { Browser } from "./browsers.mjs";
import { Desk } from "./desk.mjs";
import { hostileSite } from "./hostile.mjs";
import { Server, byName } from "./sites.mjs";

/** @typedef {import("./browsers.mjs").Permission} Permission */

export class Lab {
  /** @param {Desk} desk @param {Server} server @param {Browser} browser */
  constructor(desk, server, browser) {
    this.desk = desk;
    this.server = server;
    this.browser = browser;
    this.origin = `https://numerbay.test:${server.port}`;
    this.evil = `https://evil.test:${server.port}`;
  }

  /**
   * @param {object} [options]
   * @param {"always" | "never" | "ask"} [options.approve]
   * @param {Permission} [options.permission] what the person told the browser about the example
   * @param {Record<string, string>} [options.headers] of the example, that replace its own
   */
  static async open({ approve = "always", permission = "granted", headers } = {}) {
    const desk = await Desk.withBridge({ approve });
    const example = site({ bridgePort: desk.port, headers });
    const names = { "numerbay.test": example, "evil.test": hostileSite };
    const server = await new Server(byName(names), { secure: true }).listen();
    const lab = new Lab(desk, server, await Browser.launch(server.port));
    if (permission !== "prompt") await lab.browser.permit(lab.origin, permission);
    return lab;
  }

  async close() {
    await this.browser.close();
    await this.server.close();
    await this.desk.clear();
  }
}
