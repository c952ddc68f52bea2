// Makes a job of files and options: files are packed if there are many; it is one job however often it is sent.

import { MOST, pack } from "./archive.js";
import { facts } from "./dom.js";
import { newKey } from "./gateway.js";
import { withKey } from "./key.js";
import { Refusal, Silence } from "./refusals.js";
import { bytes } from "./words.js";

/** A job that is being sent; `send` may be called again after it failed, and still makes one job. */
export class Submission {
  #removed = new AbortController();

  constructor(files, options) {
    this.key = newKey();
    this.files = files;
    const metadata = JSON.stringify({ title: titleOf(files) });
    this.query = new URLSearchParams({ ...options, top_k: 5, keep_images: true, metadata });
  }

  /** The accepted job. `onProgress(verb, share)` is called as it goes on. */
  async send(onProgress) {
    this.body ??= await this.#body((share) => onProgress("Packing", share)).catch((error) => this.#explain(error));
    const answer = await withKey((key) => {
      this.#removed.signal.throwIfAborted(); // it may have been removed while it was packed
      return this.#post(key, (share) => onProgress("Sending", share));
    });
    if (answer.status < 300) return JSON.parse(answer.responseText);
    throw Refusal.of(answer.status, answer.responseText, answer.getResponseHeader("Retry-After"));
  }

  /** Stop sending it. */
  stop() {
    this.#removed.abort();
  }

  async #body(onPacked) {
    const size = this.files.reduce((sum, { file }) => sum + file.size, 0);
    if (size > facts.max_bytes) throw tooLarge(size);
    if (this.files.length > MOST) throw new Refusal("Those are too many files", `Pack more than ${MOST} as a ZIP first.`, { status: 413 });
    const form = new FormData();
    if (this.files.length > facts.max_files) form.append("files", await pack(this.files, onPacked), "files.zip");
    else for (const { name, file } of this.files) form.append("files", file, name);
    return form;
  }

  /** Throws `error`, or its cause: browsers report a file that they cannot read just like a silent service. */
  async #explain(error) {
    for (const { name, file } of this.files) {
      try {
        await file.slice(0, 1).arrayBuffer();
      } catch {
        throw changed(name);
      }
    }
    throw error;
  }

  /** Send it by XMLHttpRequest: fetch() does not tell how much of a body is sent. */
  #post(key, onSent) {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.open("POST", `/v1/jobs?${this.query}`);
      const headers = { "Idempotency-Key": this.key, ...key };
      for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
      request.upload.onprogress = ({ loaded, total }) => onSent(loaded / total);
      request.onload = () => resolve(request);
      request.onerror = () => this.#explain(new Silence()).catch(reject);
      request.onabort = () => reject(new DOMException("Removed", "AbortError"));
      this.#removed.signal.addEventListener("abort", () => request.abort());
      request.send(this.body);
    });
  }
}

/** The refusal that the gateway would give after everything was sent. */
function tooLarge(size) {
  const words = `These files are ${bytes(size)}; the service takes up to ${bytes(facts.max_bytes)} at once. Send them as several jobs.`;
  return new Refusal("That is too much for one job", words, { status: 413 });
}

function changed(name) {
  return new Refusal("A file cannot be read any more", `${name} was changed, moved or removed since it was chosen: choose it again.`, { status: 422 });
}

function titleOf(files) {
  const [{ name }] = files;
  const folder = name.includes("/") && name.split("/")[0];
  if (files.length === 1) return [...name].slice(-200).join(""); // by characters: never half of one
  const isShared = folder && files.every((each) => each.name.startsWith(`${folder}/`));
  return isShared ? [...folder].slice(0, 200).join("") : `${files.length} files`;
}
