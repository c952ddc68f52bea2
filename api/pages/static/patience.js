// Repeats calls that may be repeated, while nobody answers or the service asks for time.

import { Silence } from "./refusals.js";

const MOST_MS = 60_000; // a restart is over long before
const LONGEST_PAUSE_MS = 2000;

/** Makes calls one after another, with one patience for all of them: a silence is waited out once. */
export class Patience {
  #since = null; // when the first attempt since the last answer failed
  #failed = 0;

  /** `delayed(error)` is called with the reason before a call is repeated, and with null once one was answered. */
  constructor(delayed = () => {}) {
    this.delayed = delayed;
  }

  /** What `work` answers in the end. Throws what is no reason to wait, or would last too long. */
  async call(work) {
    for (;;) {
      try {
        const answer = await work();
        this.renew();
        return answer;
      } catch (error) {
        if (!error.passing) this.renew(); // it was answered
        else this.#since ??= performance.now();
        const wait = 1000 * (error.retryAfter ?? 0) || Math.min(LONGEST_PAUSE_MS, 200 * 2 ** this.#failed);
        if (!error.passing || performance.now() - this.#since + wait > MOST_MS) throw error;
        this.delayed(error);
        await pause(wait);
        this.#failed += 1;
      }
    }
  }

  /** Be as patient as at the beginning. */
  renew() {
    [this.#since, this.#failed] = [null, 0];
    this.delayed(null);
  }
}

/** The result of `promise`; throws a `late` Silence if there is none within `ms`. */
export function heard(promise, ms) {
  let timer;
  const silence = new Promise((_, reject) => (timer = setTimeout(() => reject(Object.assign(new Silence(), { late: true })), ms)));
  return Promise.race([promise, silence]).finally(() => clearTimeout(timer));
}

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
