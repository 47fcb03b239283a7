/**
 * Runs AI-written Python through e2b-gateway.
 *
 * `runPython` is for a tool handler: it never rejects, and answers in the two fields a model reads.
 * `executePython` is for everything else: the whole reply with its charts, and thrown errors.
 */

const defaultTimeoutSeconds = 30;

/** What the gateway may need beyond the code's own time: queueing, a cold sandbox, the way back. */
const graceSeconds = 15;

/** Why a call brought no execution back. `reason` says which of the closed set of causes it was. */
export class GatewayError extends Error {
  constructor(reason, message, { problem, retryAfterMs, cause } = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "GatewayError";
    this.reason = reason;
    this.problem = problem;
    this.retryAfterMs = retryAfterMs;
  }
}

export async function runPython(code, contextData, options = {}) {
  try {
    const { output, error } = await executePython(code, contextData, options);
    return error === undefined ? { output } : { output, error };
  } catch (failure) {
    report(failure, options);
    return { output: "", error: `The code was not run to its end: ${failure.message}` };
  }
}

export async function executePython(code, contextData, options = {}) {
  const { url, token } = settings(options);
  const timeoutSeconds = options.timeoutSeconds ?? defaultTimeoutSeconds;
  const call = {
    method: "POST",
    headers: requestHeaders(token, options),
    body: requestBody(code, contextData, options),
    redirect: "error", // a redirect would carry the token elsewhere
    cache: "no-store", // Next.js caches what fetch brings unless told not to
  };
  const deadline = new Deadline(timeoutSeconds + graceSeconds, options.signal);
  try {
    return await read(await fetch(url, { ...call, signal: deadline.signal }));
  } catch (failure) {
    throw deadline.explain(failure);
  } finally {
    deadline.clear();
  }
}

/** The images among an execution's results, as `data:` URLs an `<img>` shows. */
export function images(execution) {
  const urls = [];
  for (const result of execution.results) {
    if (result.png) urls.push(`data:image/png;base64,${unfolded(result.png)}`);
    else if (result.jpeg) urls.push(`data:image/jpeg;base64,${unfolded(result.jpeg)}`);
    else if (result.svg) urls.push(`data:image/svg+xml,${encodeURIComponent(result.svg)}`);
  }
  return urls;
}

/** Jupyter folds base64 into lines; a URL has none. */
function unfolded(base64) {
  return base64.replaceAll(/\s/g, "");
}

function settings(options) {
  const environment = globalThis.process?.env ?? {};
  const base = options.url ?? environment.GATEWAY_URL;
  const token = options.token ?? environment.GATEWAY_TOKEN;
  if (!base) throw new GatewayError("configuration", "GATEWAY_URL is not set");
  if (!token) throw new GatewayError("configuration", "GATEWAY_TOKEN is not set");
  if (!/^e2b_[0-9a-f]+$/.test(token)) throw new GatewayError("configuration", "GATEWAY_TOKEN is not a gateway token");
  if (!/^https?:\/\/[^\s/?#]+[^\s?#]*$/i.test(base)) {
    throw new GatewayError("configuration", "GATEWAY_URL is not an http:// or https:// address");
  }
  return { url: `${base.replace(/\/+$/, "")}/v1/executions`, token };
}

function requestBody(code, contextData, options) {
  const { timeoutSeconds, envVars, template } = options;
  if (typeof code !== "string") throw new GatewayError("request", "the code must be a string");
  if (timeoutSeconds !== undefined && !(Number.isFinite(timeoutSeconds) && timeoutSeconds > 0)) {
    throw new GatewayError("request", "timeoutSeconds must be a number above 0");
  }
  try {
    return JSON.stringify({
      code,
      context_data: contextData ?? undefined,
      timeout_seconds: timeoutSeconds,
      env_vars: envVars,
      template,
    });
  } catch (cause) {
    throw new GatewayError("request", `the context data cannot be written as JSON (${cause.message})`, { cause });
  }
}

function requestHeaders(token, options) {
  const headers = { accept: "application/json", "content-type": "application/json", authorization: `Bearer ${token}` };
  const named = /^[A-Za-z0-9._-]{1,128}$/.test(options.requestId ?? "");
  if (named) headers["x-request-id"] = options.requestId; // the gateway, too, replaces a name that does not fit
  if (options.idempotencyKey !== undefined) {
    if (!/^[!-~]{1,255}$/.test(options.idempotencyKey)) {
      throw new GatewayError("request", "idempotencyKey must have 1 to 255 visible ASCII characters");
    }
    headers["idempotency-key"] = options.idempotencyKey;
  }
  return headers;
}

async function read(response) {
  const text = await response.text();
  let document;
  try {
    document = JSON.parse(text);
  } catch {
    throw new GatewayError("broken", `the gateway answered ${response.status} without a JSON document`);
  }
  if (response.ok && typeof document?.output === "string") return document;
  throw refusal(response, document);
}

function refusal(response, problem) {
  const type = String(problem?.type ?? "").split("/").pop() || `status ${response.status}`;
  const text = problem?.detail ?? problem?.title ?? "no explanation was given";
  const retryAfterMs = problem?.retry_after_ms;
  const wait = retryAfterMs === undefined ? "" : ` Try again in ${Math.ceil(retryAfterMs / 1000)} s.`;
  return new GatewayError("refused", `the gateway refused the call (${type}): ${sentence(text)}${wait}`, {
    problem,
    retryAfterMs,
  });
}

function sentence(text) {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

/** The caller's own signal and the client's time limit as one signal (`AbortSignal.any` needs Node 20.3). */
class Deadline {
  #controller = new AbortController();
  #seconds;
  #outer;
  #timer;
  #abandon = () => this.#controller.abort();

  constructor(seconds, outer) {
    this.#seconds = seconds;
    this.#outer = outer;
    this.#timer = setTimeout(this.#abandon, Math.min(seconds * 1000, 2 ** 31 - 1));
    if (outer?.aborted) this.#abandon();
    outer?.addEventListener("abort", this.#abandon, { once: true });
  }

  get signal() {
    return this.#controller.signal;
  }

  clear() {
    clearTimeout(this.#timer);
    this.#outer?.removeEventListener("abort", this.#abandon);
  }

  explain(failure) {
    if (failure instanceof GatewayError) return failure;
    if (this.#outer?.aborted) return new GatewayError("aborted", "the call was aborted", { cause: failure });
    if (this.signal.aborted) {
      return new GatewayError("timeout", `the gateway did not answer within ${this.#seconds} s`, { cause: failure });
    }
    const reason = failure?.cause?.code ?? failure?.cause?.message ?? failure?.message;
    return new GatewayError("unreachable", `the gateway cannot be reached (${reason})`, { cause: failure });
  }
}

/** An app's failing log hook must not turn an answer into an exception. */
function report(failure, options) {
  try {
    options.onFailure?.(failure);
  } catch {}
}
