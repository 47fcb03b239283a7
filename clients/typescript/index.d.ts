/** What a tool handler hands back to its model. */
export interface RunPythonResult {
  /** All of standard output. */
  output: string;
  /**
   * Present when standard error was not empty, the code raised, ran out of time or was stopped, or
   * was never run: then it says why in a sentence.
   */
  error?: string;
}

/** Seen by the code as the string variable `context_data`; anything but a string as compact JSON. */
export type ContextData = string | object | null;

export interface RunPythonOptions {
  /** How long the code may run. Default 30; the tenant's policy sets the maximum. */
  timeoutSeconds?: number;
  /** Aborting it ends the execution and destroys its sandbox. */
  signal?: AbortSignal;
  /** Environment variables of the code. */
  envVars?: Record<string, string>;
  /** An E2B template other than the tenant's first. */
  template?: string;
  /** A name for the call in the gateway's logs and audit: 1 to 128 of `A-Z a-z 0-9 . _ -`. */
  requestId?: string;
  /**
   * Runs the code once however often the call is made: with the same key and arguments the gateway repeats its reply for
   * 24 hours. 1 to 255 visible ASCII characters.
   */
  idempotencyKey?: string;
  /** Default: the environment variable GATEWAY_URL. */
  url?: string;
  /** Default: the environment variable GATEWAY_TOKEN. */
  token?: string;
  /** Called when the code could not be run, for the app's own log. Failing Python is not such a case. */
  onFailure?: (failure: GatewayError) => void;
}

export type Outcome = "completed" | "failed" | "timed_out" | "cancelled" | "killed";

/** A value the code displayed, in the formats E2B names. `png`, `jpeg` and `pdf` are base64. */
export interface RichResult {
  is_main_result: boolean;
  text?: string;
  html?: string;
  markdown?: string;
  svg?: string;
  png?: string;
  jpeg?: string;
  pdf?: string;
  latex?: string;
  json?: unknown;
  javascript?: string;
  data?: unknown;
  chart?: unknown;
  extra?: Record<string, unknown>;
}

/** The gateway's reply, as openapi.yaml describes it. Times are milliseconds. */
export interface Execution extends RunPythonResult {
  id: string;
  outcome: Outcome;
  results: RichResult[];
  exception?: { name: string; value: string; traceback: string };
  runtime_ms: number;
  granted_timeout_ms: number;
  /** Whether that is less than was asked for, because a quota had no more left. */
  timeout_lowered: boolean;
  queued_ms: number;
  truncated: boolean;
}

/** An RFC 9457 problem document. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail?: string;
  request_id: string;
  code: number;
  message: string;
  limit?: number;
  used?: number;
  reserved?: number;
  resets_at?: string;
  retry_after_ms?: number;
  /** The execution that an idempotency key stands for, where its reply cannot be repeated. */
  execution?: { id: string; state: "running" | "finished"; outcome?: Outcome; reason?: string; runtime_ms?: number };
}

/** Why a call brought no execution back. */
export type FailureReason =
  /** GATEWAY_URL or GATEWAY_TOKEN is missing or malformed. */
  | "configuration"
  /** The arguments cannot be sent. */
  | "request"
  /** The gateway answered with a problem document: `problem` holds it. */
  | "refused"
  /** The answer was not the gateway's. */
  | "broken"
  /** No answer within the code's time and 15 seconds more. */
  | "timeout"
  /** No connection, or it broke off. */
  | "unreachable"
  /** `signal` was aborted. */
  | "aborted";

export declare class GatewayError extends Error {
  readonly reason: FailureReason;
  readonly problem?: Problem;
  /** When a repetition may succeed, if waiting helps at all. */
  readonly retryAfterMs?: number;
}

/** Runs Python in a fresh sandbox. Never rejects: whatever goes wrong is told in `error`. */
export declare function runPython(
  code: string,
  contextData?: ContextData,
  options?: RunPythonOptions,
): Promise<RunPythonResult>;

/**
 * Runs Python in a fresh sandbox and gives back the whole reply, with `results`.
 * @throws {GatewayError} when the code could not be run; failing Python is a reply, not an error.
 */
export declare function executePython(
  code: string,
  contextData?: ContextData,
  options?: Omit<RunPythonOptions, "onFailure">,
): Promise<Execution>;

/** The images among the results, as `data:` URLs for `<img src>`. */
export declare function images(execution: Pick<Execution, "results">): string[];
