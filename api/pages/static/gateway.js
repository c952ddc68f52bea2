// Calls to the gateway: the key is sent along, and whatever is not a successful answer becomes an error.

import { withKey } from "./key.js";
import { heard } from "./patience.js";
import { Refusal, Silence, isFinal } from "./refusals.js";

const MOST_MS = 60_000; // a connection that died says nothing, and would hold up all that waits for it

/** The response to a request, whole `within` so many ms unless there is a `signal`, begun `beginning` so many if that is given. Throws Refusal, Silence (`late` if it did not begin), or AbortError. */
export async function call(path, { method = "GET", body, headers = {}, signal, within = MOST_MS, beginning } = {}) {
  const answer = await withKey((key) => {
    const until = signal ?? AbortSignal.timeout(within); // the time to ask for a key does not count
    const coming = answered(fetch(path, { method, body, signal: until, headers: { ...headers, ...key } }));
    return beginning ? heard(coming, beginning) : coming;
  });
  if (answer.ok) return answer;
  const said = answered(answer.text());
  throw Refusal.of(answer.status, await (beginning ? heard(said, beginning) : said), answer.headers.get("Retry-After"));
}

/** The body of the response to a request, parsed as JSON. Throws what `call` does. */
export async function read(path, options) {
  const answer = await call(path, options);
  return answered(answer.json());
}

/** The response to a request that may take long but not fall silent. Throws what `call` does; so does reading the body. */
export async function slow(path) {
  const own = new AbortController();
  const orLeave = (promise) =>
    promise.catch((error) => {
      own.abort(); // it would keep one of the few connections
      throw error;
    });
  const answer = await orLeave(call(path, { signal: own.signal, beginning: MOST_MS }));
  const reader = answer.body.getReader();
  const pull = async (body) => {
    const { value, done } = await orLeave(heard(reader.read(), MOST_MS));
    if (done) body.close();
    else body.enqueue(value);
  };
  return new Response(new ReadableStream({ pull, cancel: () => own.abort() }), { headers: answer.headers });
}

/** The body of a response, as it is. Throws what `call` does. */
export const blob = (answer) => answered(answer.blob());

/** Send `value` as JSON. */
export function send(method, path, value, signal) {
  const body = value === undefined ? undefined : JSON.stringify(value);
  return read(path, { method, body, signal, headers: body ? { "Content-Type": "application/json" } : {} });
}

/** A new Idempotency-Key: a request that is repeated with it is done once. */
export function newKey() {
  const random = crypto.getRandomValues(new Uint8Array(16)); // randomUUID() is for pages over HTTPS
  return [...random].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Makes a job of the failed images of the job at `path`; another one only once it is known what became of the last. */
export function retrying(path) {
  let key = newKey();
  return async () => {
    try {
      const job = await read(`${path}/retry`, { method: "POST", headers: { "Idempotency-Key": key } });
      key = newKey();
      return job;
    } catch (error) {
      if (isFinal(error)) key = newKey();
      throw error;
    }
  };
}

/** The result of `promise`; throws Silence if the answer does not come, or breaks off. */
export async function answered(promise) {
  try {
    return await promise;
  } catch (error) {
    throw error.name === "AbortError" ? error : new Silence();
  }
}
