import assert from "node:assert/strict";
import http from "node:http";

/** The gateway under test; the system tests start it and set these. */
export function gateway() {
  const { GATEWAY_URL: url, GATEWAY_TOKEN: token } = process.env;
  assert.ok(url && token, "set GATEWAY_URL and GATEWAY_TOKEN to a running gateway");
  return { url, token };
}

/** A server that answers as no gateway does. Returns its URL; closed when the test ends. */
export async function impostor(test, answer) {
  const server = http.createServer(answer);
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  test.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${server.address().port}`;
}

/** The URL of a port at which nothing listens. */
export async function closedPort() {
  const server = http.createServer();
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address();
  await new Promise((closed) => server.close(closed));
  return `http://127.0.0.1:${port}`;
}
