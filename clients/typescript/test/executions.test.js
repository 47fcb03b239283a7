import assert from "node:assert/strict";
import { test } from "node:test";

import { executePython, images, runPython } from "../index.js";
import { gateway } from "./gateway.js";

gateway();

test("a result", async () => {
  assert.deepEqual(await runPython("print(6 * 7)"), { output: "42\n" });
});

test("code that fails answers with what it wrote before, and the traceback", async () => {
  const result = await runPython("print('before')\n1/0");
  assert.deepEqual(Object.keys(result), ["output", "error"]);
  assert.equal(result.output, "before\n");
  assert.match(result.error, /ZeroDivisionError: division by zero/);
});

test("code that only warns has an output and an error", async () => {
  const { output, error } = await runPython("import sys\nprint('fine')\nprint('careful', file=sys.stderr)");
  assert.equal(output, "fine\n");
  assert.match(error, /careful/);
});

test("code that runs too long is an error, with what it wrote before", async () => {
  const { output, error } = await runPython("import time\nprint('begun', flush=True)\ntime.sleep(60)", undefined, {
    timeoutSeconds: 2,
  });
  assert.equal(output, "begun\n");
  assert.match(error, /time/i);
});

test("context data arrives as it was given", async () => {
  const data = "a,b\n\"quoted\",'x'\\n\u0000\u2028😀é";
  const { output, error } = await runPython("print(ascii(context_data))", data);
  assert.equal(error, undefined);
  assert.equal(output, "'a,b\\n\"quoted\",\\'x\\'\\\\n\\x00\\u2028\\U0001f600\\xe9'\n");
});

test("an object arrives as compact JSON, its members in order", async () => {
  const { output } = await runPython("print(context_data)", { b: [1, 2.5, "é"], a: null });
  assert.equal(output, '{"b":[1,2.5,"é"],"a":null}\n');
});

test("without context data there is no such variable", async () => {
  const { output } = await runPython("print('context_data' in globals())", null);
  assert.equal(output, "False\n");
});

test("environment variables", async () => {
  const { output } = await runPython("import os\nprint(os.environ['GREETING'])", undefined, {
    envVars: { GREETING: "it's \"me\"" },
  });
  assert.equal(output, "it's \"me\"\n");
});

test("charts come with executePython", async () => {
  const execution = await executePython("import matplotlib.pyplot as plt\nplt.plot([1, 2, 4])\nplt.show()");
  assert.equal(execution.outcome, "completed");
  const [image] = images(execution);
  assert.match(image, /^data:image\/png;base64,iVBOR[A-Za-z0-9+/]+=*$/);
});

test("a refusal is an error in the answer", async () => {
  const seen = [];
  const { output, error } = await runPython("print(1)", undefined, {
    token: `e2b_${"0".repeat(40)}`,
    onFailure: (failure) => seen.push(failure),
  });
  assert.equal(output, "");
  assert.match(error, /refused the call \(invalid-token\)/);
  assert.equal(seen[0].problem.status, 401);
});

test("a request id comes back in a refusal", async () => {
  const seen = [];
  await runPython(" ", undefined, { requestId: "chat-17", onFailure: (failure) => seen.push(failure) });
  assert.equal(seen[0].problem.request_id, "chat-17");
  assert.equal(seen[0].problem.type, "/problems/invalid-request");
});

test("with an idempotency key the code runs once, and its reply is repeated", async () => {
  const code = "import uuid; print(uuid.uuid4())";
  const options = { idempotencyKey: `call-${Date.now()}` };
  const first = await executePython(code, undefined, options);
  assert.deepEqual(await executePython(code, undefined, options), first);
  assert.notEqual((await executePython(code)).output, first.output);
  const { error } = await runPython("print(2)", undefined, options);
  assert.match(error, /idempotency-mismatch/);
});

for (const idempotencyKey of ["", "two words", "k".repeat(256), "ké"]) {
  test(`an idempotency key that cannot be one is an error: ${idempotencyKey.slice(0, 10)}`, async () => {
    const { error } = await runPython("print(1)", undefined, { idempotencyKey });
    assert.match(error, /idempotencyKey/);
  });
}

test("aborting ends the execution", async () => {
  const controller = new AbortController();
  const running = runPython("import time; time.sleep(30)", undefined, { signal: controller.signal });
  setTimeout(() => controller.abort(), 200);
  assert.match((await running).error, /aborted/);
});
