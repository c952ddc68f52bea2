// What can be downloaded: tables, sorted images, training sets.

import { facts, find, make } from "./dom.js";
import { blob, call, slow } from "./gateway.js";
import { act, announce } from "./notices.js";
import { count } from "./words.js";

export class Downloads {
  constructor(path, job) {
    Object.assign(this, { path, keeps: job.keep_images });
    this.offer(0);
    for (const link of document.querySelectorAll("#downloads a")) {
      const { format, export: wanted } = link.dataset;
      const address = format ? `${path}/results?format=${format}` : `${path}/export?${wanted}`;
      link.href = address;
      link.download = format ? `${job.id}.${format}` : "";
      if (wanted && !job.keep_images) link.parentNode.hidden = true;
      if (wanted && job.counts.total > facts.max_exported) {
        link.search += `&limit=${facts.max_exported}`;
        link.append(`: the first ${count(facts.max_exported)}`);
      }
      link.addEventListener("click", (event) => this.#download(event, link));
    }
    const menu = find("downloads");
    menu.hidden = false;
    menu.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      menu.open = false;
      menu.firstElementChild.focus();
    });
    document.addEventListener("click", (event) => menu.contains(event.target) || (menu.open = false));
  }

  /** Offer the download of what was checked, once something was. */
  offer(checked) {
    find("export-checked").parentNode.hidden = !checked || !this.keeps;
  }

  #download(event, link) {
    event.preventDefault();
    act(link, () => (facts.keyed ? this.#withKey(link) : this.#withoutKey(link)));
  }

  /** Browsers do not say why a download is refused: the job is asked for first. */
  async #withoutKey({ href, download }) {
    await call(this.path);
    make("a", { href, download }).click();
  }

  /** A link cannot carry a key: the file is fetched, then handed over. */
  async #withKey({ href, download }) {
    announce("The download is being made");
    const answer = await slow(href);
    const [, given] = /filename="([^"]+)"/.exec(answer.headers.get("Content-Disposition") ?? "") ?? [];
    const place = URL.createObjectURL(await blob(answer));
    make("a", { href: place, download: given ?? download }).click();
    setTimeout(() => URL.revokeObjectURL(place), 60_000);
  }
}
