// node tokens.mjs BUNDLE run_… tag batch_… agency: what examples/react/tokens.ts gives a page; BUNDLE is that file, bundled.
import { writeSync } from "node:fs";

const { tokens } = await import(process.argv[2]);
writeSync(1, JSON.stringify(await tokens(...process.argv.slice(3))));
process.exit(0);
