// A job as it progresses: by events where they come through, else by polling.

import { events } from "./events.js";
import { read } from "./gateway.js";
import { Patience, pause } from "./patience.js";
import { Refusal } from "./refusals.js";
import { FINAL } from "./words.js";

const POLL_MS = 500;
const AGAIN_MS = 1000;
const MOST_SILENT = 3;
const BUSY = 429; // too many streams are open

/** Yields the job whenever it changed, the last time when it is final. */
export async function* follow(id, signal) {
  const path = `/v1/jobs/${id}`;
  let job = await new Patience().call(() => read(path, { signal }));
  yield job;
  for (let silent = 0; !FINAL.has(job.state); silent += 1) {
    if (silent > MOST_SILENT) return yield* byAsking(id, signal);
    if (silent) await pause(AGAIN_MS);
    try {
      for await (const { event, data } of events(`${path}/events?results=false`, "", signal)) {
        silent = 0;
        if (event === "gone") throw Refusal.of(410, data);
        job = { ...job, ...JSON.parse(data) };
        yield job;
        if (event === "completed") return;
      }
    } catch (error) {
      if (error.status === BUSY) return yield* byAsking(id, signal);
      if (!error.passing) throw error;
    }
  }
}

async function* byAsking(id, signal) {
  let before = null;
  for (;;) {
    let wait = POLL_MS;
    try {
      const job = await read(`/v1/jobs/${id}`, { signal });
      const now = { at: performance.now(), done: job.counts.succeeded + job.counts.failed };
      const rate = before ? (1000 * (now.done - before.done)) / (now.at - before.at) : null;
      before = now;
      yield { ...job, images_per_second: rate };
      if (FINAL.has(job.state)) return;
    } catch (error) {
      if (!error.passing) throw error;
      wait = 1000 * (error.retryAfter ?? 0) || POLL_MS;
    }
    await pause(wait);
  }
}
