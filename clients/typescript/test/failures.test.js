import assert from "node:assert/strict";
import { test } from "node:test";

import { executePython, GatewayError, images, runPython } from "../index.js";
import { closedPort, impostor } from "./gateway.js";

const token = `e2b_${"0".repeat(40)}`;

test("a gateway that is down is an error in the answer, not an exception", async () => {
  const seen = [];
  const url = await closedPort();
  const result = await runPython("print(1)", undefined, { url, token, onFailure: (failure) => seen.push(failure) });
  assert.deepEqual(Object.keys(result), ["output", "error"]);
  assert.equal(result.output, "");
  assert.match(result.error, /gateway cannot be reached \(ECONNREFUSED\)/);
  assert.equal(seen[0].reason, "unreachable");
});

test("a connection that breaks off is an error in the answer", async (t) => {
  const url = await impostor(t, (request) => request.socket.destroy());
  const { error } = await runPython("print(1)", undefined, { url, token });
  assert.match(error, /cannot be reached/);
});

test("an answer that is not JSON is an error in the answer", async (t) => {
  const url = await impostor(t, (_, response) => response.writeHead(502).end("<html>Bad Gateway</html>"));
  const { error } = await runPython("print(1)", undefined, { url, token });
  assert.match(error, /answered 502 without a JSON document/);
  assert.doesNotMatch(error, /<html>/);
});

test("a redirect is not followed, so the token stays here", async (t) => {
  let asked = 0;
  const elsewhere = await impostor(t, (_, response) => response.end(String(asked++)));
  const url = await impostor(t, (_, response) => response.writeHead(307, { location: elsewhere }).end());
  const { error } = await runPython("print(1)", undefined, { url, token });
  assert.ok(error);
  assert.equal(asked, 0);
});

test("a gateway that never answers is given up 15 seconds after the code's own time", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const arrived = withResolvers();
  const url = await impostor(t, () => arrived.resolve());
  const result = runPython("print(1)", undefined, { url, token, timeoutSeconds: 2 });
  await arrived.promise;
  t.mock.timers.tick(17_000);
  assert.match((await result).error, /did not answer within 17 s/);
});

test("aborting ends the request and is told as such", async (t) => {
  const arrived = withResolvers();
  const left = withResolvers();
  const url = await impostor(t, (request) => {
    request.socket.on("close", left.resolve);
    arrived.resolve();
  });
  const controller = new AbortController();
  const result = runPython("print(1)", undefined, { url, token, signal: controller.signal });
  await arrived.promise;
  controller.abort();
  assert.match((await result).error, /aborted/);
  await left.promise;

  const before = await runPython("print(1)", undefined, { url, token, signal: controller.signal });
  assert.match(before.error, /aborted/);
});

test("what cannot be sent is an error in the answer", async (t) => {
  const url = await impostor(t, (_, response) => response.end("{}"));
  const circular = {};
  circular.self = circular;
  const cases = [
    [[undefined], /code must be a string/],
    [["print(1)", circular], /cannot be written as JSON/],
    [["print(1)", undefined, { timeoutSeconds: Number.NaN }], /timeoutSeconds/],
    [["print(1)", undefined, { url: "ftp://x" }], /GATEWAY_URL/],
    [["print(1)", undefined, { token: "secret\nvalue" }], /GATEWAY_TOKEN/],
  ];
  for (const [[code, data, options], expected] of cases) {
    const { error } = await runPython(code, data, { url, token, ...options });
    assert.match(error, expected);
    assert.doesNotMatch(error, /secret/);
  }
});

test("a log hook that throws does not turn the answer into an exception", async () => {
  const { error } = await runPython(undefined, undefined, {
    url: "http://127.0.0.1:1",
    token,
    onFailure: () => {
      throw new Error("the log is full");
    },
  });
  assert.match(error, /code must be a string/);
});

test("executePython throws a GatewayError that holds the problem", async (t) => {
  const problem = { type: "/problems/rate-limited", title: "Too many requests", status: 429, retry_after_ms: 1200 };
  const url = await impostor(t, (_, response) => {
    response.writeHead(429, { "content-type": "application/problem+json" }).end(JSON.stringify(problem));
  });
  await assert.rejects(executePython("print(1)", undefined, { url, token }), (failure) => {
    assert.ok(failure instanceof GatewayError);
    assert.equal(failure.reason, "refused");
    assert.equal(failure.retryAfterMs, 1200);
    assert.equal(failure.problem.status, 429);
    assert.match(failure.message, /rate-limited.*Try again in 2 s\./);
    return true;
  });
});

test("images become data URLs", () => {
  const results = [{ png: "aGk=\n" }, { svg: "<svg/>" }, { text: "no image" }, { jpeg: "aGk=" }];
  assert.deepEqual(images({ results }), [
    "data:image/png;base64,aGk=",
    "data:image/svg+xml,%3Csvg%2F%3E",
    "data:image/jpeg;base64,aGk=",
  ]);
});

function withResolvers() {
  let resolve;
  const promise = new Promise((resolved) => (resolve = resolved));
  return { promise, resolve };
}
