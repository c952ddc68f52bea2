// Calls that may be repeated are, while nobody answers or the service asks for time.

import { Silence } from "./refusals.js";

const MOST_MS = 60_000; // a restart is over long before
const LONGEST_PAUSE_MS = 2000;

/** Makes calls one after another, patient with all of them together: a silence is waited out once. */
export class Patience {
  #since = null; // when the first attempt since the last answer failed
  #failed = 0;

  /** `delayed(error)` hears why a call is made again, and null once one was answered. */
  constructor(delayed = () => {}) {
    this.delayed = delayed;
  }

  /** What `work` answers in the end. Throws what is no reason to wait, or has lasted too long. */
  async call(work) {
    for (;;) {
      try {
        const answer = await work();
        this.renew();
        return answer;
      } catch (error) {
        if (!error.passing) this.renew(); // it was answered
        else this.#since ??= performance.now();
        if (!error.passing || performance.now() - this.#since > MOST_MS) throw error;
        this.delayed(error);
        await pause(1000 * (error.retryAfter ?? 0) || Math.min(LONGEST_PAUSE_MS, 200 * 2 ** this.#failed));
        this.#failed += 1;
      }
    }
  }

  /** Be as patient as at first. */
  renew() {
    [this.#since, this.#failed] = [null, 0];
    this.delayed(null);
  }
}

/** What `promise` brings, or Silence where it brings nothing for `ms`. */
export function heard(promise, ms) {
  let timer;
  const silence = new Promise((_, reject) => (timer = setTimeout(() => reject(new Silence()), ms)));
  return Promise.race([promise, silence]).finally(() => clearTimeout(timer));
}

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
