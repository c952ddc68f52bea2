// The page of a job: its progress, its images, their review, what can be downloaded.

import { facts, find, make, once } from "./dom.js";
import { Corrections } from "./corrections.js";
import { Downloads } from "./downloads.js";
import { follow } from "./following.js";
import { Grid } from "./grid.js";
import { Head } from "./head.js";
import { Inspector, uncovered } from "./inspector.js";
import { Items, MOST } from "./items.js";
import { attempt } from "./notices.js";
import { Review } from "./review.js";
import { select } from "./selection.js";
import { watchService } from "./service.js";
import { expectImages } from "./thumbnails.js";
import { Tools } from "./tools.js";
import { count, FINAL } from "./words.js";

const id = location.pathname.split("/").pop();
const path = `/v1/jobs/${id}`;
const head = new Head(path);
const items = new Items(path);
const grid = new Grid(find("grid"), path, uncovered);
const tools = new Tools(() => {
  grid.marked.clear();
  show();
});
let begun = false;
let shownOf = 0; // how many images were known when those on the screen were chosen

/** Select anew what is shown. Until then corrected images stay, so that they do not jump away. */
function show() {
  shownOf = items.list.length;
  find("group-more").hidden = true;
  grid.show(select(items.list, tools.wanted));
  find("empty").hidden = grid.items.length > 0;
}

function begin(job) {
  expectImages(job.keep_images);
  document.body.classList.toggle("many", job.layout !== "character");
  const labels = facts.models[job.model] ?? "";
  const inspector = new Inspector(path, labels, (label) => review.choose(label));
  const corrections = new Corrections(path);
  const review = new Review(corrections, grid, labels);
  const downloads = new Downloads(path, job);
  const inspect = () => inspector.show(grid.item);
  const changed = once(() => {
    downloads.offer(tools.count(items.list).checked);
    find("saving").textContent = corrections.progress;
    if (items.list.length !== shownOf) {
      if (review.grouped) find("group-more").hidden = false; // "the others" are those that were seen
      else show();
    }
    grid.draw();
    inspect();
  });
  items.addEventListener("change", changed);
  corrections.addEventListener("change", changed);
  grid.addEventListener("move", inspect);
  grid.addEventListener("pick", () => {
    inspector.pick();
    grid.reveal();
  });
  grid.node.addEventListener("keydown", ({ key }) => key === "F2" && grid.item && inspector.enter());
  find("group").addEventListener("click", () => {
    if (!review.grouped) tools.startGroup();
    review.group(!review.grouped);
    if (!review.grouped) changed();
  });
  if (job.counts.total > MOST) {
    find("hint").append(make("strong", {}, ` The first ${count(MOST)} images are shown; the downloads have all.`));
  }
}

/** Follow the job to its end. */
async function live() {
  for await (const job of follow(id)) {
    if (!begun) begin(job);
    begun = true;
    head.show(job);
    const fetched = items.refresh();
    if (FINAL.has(job.state)) await fetched;
    else fetched.catch(() => {}); // it is asked for again with the next change
  }
}

watchService();
attempt(() =>
  live().catch((error) => {
    find("title").textContent = error.title ?? "This page failed";
    throw error;
  }),
);
