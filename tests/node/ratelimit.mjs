// node ratelimit.mjs sdk3|sdk4: a hundred triggers at once, over a limit that lets forty through in each window.
import { outcome, print, sdk } from "./sdk.mjs";

const answers = await Promise.all(Array.from({ length: 100 }, (_, n) => outcome(() => sdk.tasks.trigger("echo", { n }))));
print({ accepted: answers.filter(({ answer }) => answer).length, errors: answers.map(({ error }) => error).filter(Boolean) });
