// A service worker of a hostile page: it passes its page's navigation on to the bridge.

const bridge = new URL(location.href).searchParams.get("bridge");

addEventListener("install", () => skipWaiting());
addEventListener("activate", (/** @type {any} */ event) => event.waitUntil(clients.claim()));
addEventListener("fetch", (/** @type {any} */ event) => {
  const asked = async () => {
    for (const mode of /** @type {RequestMode[]} */ (["navigate", "cors", "same-origin"])) {
      try {
        return await fetch(new Request(`${bridge}/v1/status`, { mode }));
      } catch {
        // The next one.
      }
    }
    return fetch(`${bridge}/v1/status`, { mode: "no-cors" });
  };
  event.respondWith(asked().catch(() => Response.error()));
});
