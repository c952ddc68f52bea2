// A person's corrections: shown at once, sent to the gateway in the order in which they were made.

import { facts } from "./dom.js";
import { send } from "./gateway.js";
import { complain } from "./notices.js";
import { Patience } from "./patience.js";
import { few, images } from "./words.js";

const MOST_MS = 20_000;

export class Corrections extends EventTarget {
  #saved = Promise.resolve();
  #open = new Map(); // item -> {kept: what the gateway has, last: the latest correction}
  #lost = new Map(); // item -> the correction that was given up
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

  /** In words, whether corrections are saved. */
  get progress() {
    if (!this.#open.size) return "";
    if (!this.#delay) return "Saving…";
    return `Saving… ${images(this.#open.size)} not saved yet. ${this.#delay.title}; trying again.`;
  }

  /** Correct images; null withdraws corrections. What cannot be saved is undone, and listed. Without `overwrite`, corrected images stay as they are. */
  async say(items, label, overwrite = true) {
    const parts = [];
    const most = facts.max_corrections;
    for (let first = 0; first < items.length; first += most) parts.push({ items: items.slice(first, first + most), label, overwrite });
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
      this.#close(saying, await saved);
    } catch (error) {
      this.#close(saying, null);
      if (this.#lost.size) this.#name(error);
    }
    if (!this.#open.size) this.#patience.renew();
    this.#changed();
  }

  #keep({ items, label, overwrite }) {
    const signal = AbortSignal.timeout(MOST_MS); // a dead connection would hold up all that follow
    if (overwrite && items.length === 1) return send("PATCH", `${this.path}/items/${items[0].index}/correction`, { label }, signal);
    const labels = Object.fromEntries(items.map((item) => [item.index, label]));
    return send("PATCH", `${this.path}/corrections`, { labels, overwrite }, signal);
  }

  /** Settle a correction: the gateway answered, or (null) it was given up. Images that were corrected again since are left alone. */
  #close(saying, answer) {
    for (const item of saying.items) {
      const open = this.#open.get(item);
      if (answer) open.kept = answer.kept?.[item.index] ?? saying.label;
      if (open.last !== saying) continue;
      this.#open.delete(item);
      item.correction = open.kept;
      if (!answer) this.#lost.set(item, saying);
    }
  }

  /** List the lost corrections in one notice. It offers to try those again whose images were not corrected since. */
  #name(error) {
    const named = few([...this.#lost].map(([item, { label }]) => `${item.index + 1}, ${item.name} (${label ?? "taken back"})`), images);
    const why = [error.title, error.message].filter(Boolean).map((words) => words.replace(/\.?$/, ".")).join(" ");
    const message = `${why} Your corrections of these are undone: ${named.join("; ")}.`;
    const notice = Object.assign(new Error(message), { title: "Not saved", lasting: true });
    complain(notice, error.passing ? () => this.#again() : undefined);
  }

  /** Say the lost corrections again: in one call those that say the same, however they were made. */
  #again() {
    const groups = new Map();
    for (const [item, { label, overwrite }] of this.#lost) {
      const said = JSON.stringify([label, overwrite]);
      if (!groups.has(said)) groups.set(said, { items: [], label, overwrite });
      groups.get(said).items.push(item);
    }
    for (const { items, label, overwrite } of groups.values()) this.say(items, label, overwrite);
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}
