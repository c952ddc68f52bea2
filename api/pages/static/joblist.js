// The caller's jobs, newest first, with what can be done with each; refreshed while they change.

import { twice } from "./confirming.js";
import { bar, find, make } from "./dom.js";
import { call, read, retrying, send } from "./gateway.js";
import { act, announce } from "./notices.js";
import { FINAL, images, state, time, title } from "./words.js";

const SOON_MS = 1500;
const LATER_MS = 15_000;

export class JobList {
  #rows = new Map(); // by what can be done with their jobs
  #shown = 10;

  constructor() {
    find("jobs-more").addEventListener("click", () => {
      this.#shown += 20;
      this.refresh();
    });
    document.addEventListener("visibilitychange", () => document.hidden || this.refresh());
  }

  /** Refresh now, and then as often as there is something to see. */
  async refresh() {
    clearTimeout(this.timer);
    let moving = false;
    try {
      const { jobs, more } = await this.#newest();
      this.#show(jobs);
      find("jobs-none").hidden = jobs.length > 0;
      find("jobs-more").hidden = !more;
      moving = jobs.some((job) => !FINAL.has(job.state));
    } catch {
      // The state of the service, in the header, says that nobody answers.
    }
    if (!document.hidden) this.timer = setTimeout(() => this.refresh(), moving ? SOON_MS : LATER_MS);
  }

  /** Update the rows. As long as a job can be treated the same, its row stays, with whatever has the focus in it. */
  #show(jobs) {
    const before = this.#rows;
    this.#rows = new Map();
    for (const job of jobs) {
      const key = `${job.id} ${FINAL.has(job.state)}`;
      const row = before.get(key) ?? this.#row(job);
      this.#fill(row, job);
      this.#rows.set(key, row);
    }
    const [list, rows] = [find("jobs"), [...this.#rows.values()]];
    for (const row of [...list.children]) if (!rows.includes(row)) row.remove();
    for (const [place, row] of rows.entries()) if (list.children[place] !== row) list.insertBefore(row, list.children[place] ?? null);
  }

  /** The newest jobs; drawings of the pad are jobs, too, but of no interest here. */
  async #newest() {
    const jobs = [];
    let cursor = "";
    do {
      const page = await read(`/v1/jobs?limit=50${cursor && `&cursor=${encodeURIComponent(cursor)}`}`, { within: LATER_MS });
      jobs.push(...page.data.filter((job) => job.metadata.from !== "pad"));
      cursor = page.next_cursor;
    } while (cursor && jobs.length < this.#shown);
    return { jobs: jobs.slice(0, this.#shown), more: Boolean(cursor) || jobs.length > this.#shown };
  }

  #row(job) {
    return make(
      "li",
      {},
      make("div", { class: "name" }, make("a", { href: `/jobs/${job.id}` }, title(job)),
        make("small", {}, `${images(job.counts.total)} · ${job.model} · ${time(job.created_at)}`)),
      bar(0),
      make("span", { class: "word" }),
      make("div", { class: "row" }, ...this.#actions(job)),
    );
  }

  #fill(row, job) {
    const { total, succeeded, failed, canceled } = job.counts;
    row.querySelector(".bar-read").style.width = `${(100 * (succeeded + failed + canceled)) / total}%`;
    const word = row.querySelector(".word");
    word.dataset.state = job.state;
    word.textContent = this.#word(job);
  }

  #word({ state: name, counts }) {
    if (name === "partially_failed") return `done, ${counts.failed} failed`;
    return name === "running" ? `${state(name)}: ${Math.floor((100 * (counts.succeeded + counts.failed)) / counts.total)} %` : state(name);
  }

  #actions(job) {
    const path = `/v1/jobs/${job.id}`;
    if (!FINAL.has(job.state)) return [this.#button("Cancel", job, () => send("POST", `${path}/cancel`))];
    const remove = this.#button("Delete", job, () => call(path, { method: "DELETE" }), twice);
    if (!job.counts.failed) return [remove];
    return [this.#button("Retry", job, retrying(path)), remove];
  }

  #button(word, job, work, when = (button, work) => button.addEventListener("click", work)) {
    const done = async () => {
      await work();
      announce(`${word}: ${title(job)}`);
      await this.refresh();
    };
    const button = make("button", { type: "button", class: "quiet", "aria-label": `${word} ${title(job)}` }, word);
    when(button, () => act(button, done));
    return button;
  }
}
