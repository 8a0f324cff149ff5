// The SDK that the first argument names (sdk3, sdk4, or another alias of package.json), and how a script answers the test that started it.
import { writeSync } from "node:fs";

export const line = process.argv[2];
export const sdk = await import(`${line}/v3`);

/** Ends the script with this answer. */
export function print(answer) {
  const text = Buffer.from(JSON.stringify(answer));
  for (let from = 0; from < text.length; ) from += writeSync(1, text, from);
  process.exit(0);
}

/** What `call` answers, or its error as the caller sees it. */
export async function outcome(call) {
  try {
    return { answer: await call() };
  } catch (error) {
    return { error: { name: error.name, message: error.message, status: error.status } };
  }
}
