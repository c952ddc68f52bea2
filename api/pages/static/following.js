// A job as it progresses: by events where they come through, else by polling.

import { events } from "./events.js";
import { read } from "./gateway.js";
import { Patience, pause } from "./patience.js";
import { Refusal } from "./refusals.js";
import { FINAL } from "./words.js";

const POLL_MS = 500;
const HIDDEN_MS = 5000;
const AGAIN_MS = 1000;
const MOST_SILENT = 3;
const BUSY = 429; // too many streams are open

/** Yields the job whenever it changed, the last time when it is final. */
export async function* follow(id) {
  const path = `/v1/jobs/${id}`;
  let job = await new Patience().call(() => read(path));
  yield job;
  let begun = false;
  for (let silent = 0; !FINAL.has(job.state); silent += 1) {
    if (silent > MOST_SILENT) return yield* byAsking(path);
    if (silent) await pause(AGAIN_MS);
    try {
      for await (const { event, data } of whileSeen(`${path}/events?results=false`)) {
        [silent, begun] = [0, true];
        if (event === "gone") throw Refusal.of(410, data);
        job = { ...job, ...JSON.parse(data) };
        yield job;
        if (event === "completed") return;
      }
    } catch (error) {
      if (error.name === "AbortError") {
        for await (job of byAsking(path, () => document.hidden)) yield job;
        silent = -1;
        continue;
      }
      const isHeldBack = error.late && !begun; // by something in between
      if (error.status === BUSY || isHeldBack) return yield* byAsking(path);
      if (!error.passing) throw error;
    }
  }
}

/** The events at `path`; AbortError once nobody sees the page: a browser has six connections to a host for all its pages, and seven streams would leave none. */
async function* whileSeen(path) {
  const controller = new AbortController();
  const { signal } = controller;
  const look = () => document.hidden && controller.abort();
  document.addEventListener("visibilitychange", look, { signal });
  look();
  try {
    yield* events(path, signal);
  } finally {
    controller.abort(); // which removes the listener, too
  }
}

async function* byAsking(path, goOn = () => true) {
  let before = null;
  while (goOn()) {
    let wait = document.hidden ? HIDDEN_MS : POLL_MS;
    try {
      const job = await read(path);
      const now = { at: performance.now(), done: job.counts.succeeded + job.counts.failed };
      const rate = before ? (1000 * (now.done - before.done)) / (now.at - before.at) : null;
      before = now;
      yield { ...job, images_per_second: rate };
      if (FINAL.has(job.state)) return;
    } catch (error) {
      if (!error.passing) throw error;
      wait = 1000 * (error.retryAfter ?? 0) || wait;
    }
    await rest(wait);
  }
}

/** Pauses for `ms`, or until the page is hidden or seen again. */
async function rest(ms) {
  const over = new AbortController();
  const turned = new Promise((resolve) => document.addEventListener("visibilitychange", resolve, { signal: over.signal }));
  await Promise.race([pause(ms), turned]);
  over.abort();
}
