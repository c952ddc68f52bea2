// Whether the service answers and workers are alive: a dot in the header, a banner when something is wrong.

import { find, make } from "./dom.js";
import { read } from "./gateway.js";
import { keyHeaders } from "./key.js";
import { Refusal } from "./refusals.js";
import { count, seconds } from "./words.js";

const WELL_MS = 5000;
const UNWELL_MS = 1500;
const MOST_MS = 10_000; // a gateway that hangs is not well
const MOST_WORKERS = 6;
const IDLE = "No worker is alive. What you send is kept, and read as soon as one starts.";

const key = () => keyHeaders().Authorization;
let narrow = null; // a key that sees jobs, but not the queue

/** Look at the service now, and every few seconds while the page is visible. */
export async function watchService() {
  if (!document.hidden) {
    try {
      show(key() !== narrow ? await queue() : await readiness());
    } catch (error) {
      if (error instanceof Refusal && error.type === "/problems/not-ready") show({ workers: [], models: [] });
      else warn("down", "Not reached", `${error.title ?? "The service is not well"}. ${error.message}`);
    }
  }
  setTimeout(watchService, find("service").dataset.state === "down" ? UNWELL_MS : WELL_MS);
}

async function queue() {
  try {
    return await read("/v1/queue", { within: MOST_MS });
  } catch (error) {
    if (error.type !== "/problems/insufficient-scope") throw error;
    narrow = key();
    return readiness();
  }
}

async function readiness() {
  const { workers } = await read("/readyz", { within: MOST_MS });
  return { workers, models: [] };
}

function show(queue) {
  const n = queue.workers.length;
  const waiting = queue.models.reduce((sum, model) => sum + images(model), 0);
  const text = `${n} ${n === 1 ? "worker" : "workers"}${waiting ? `, ${count(waiting)} waiting` : " ready"}`;
  if (n) warn("up", text, "");
  else warn("down", "No worker", IDLE);
  find("state")?.replaceChildren(...figures(queue, n, waiting));
}

function warn(state, text, banner) {
  find("service").dataset.state = state;
  const word = find("service-text");
  if (word.textContent !== text) word.textContent = text;
  find("banner").hidden = !banner;
  if (find("banner").textContent !== banner) find("banner").replaceChildren(banner ? make("p", {}, banner) : "");
}

function figures(queue, workers, waiting) {
  const found = [fact(count(workers), workers === 1 ? "worker is alive" : "workers are alive")];
  const { desired_workers: desired } = queue;
  if (desired === undefined) return found; // nothing is known but the workers
  found.push(fact(count(desired), desired === 1 ? "worker would do for this load" : "workers would do for this load"));
  found.push(fact(count(waiting), "images are waiting"));
  return [...found, ...queue.models.filter(busy).map(backlog), ...queue.workers.slice(0, MOST_WORKERS).map(work)];
}

const images = ({ lanes }) => lanes.reduce((sum, lane) => sum + lane.images, 0);
const busy = (model) => images(model) > 0;

function backlog(model) {
  const oldest = Math.max(0, ...model.lanes.map((lane) => lane.oldest_seconds ?? 0));
  const rate = model.images_per_second;
  const words = [rate ? `${count(Math.round(rate))} images/s` : "not being read"];
  if (oldest) words.push(`the oldest for ${seconds(oldest)}`);
  return fact(count(images(model)), `waiting for ${model.model}: ${words.join(", ")}`);
}

function work({ images: done, device, reading }) {
  return fact(count(done), `images read by a worker on ${device}, ${reading ? `now with ${reading}` : "now idle"}`);
}

const fact = (figure, words) => make("p", { class: "fact" }, make("b", {}, figure), make("span", {}, words));
