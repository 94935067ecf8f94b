/* A gRPC client without a proxy: `node caller.js xds:///name` asks who is there, again and again.
 *
 * It says and does what tests/grpc_caller.py says and does: where names are resolved, the environment tells
 * (GRPC_XDS_BOOTSTRAP); one line a call, the answer or "! " and the status; it ends with its standard input.
 */
'use strict';

const grpc = require('@grpc/grpc-js');
require('@grpc/grpc-js-xds').register();

const METHOD = '/test.Who/Ask';
const PAUSE_MS = 2;
const DEADLINE_MS = 20_000; // longer than a client waits for a resource that does not come

const asIs = (bytes) => bytes;
const client = new grpc.Client(process.argv[2], grpc.credentials.createInsecure());

function ask() {
  const deadline = Date.now() + DEADLINE_MS;
  client.makeUnaryRequest(METHOD, asIs, asIs, Buffer.alloc(0), { deadline }, (error, answer) => {
    const line = error ? `! ${grpc.status[error.code]}: ${error.details}` : answer.toString();
    process.stdout.write(line.replaceAll('\n', ' ') + '\n');
    setTimeout(ask, PAUSE_MS);
  });
}

process.stdin.on('end', () => process.exit(0)).resume();
ask();
