// The head of a job: its name, how far it is, and what can be done with it.

import { twice } from "./confirming.js";
import { find } from "./dom.js";
import { call, retrying, send } from "./gateway.js";
import { act, announce } from "./notices.js";
import { FINAL, count, images, seconds, state, time, title } from "./words.js";

export class Head {
  constructor(path) {
    this.path = path;
    const retry = retrying(path);
    this.#act("cancel", () => send("POST", `${path}/cancel`));
    this.#act("retry", async () => location.assign(`/jobs/${(await retry()).id}`));
    const remove = async () => {
      await call(path, { method: "DELETE" });
      location.assign("/");
    };
    twice(find("delete"), () => act(find("delete"), remove));
  }

  show(job) {
    const final = FINAL.has(job.state);
    find("title").textContent = title(job);
    document.title = `${title(job)}: ${state(job.state)}`;
    const parts = [images(job.counts.total), `read by ${job.model}`, job.charset, time(job.created_at), `kept until ${time(job.expires_at)}`];
    find("meta").textContent = parts.filter(Boolean).join(" · ");
    find("cancel").hidden = final || job.state === "canceling";
    find("retry").hidden = !final || !job.counts.failed;
    find("delete").hidden = !final;
    this.#progress(job, final);
  }

  #progress(job, final) {
    const { total, succeeded, failed, canceled } = job.counts;
    const share = (n) => `${(100 * n) / total}%`;
    find("bar").firstElementChild.style.width = share(succeeded);
    find("bar").lastElementChild.style.width = share(failed);
    find("bar").ariaValueNow = String(Math.floor((100 * (succeeded + failed)) / total));
    const words = [`${count(succeeded)} of ${images(total)} read`];
    if (failed) words.push(`${count(failed)} failed`);
    if (canceled) words.push(`${count(canceled)} canceled`);
    if (!final) words.push(...this.#outlook(job));
    const text = `${state(job.state)}: ${words.join(", ")}`;
    find("progress-text").textContent = text;
    if (final && this.moving) announce(text);
    this.moving = !final;
  }

  #outlook({ position, images_per_second: rate, eta_seconds: eta }) {
    const words = [];
    if (position) words.push(`${count(position)} ${position === 1 ? "job" : "jobs"} before it`);
    if (rate) words.push(`${count(Math.round(rate))} images/s`);
    if (eta) words.push(`about ${seconds(eta)} to go`);
    return words;
  }

  #act(id, work) {
    find(id).addEventListener("click", () => act(find(id), work));
  }
}
