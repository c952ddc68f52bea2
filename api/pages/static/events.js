// Server-sent events by fetch(), which unlike EventSource can send a key (WHATWG HTML, 9.2).

import { facts } from "./dom.js";
import { answered, call } from "./gateway.js";
import { heard } from "./patience.js";

const MOST_SILENT_MS = (8 / 3) * 1000 * facts.ping_s; // two pings are missing: the connection is dead
const FIRST_MS = 5000; // a stream begins at once, unless something in between holds it back

/** The events at `path`: {id, event, data}. Ends with the stream; throws Silence if not even a ping comes, AbortError by `signal`. */
export async function* events(path, signal) {
  const own = new AbortController();
  try {
    yield* read(path, AbortSignal.any([own.signal, signal]));
  } finally {
    own.abort(); // a dead connection would count against the limit
  }
}

async function* read(path, signal) {
  const answer = await call(path, { headers: { Accept: "text/event-stream" }, signal, beginning: FIRST_MS });
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (let most = FIRST_MS; ; most = MOST_SILENT_MS) {
    const { value, done } = await heard(answered(reader.read()), most);
    if (done) return;
    const blocks = (text + value).split(/\r?\n\r?\n/);
    text = blocks.pop();
    for (const block of blocks) {
      const event = parse(block);
      if (event.data) yield event;
    }
  }
}

function parse(block) {
  const event = { event: "message", data: "" };
  for (const line of block.split(/\r?\n/)) {
    const [, field, value] = /^([^:]*):? ?(.*)$/.exec(line);
    if (field === "data") event.data += (event.data && "\n") + value;
    else if (field) event[field] = value;
  }
  return event;
}
