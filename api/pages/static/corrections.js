// What a person says images are: seen at once, kept at the gateway in the order in which it is said.

import { send } from "./gateway.js";
import { complain } from "./notices.js";
import { Patience } from "./patience.js";
import { images } from "./words.js";

const AT_ONCE = 1000; // images in one call
const NAMED = 10;
const MOST_MS = 20_000;

export class Corrections extends EventTarget {
  #saved = Promise.resolve();
  #open = new Map(); // item -> {kept: what the gateway has, last: what was said last}
  #lost = new Map(); // item -> the label that was given up
  #delay = null;
  #patience = new Patience((error) => {
    this.#delay = error;
    this.#changed();
  });

  constructor(path) {
    super();
    this.path = path;
    addEventListener("beforeunload", (event) => this.#open.size && event.preventDefault());
  }

  /** In words, how what was said is being kept. */
  get progress() {
    if (!this.#open.size) return "";
    if (!this.#delay) return "Saving…";
    return `Saving… ${images(this.#open.size)} not saved yet. ${this.#delay.title}; it is tried again.`;
  }

  /** Say what images are; null takes it back. What cannot be kept is undone, and named. */
  async say(items, label) {
    const parts = [];
    for (let first = 0; first < items.length; first += AT_ONCE) parts.push({ items: items.slice(first, first + AT_ONCE), label });
    for (const part of parts) this.#show(part);
    this.#changed();
    await Promise.all(parts.map((part) => this.#settle(part)));
  }

  #show(saying) {
    for (const item of saying.items) {
      const { kept } = this.#open.get(item) ?? { kept: item.correction };
      this.#open.set(item, { kept, last: saying });
      this.#lost.delete(item);
      item.correction = saying.label;
    }
  }

  async #settle(saying) {
    const saved = this.#saved.then(() => this.#patience.call(() => this.#keep(saying)));
    this.#saved = saved.catch(() => {});
    try {
      await saved;
      this.#close(saying, true);
    } catch (error) {
      this.#close(saying, false);
      if (this.#lost.size) this.#name(error);
    }
    if (!this.#open.size) this.#patience.renew();
    this.#changed();
  }

  #keep({ items, label }) {
    const signal = AbortSignal.timeout(MOST_MS); // a dead connection would hold up all that follow
    if (items.length === 1) return send("PATCH", `${this.path}/items/${items[0].index}/correction`, { label }, signal);
    const labels = Object.fromEntries(items.map((item) => [item.index, label]));
    return send("PATCH", `${this.path}/corrections`, { labels }, signal);
  }

  /** What was said is kept, or given up; an image of which something else was said since is left alone. */
  #close(saying, kept) {
    for (const item of saying.items) {
      const open = this.#open.get(item);
      if (kept) open.kept = saying.label;
      if (open.last !== saying) continue;
      this.#open.delete(item);
      if (kept) continue;
      item.correction = open.kept;
      this.#lost.set(item, saying.label);
    }
  }

  /** Say which are lost, all in one notice. Tried again are those of which nothing was said since. */
  #name(error) {
    const named = [...this.#lost].slice(0, NAMED).map(([item, label]) => `${item.index + 1}, ${item.name} (${label ?? "taken back"})`);
    if (this.#lost.size > NAMED) named.push(`and ${images(this.#lost.size - NAMED)} more`);
    const message = `${error.title ?? error.message}. What you said of these is undone: ${named.join("; ")}.`;
    const notice = Object.assign(new Error(message), { title: "Not saved", lasting: true });
    complain(notice, error.passing ? () => this.#again() : undefined);
  }

  #again() {
    for (const label of new Set(this.#lost.values())) {
      const lost = [...this.#lost].filter(([, said]) => said === label);
      this.say(lost.map(([item]) => item), label);
    }
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}
