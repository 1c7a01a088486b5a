// A call: how often it was sent, and by how many ms the SDK takes the clock to be slow.
import { client, call, print } from "./sdk.mjs";

const { $metadata } = await call("ListPipelines", {});
print({ attempts: $metadata.attempts, offset: client.config.systemClockOffset });
