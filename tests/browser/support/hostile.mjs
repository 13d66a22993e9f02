// The hostile web sites, and what is looked at after each of their attacks.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

import { EMBEDS } from "./attacks/embeds.mjs";
import { FETCHES } from "./attacks/fetches.mjs";
import { BROWSER } from "./browsers.mjs";
import { emptyPage } from "./sites.mjs";

/** @import { Aim, Attack } from "./attacks/fetches.mjs" */

/** What any page may do to any address. @type {Attack[]} */
export const ATTACKS = [...FETCHES, ...EMBEDS];

/** What anybody may open: nothing of anybody's stands in it. */
const INERT = [/^\/openapi\.json$/, /^\/handoff$/, /^\/$/, /^\/(client\/)?[\w-]+\.(js|css|svg)$/];

/** @type {import("node:http").RequestListener} */
export function hostileSite(request, response) {
  const url = new URL(request.url ?? "/", "http://any");
  const to = url.searchParams.get("to") ?? "";
  const script = /^\/attacks\/(\w+\.mjs)$/.exec(url.pathname)?.[1];
  if (script) {
    const headers = { "content-type": "text/javascript", "cache-control": "no-store" };
    response.writeHead(200, headers).end(readFileSync(new URL(`attacks/${script}`, import.meta.url)));
  } else if (url.pathname === "/redirect") {
    const headers = { location: to, "access-control-allow-origin": "*" };
    response.writeHead(Number(url.searchParams.get("status")), headers).end();
  } else if (url.pathname === "/reporting") {
    const headers = { "content-type": "text/html", "content-security-policy": `img-src 'none'; report-uri ${to}` };
    response.writeHead(200, headers).end("<!doctype html><img src=/forbidden>");
  } else if (url.pathname === "/") {
    response.writeHead(200, { "content-type": "text/html; charset=utf-8", "cache-control": "no-store" });
    response.end('<!doctype html><meta charset="utf-8"><title>Hostile</title><link rel="icon" href="data:,"><body><script type="module" src="/attacks/page.mjs"></script>');
  } else {
    emptyPage(request, response);
  }
}

/** What must not change, whatever a hostile page does. @param {import("./desk.mjs").Desk} desk */
export async function state(desk) {
  return { pairings: await desk.pairings(), prompts: desk.prompts, asked: desk.asked };
}

/**
 * Makes one attack, and checks that it came to nothing.
 *
 * @param {import("puppeteer-core").Page} page a hostile one
 * @param {import("./desk.mjs").Desk} desk
 * @param {Attack} attack
 * @param {Aim} aim
 */
export async function attempt(page, desk, attack, aim) {
  const before = await state(desk);
  const { length } = desk.calls;
  const read = await page.evaluate((name, towards) => globalThis.attack(name, towards), attack.name, aim);
  assert.deepEqual(read, [], "nothing was read");
  const calls = (await desk.settledCalls()).slice(length).filter((call) => !call.who.startsWith("a program of yours"));
  const let_in = calls.filter(({ status, method, path }) => {
    const isInert = method === "GET" && INERT.some((inert) => inert.test(path));
    return !(status >= 400 && status < 500) && !(status === 200 && isInert);
  });
  assert.deepEqual(let_in, [], "every request was refused");
  assert.deepEqual(await state(desk), before, "nothing changed, and the device asked nothing");
  const isHeld = attack.arrives === "held" || (attack.arrives && attack.arrives !== BROWSER);
  assert.equal(calls.length > 0, !isHeld, isHeld ? "the browser held it back" : "something of it reached the bridge");
  return calls;
}
