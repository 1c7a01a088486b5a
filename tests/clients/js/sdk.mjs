// The SDK as `make clients` installs it, a client of it, and what scripts print: one JSON value.
import { createRequire } from "node:module";

export const sdk = createRequire(`${process.env.CLIENTS}/`)("@aws-sdk/client-data-pipeline");
export const client = new sdk.DataPipelineClient({});
export const given = JSON.parse(process.argv[2]);

// Send a command by its operation's name.
export function call(operation, input) {
  return client.send(new sdk[`${operation}Command`](input));
}

// Send a command that fails; tell of its error by the SDK's own classes.
export async function errorOf(operation, input) {
  try {
    await call(operation, input);
  } catch (error) {
    return {
      name: error.name,
      typed: sdk[error.name] !== undefined && error instanceof sdk[error.name],
      ofService: error instanceof sdk.DataPipelineServiceException,
      fault: error.$fault,
      status: error.$metadata.httpStatusCode,
      requestId: error.$metadata.requestId,
      message: error.message,
    };
  }
  return null;
}

export function print(value) {
  process.stdout.write(JSON.stringify(value));
}
