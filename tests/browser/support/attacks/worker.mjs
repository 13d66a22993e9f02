// A worker of a hostile page, of any kind.

/** Where it aims. */
const bridge = new URL(location.href).searchParams.get("bridge");

async function attempts() {
  const read = [];
  for (const mode of /** @type {RequestMode[]} */ (["cors", "no-cors"])) {
    for (const method of ["GET", "POST"]) {
      try {
        const text = await (await fetch(`${bridge}/v1/status`, { mode, method })).text();
        if (text) read.push(text);
      } catch {
        // Nothing was read.
      }
    }
  }
  try {
    importScripts(`${bridge}/handoff.js`);
    read.push("a script of the bridge ran in a worker");
  } catch {
    // It is not to be had, or this is a module.
  }
  return read;
}

if ("onconnect" in globalThis) {
  globalThis.onconnect = async ({ ports }) => ports[0].postMessage(await attempts());
} else {
  attempts().then((read) => postMessage(read));
}
