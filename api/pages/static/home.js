// The first page: what is chosen, dropped, pasted or photographed is sent; the pad; the list of jobs.

import { find } from "./dom.js";
import { fromList, fromTransfer } from "./gather.js";
import { JobList } from "./joblist.js";
import { announce, attempt, complain } from "./notices.js";
import { Pad } from "./pad.js";
import { shrink } from "./photograph.js";
import { Refusal, isFinal } from "./refusals.js";
import { watchService } from "./service.js";
import { Submission } from "./submission.js";
import { bytes, count, few } from "./words.js";

const READ = "Only images (PNG, JPEG, TIFF, WebP, BMP), ZIPs and arrays are read.";
const UNDER_WAY = "What was chosen before is being sent, or is to be tried again. Remove it to choose anew.";

let chosen = [];
let submission = null;

function add(files) {
  chosen = [...chosen, ...files];
  const size = chosen.reduce((sum, { file }) => sum + file.size, 0);
  const amount = `${count(chosen.length)} ${chosen.length === 1 ? "file" : "files"}`;
  find("options").disabled = false;
  find("tray").hidden = !chosen.length;
  find("tray-count").textContent = `${amount}, ${bytes(size)}`;
  find("tray-names").textContent = chosen.slice(0, 3).map(({ name }) => name).join(", ") + (chosen.length > 3 ? "…" : "");
  find("send").disabled = !chosen.length;
  find("send").textContent = chosen.length ? `Read ${amount}` : "Read";
  if (files.length) announce(`${amount} chosen`);
}

/** Add what was found, and say what is left out, or that nothing was found. */
function take({ files, missed, others }) {
  if (submission && files.length) return complain(new Refusal("Not added", UNDER_WAY));
  if (files.length) add(files);
  if (missed.length) complain(new Refusal("Not all could be read", `${few(missed).join(", ")}: choose it again, or leave it out.`));
  else if (others.length) complain(new Refusal("Not all is taken", `Left out: ${few(others).join(", ")}. ${READ}`));
  else if (!files.length) complain(new Refusal("There is nothing to read", `No file was found there. ${READ}`));
}

function clear() {
  [chosen, submission] = [[], null];
  find("sending").hidden = true;
  add([]);
}

/** How to read, from the fields `names`; the gateway chooses what is left open. */
function options(...names) {
  const given = names.map((name) => [name, find(name).value === "these" ? find("these").value : find(name).value]);
  return Object.fromEntries(given.filter(([, value]) => value));
}

async function submit() {
  if (!chosen.length) return; // it was removed meanwhile
  submission ??= new Submission(chosen, options("model", "charset", "priority", "layout", ...(find("layout").value === "grid" ? ["rows", "columns"] : [])));
  const mine = submission;
  find("options").disabled = true; // a repeated request must be the same
  find("send").disabled = true;
  find("sending").hidden = false;
  try {
    const job = await mine.send((verb, share) => {
      find("sending-bar").value = share;
      find("sending-text").textContent = share < 1 ? `${verb}: ${Math.round(100 * share)} %` : "Storing what was sent…";
    });
    if (submission !== mine) return; // it was removed meanwhile
    clear(); // for whoever comes back to this page
    location.assign(`/jobs/${job.id}`);
  } catch (error) {
    if (submission !== mine) return;
    if (isFinal(error)) submission = null; // another choice is another job
    find("options").disabled = Boolean(submission);
    complain(error, submission ? submit : undefined);
    find("send").disabled = false;
    find("sending").hidden = true;
  }
}

find("charset").addEventListener("change", ({ target }) => {
  find("these").hidden = target.value !== "these";
  find("these").required = target.value === "these";
  if (target.value === "these") find("these").focus();
});
find("layout").addEventListener("change", ({ target }) => {
  for (const id of ["cells", "cells-help"]) find(id).hidden = target.value !== "grid";
  for (const id of ["rows", "columns"]) find(id).disabled = target.value !== "grid"; // out of range, it would hold up the form
});
for (const id of ["files", "folder"]) {
  find(id).addEventListener("change", ({ target }) => {
    take(fromList(target.files));
    target.value = "";
  });
}
find("camera").addEventListener("change", ({ target }) =>
  attempt(async () => take(fromList(await Promise.all([...target.files].map(shrink))))),
);
find("tray-clear").addEventListener("click", () => {
  submission?.stop();
  clear();
});
find("upload").addEventListener("submit", (event) => {
  event.preventDefault();
  submit();
});
document.addEventListener("paste", ({ clipboardData: { files } }) => files.length && take(fromList(files)));
addEventListener("beforeunload", (event) => submission && event.preventDefault()); // it would be sent no further

// A file dropped beside the field should not replace the page.
const drop = find("drop");
addEventListener("dragover", (event) => {
  event.preventDefault();
  drop.classList.add("over");
});
addEventListener("dragleave", (event) => event.relatedTarget ?? drop.classList.remove("over"));
addEventListener("drop", (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  attempt(async () => take(await fromTransfer(event.dataTransfer)));
});

new Pad(() => options("model", "charset"));
new JobList().refresh();
watchService();
if (location.pathname === "/upload") find("files").focus();
