// The images of a job as far as they are known: fetched page by page.

import { read } from "./gateway.js";
import { Patience } from "./patience.js";

const PAGE = 1000;

/** More than these are not held by a page; the downloads have them all. */
export const MOST = 50_000;

export class Items extends EventTarget {
  list = [];
  #cursor = 0;
  #running = null;
  #again = false;

  constructor(path) {
    super();
    this.path = path;
  }

  /** Fetch what came since. When called again meanwhile, it looks once more; all wait for the same end. */
  refresh() {
    this.#again = true;
    this.#running ??= this.#run();
    return this.#running;
  }

  async #run() {
    const patience = new Patience();
    try {
      while (this.#again) {
        this.#again = false;
        await patience.call(() => this.#fetch());
      }
    } finally {
      this.#running = null;
    }
  }

  async #fetch() {
    while (this.#cursor !== null && this.list.length < MOST) {
      const page = await read(`${this.path}/results?limit=${PAGE}&cursor=${this.#cursor}`);
      const came = page.next_cursor !== this.#cursor;
      this.#cursor = page.next_cursor;
      for (const { lines, ...item } of page.data) this.list.push(item); // pictures show where lines are
      if (page.data.length) this.#changed();
      if (!came) return;
    }
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}

/** What an image is taken for: as a person says, else as it was read; of many characters, their text. */
export const said = (item) => item.correction ?? item.label ?? item.text ?? null;

/** Whether there is more than one character on it. */
export const isSheet = (item) => item.text !== undefined;

/** Whether a person should look at it. */
export const open = (item) => item.correction == null && Boolean(item.uncertain);
