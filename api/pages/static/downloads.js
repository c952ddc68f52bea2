// What can be downloaded: tables, sorted images, training sets.

import { facts } from "./dom.js";
import { blob, call } from "./gateway.js";
import { act, announce } from "./notices.js";
import { count } from "./words.js";

export class Downloads {
  constructor(path, job) {
    this.keeps = job.keep_images;
    this.offer(0);
    for (const link of document.querySelectorAll("#downloads a")) {
      const { format, export: wanted } = link.dataset;
      const address = format ? `${path}/results?format=${format}` : `${path}/export?${wanted}`;
      const name = format ? `${job.id}.${format}` : "";
      link.href = address;
      link.download = name;
      if (wanted && !job.keep_images) link.parentNode.hidden = true;
      if (wanted && job.counts.total > facts.max_exported) {
        link.search += `&limit=${facts.max_exported}`;
        link.append(`: the first ${count(facts.max_exported)}`);
      }
      if (facts.keyed) link.addEventListener("click", (event) => this.#withKey(event, link.href, name));
    }
    const menu = document.getElementById("downloads");
    menu.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      menu.open = false;
      menu.firstElementChild.focus();
    });
    document.addEventListener("click", (event) => menu.contains(event.target) || (menu.open = false));
  }

  /** Offer the download of what was checked, once something was. */
  offer(checked) {
    const link = document.getElementById("export-checked");
    link.parentNode.hidden = !checked || !this.keeps;
  }

  /** A link cannot carry a key: the file is fetched, then handed over. */
  #withKey(event, address, name) {
    event.preventDefault();
    act(event.currentTarget, async () => {
      announce("The download is being made");
      const answer = await call(address);
      const [, given] = /filename="([^"]+)"/.exec(answer.headers.get("Content-Disposition") ?? "") ?? [];
      const place = URL.createObjectURL(await blob(answer));
      const link = Object.assign(document.createElement("a"), { href: place, download: given ?? name });
      link.click();
      setTimeout(() => URL.revokeObjectURL(place), 60_000);
    });
  }
}
