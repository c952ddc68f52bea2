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
const AWHILE_MS = 60_000; // of polling, until a stream is asked for again
const BUSY = 429; // too many streams are open

/** Yields the job whenever it changed, the last time when it is final. */
export async function* follow(id) {
  const path = `/v1/jobs/${id}`;
  let job = await new Patience().call(() => read(path));
  yield job;
  let [begun, silent] = [false, 0];
  while (!FINAL.has(job.state)) {
    let goOn = null; // whether to poll on, where no stream is to be had
    try {
      for await (const { event, data } of whileSeen(`${path}/events?results=false`)) {
        [begun, silent] = [true, 0];
        if (event === "gone") throw Refusal.of(410, data);
        job = { ...job, ...JSON.parse(data) };
        yield job;
        if (event === "completed") return;
      }
    } catch (error) {
      const isHeldBack = error.late && !begun; // by something in between
      if (error.name === "AbortError") goOn = () => document.hidden;
      else if (error.status === BUSY || isHeldBack) goOn = forAWhile();
      else if (!error.passing) throw error;
    }
    silent += 1;
    if (silent > MOST_SILENT) goOn ??= forAWhile();
    if (!goOn) await pause(AGAIN_MS);
    else {
      for await (job of byAsking(path, goOn)) yield job;
      silent = 0;
    }
  }
}

/** Whether less than AWHILE_MS have passed since. */
function forAWhile() {
  const end = performance.now() + AWHILE_MS;
  return () => performance.now() < end;
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

async function* byAsking(path, goOn) {
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
