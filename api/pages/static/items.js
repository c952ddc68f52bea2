// The images of a job whose results are known, fetched page by page.

import { read } from "./gateway.js";
import { Patience } from "./patience.js";

const PAGE = 1000;

/** Most images that the page holds; the downloads have them all. */
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

  /** Fetch what is new. If called again meanwhile, it looks once more; all calls wait for the same end. */
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
        await this.#fetch(patience);
      }
    } finally {
      this.#running = null;
    }
  }

  async #fetch(patience) {
    while (this.#cursor !== null && this.list.length < MOST) {
      const page = await patience.call(() => read(`${this.path}/results?limit=${PAGE}&cursor=${this.#cursor}`));
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

/** What an image is taken for: its correction, else what was read; for many characters, their text. */
export const said = (item) => item.correction ?? item.label ?? item.text ?? null;

/** Whether an image was read as a text, not as one character. */
export const isSheet = (item) => item.text !== undefined;

/** Whether a person should look at an image. */
export const open = (item) => item.correction == null && Boolean(item.uncertain);

/** Whether an image can be corrected: one that was canceled was never read. */
export const correctable = ({ status }) => status === "succeeded" || status === "failed";
