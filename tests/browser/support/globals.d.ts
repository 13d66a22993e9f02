// What scripts of the lab leave in the pages that they run in.

import type { Aim } from "./attacks/fetches.mjs";

declare global {
  /** Of hostile pages: support/attacks/page.mjs. */
  var attack: (name: string, aim: Aim) => Promise<string[]>;

  var axe: { run(document: Document, options: object): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };

  var made: Blob;
  var sealed: Blob;
  var opened: Blob;

  // Of workers, which have no types beside those of pages.
  function importScripts(url: string): void;
  var onconnect: (event: { ports: MessagePort[] }) => void;
  var clients: { claim(): Promise<void> };
  function skipWaiting(): void;
}
