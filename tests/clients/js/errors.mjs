// Calls that are refused: [operation, input] in, what became of each out.
import { errorOf, given, print } from "./sdk.mjs";

const found = [];
for (const [operation, input] of given) {
  found.push(await errorOf(operation, input));
}
print(found);
