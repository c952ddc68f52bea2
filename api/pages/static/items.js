// The images of a job as far as they are known: fetched page by page, corrected here and at the gateway.

import { read, send } from "./gateway.js";

const PAGE = 1000;

/** More than these are not held by a page; the downloads have them all. */
export const MOST = 50_000;

export class Items extends EventTarget {
  list = [];
  #cursor = 0;
  #busy = false;
  #again = false;
  #saved = Promise.resolve();
  #unsaved = 0;

  constructor(job) {
    super();
    this.path = `/v1/jobs/${job}`;
    addEventListener("beforeunload", (event) => this.#unsaved && event.preventDefault());
  }

  /** Fetch what came since. Asked while it does so, it looks once more after. */
  async refresh() {
    this.#again = true;
    if (this.#busy) return;
    this.#busy = true;
    try {
      while (this.#again) {
        this.#again = false;
        await this.#fetch();
      }
    } finally {
      this.#busy = false;
    }
  }

  async #fetch() {
    while (this.#cursor !== null && this.list.length < MOST) {
      const page = await read(`${this.path}/results?limit=${PAGE}&cursor=${this.#cursor}`);
      const came = page.next_cursor !== this.#cursor;
      this.#cursor = page.next_cursor;
      this.list.push(...page.data);
      if (page.data.length) this.#changed();
      if (!came) return;
    }
  }

  /** Say what images are; null takes it back. Seen at once, undone if the gateway refuses. */
  async correct(items, label) {
    const before = items.map((item) => item.correction);
    for (const item of items) item.correction = label;
    this.#changed();
    const kept = this.#saved.then(() => this.#keep(items, label)); // in the order in which they are said
    this.#saved = kept.catch(() => {});
    this.#unsaved += 1;
    try {
      await kept;
    } catch (error) {
      items.forEach((item, place) => (item.correction = before[place]));
      this.#changed();
      throw error;
    } finally {
      this.#unsaved -= 1;
    }
  }

  async #keep(items, label) {
    if (items.length === 1) return send("PATCH", `${this.path}/items/${items[0].index}/correction`, { label });
    for (let first = 0; first < items.length; first += PAGE) {
      const some = items.slice(first, first + PAGE).map((item) => [item.index, label]);
      await send("PATCH", `${this.path}/corrections`, { labels: Object.fromEntries(some) });
    }
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}

/** What an image is taken for: as a person says, else as it was read. */
export const said = (item) => item.correction ?? item.label ?? null;

/** Whether a person should look at it. */
export const open = (item) => item.correction == null && Boolean(item.uncertain);
