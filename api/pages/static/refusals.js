// What went wrong, as an error that a person understands: refusals of the gateway, and silence.

const BUSY = new Set([429, 502, 503, 504]);

/** The gateway refused; `title` says why, `message` what to do. */
export class Refusal extends Error {
  /** Whether the same request may be accepted later. */
  get passing() {
    return this.retryAfter > 0 || BUSY.has(this.status);
  }

  constructor(title, detail, { status = 0, type = "", retryAfter = 0 } = {}) {
    super(detail);
    Object.assign(this, { title, status, type, retryAfter });
  }

  /** From a problem (RFC 9457), or from whatever else a server in between may answer. */
  static of(status, text, retryAfter) {
    let problem = {};
    try {
      problem = JSON.parse(text);
    } catch {
      problem = { title: "The service could not do it", detail: `It answered with ${status}.` };
    }
    const wait = Number(retryAfter) || 0;
    const detail = `${problem.detail ?? ""}${wait ? ` Try again in ${wait} s.` : ""}`;
    return new Refusal(problem.title ?? "That was refused", detail, { status, type: problem.type, retryAfter: wait });
  }
}

/** Whether what was asked for was not done and will not be: after any other error it may have been. */
export function isFinal({ status = 0 }) {
  return status >= 400 && status < 500 && ![409, 429].includes(status);
}

/** Nobody answered. */
export class Silence extends Error {
  passing = true;

  constructor() {
    super(
      navigator.onLine
        ? "Either it is being restarted or the network is interrupted. What was accepted is safe."
        : "This device is offline. What was accepted is safe and waits for you.",
    );
    this.title = "The service does not answer";
  }
}
