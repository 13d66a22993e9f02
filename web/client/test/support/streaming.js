// A paired page whose bridge streams what a test pushes.

import { pairedPage, until } from "./page.js";

export const EVENTS = [
  { event: "waiting", for: "unlocking" },
  { event: "told", text: "Füllhorn, „Salt:c0SC“ \u2028 🔑\ndata: x" },
  { event: "prompt", who: "https://numerbay.test", purpose: "open", number: 1, of: 1, address: "0x", path: "m/44'", public_key: null, message: "a\n\nb" },
  { event: "answered" },
];
export const BEGUN = ": events\n\n";
export const STREAM = `${BEGUN}${EVENTS.map((event) => `data: ${JSON.stringify(event)}\n\n:\n\n`).join("")}`;

/** `stream(n)` is the nth stream, from 0, once it is opened: `{push, end, request}`. */
export async function streaming(options) {
  const page = await pairedPage(options);
  const streams = [];
  page.bridge.on("GET /v1/events", (request) =>
    page.bridge.stream(request, (push, end) => streams.push({ push, end, request })),
  );
  const stream = async (at) => {
    await until(() => streams.length > at);
    return streams[at];
  };
  return { ...page, streams, stream };
}

/** One whose unwraps wait: `answer(n)` answers the nth, from 0, once it was asked. */
export async function waitingCalls(options) {
  const page = await streaming(options);
  const answers = [];
  page.bridge.on("POST /v1/unwrap", (request) => new Promise((resolve) => answers.push(() => resolve(page.bridge.json(request, {})))));
  const asked = async (count) => until(() => answers.length === count);
  const answer = async (at) => {
    await until(() => answers.length > at);
    answers[at]();
  };
  return { ...page, asked, answer };
}
