// The pad: a character drawn by pen, finger, mouse or keys, and read each time the pen lifts.

import { find } from "./dom.js";
import { read } from "./gateway.js";
import { attempt } from "./notices.js";
import { readings } from "./readings.js";

const WIDTH = 26; // of the pen, in pixels of the canvas
const STEP = 16;
const KEPT_S = 60;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class Pad {
  #canvas = find("pad");
  #ink = this.#canvas.getContext("2d");
  #at = null; // where the pen is while it is down
  #pen = { x: 224, y: 224 }; // where the keys have it
  #reading = new AbortController(); // of what was drawn last

  /** `options()` returns how drawings are to be read. */
  constructor(options) {
    this.options = options;
    this.clear();
    this.#listen("pointerdown", (event) => event.button === 0 && this.#press(event));
    this.#listen("pointermove", (event) => this.#move(event));
    for (const end of ["pointerup", "pointercancel"]) this.#listen(end, () => this.#lift());
    this.#canvas.addEventListener("keydown", (event) => this.#type(event));
    this.#canvas.addEventListener("focus", () => this.#canvas.matches(":focus-visible") && this.#mark());
    this.#canvas.addEventListener("blur", () => (find("pad-pen").hidden = true));
    find("pad-clear").addEventListener("click", () => this.clear());
  }

  clear() {
    this.#reading.abort();
    this.#ink.fillStyle = "#ffffff";
    this.#ink.fillRect(0, 0, this.#canvas.width, this.#canvas.height);
    Object.assign(this.#ink, { lineWidth: WIDTH, lineCap: "round", lineJoin: "round", strokeStyle: "#1d1f29" });
    find("pad-hint").hidden = false;
    find("pad-readings").textContent = "Its likeliest readings appear here.";
  }

  /** Listen to the pen or the first finger: with a second one, a stroke would jump between both. */
  #listen(kind, handle) {
    this.#canvas.addEventListener(kind, (event) => event.isPrimary && handle(event));
  }

  #press(event) {
    find("pad-pen").hidden = true;
    this.#canvas.setPointerCapture(event.pointerId);
    this.#at = this.#place(event);
    this.#draw(this.#at);
  }

  #move(event) {
    if (!this.#at) return;
    for (const each of event.getCoalescedEvents?.() ?? [event]) this.#draw(this.#place(each));
  }

  #lift() {
    if (!this.#at) return;
    this.#at = null;
    attempt(() => this.#read());
  }

  #draw(to) {
    find("pad-hint").hidden = true;
    this.#ink.beginPath();
    this.#ink.moveTo(this.#at.x, this.#at.y);
    this.#ink.lineTo(to.x + 0.01, to.y); // of a line without length, such as the dot of an i, nothing would be drawn
    this.#ink.stroke();
    this.#at = to;
  }

  #place({ clientX, clientY }) {
    const box = this.#canvas.getBoundingClientRect();
    const scale = this.#canvas.width / box.width;
    return { x: (clientX - box.left) * scale, y: (clientY - box.top) * scale };
  }

  #type(event) {
    const step = ARROWS[event.key];
    if (step) {
      const within = (n) => Math.min(this.#canvas.width - WIDTH, Math.max(WIDTH, n));
      this.#pen = { x: within(this.#pen.x + step[0] * STEP), y: within(this.#pen.y + step[1] * STEP) };
      if (this.#at) this.#draw(this.#pen);
    } else if (event.key === " " && this.#at) this.#lift();
    else if (event.key === " ") this.#draw((this.#at = this.#pen));
    else if (event.key === "Escape") this.clear();
    else return;
    event.preventDefault();
    this.#mark();
  }

  /** Show where the keys have the pen: filled while it is down. */
  #mark() {
    const mark = find("pad-pen");
    mark.hidden = false;
    mark.classList.toggle("down", Boolean(this.#at));
    mark.style.left = `${(100 * this.#pen.x) / this.#canvas.width}%`;
    mark.style.top = `${(100 * this.#pen.y) / this.#canvas.height}%`;
  }

  async #read() {
    this.#reading.abort(); // of what it was before
    const { signal } = (this.#reading = new AbortController());
    const body = await new Promise((resolve) => this.#canvas.toBlob(resolve, "image/png"));
    const metadata = JSON.stringify({ from: "pad" });
    const query = new URLSearchParams({ ...this.options(), top_k: 3, expires_in: KEPT_S, metadata });
    let item = await read(`/v1/predictions?${query}`, { method: "POST", body, signal, headers: { "Content-Type": "image/png" } });
    if (item.counts) item = await this.#wait(item.id, signal); // a job still: the workers are busy
    if (item.status === "queued") find("pad-readings").textContent = "Not read yet: draw again when a worker is free.";
    else find("pad-readings").replaceChildren(...readings(item.top_k ?? []));
  }

  async #wait(id, signal) {
    find("pad-readings").textContent = "Waiting for a worker…";
    await read(`/v1/jobs/${id}?wait=30`, { signal });
    return read(`/v1/jobs/${id}/items/0`, { signal });
  }
}
