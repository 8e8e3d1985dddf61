// Writes what is made from tables in the code: node scripts/reference.mjs [--check]
import fs from 'node:fs';
import { configurationPage, configurationSchema } from './lib/configuration-page.mjs';
import { errorsPage } from './lib/errors-page.mjs';
import { Failure, main, parseArguments, relative, resolve, say } from './lib/project.mjs';

const HELP = `Usage: node scripts/reference.mjs [--check]

Writes what is made from tables in the code, as built: docs/reference/errors.md, docs/reference/configuration.md and
packages/gateway/config.schema.json.

  --check   write nothing; fail where a file is not what would be written`;

const PAGES = {
  'docs/reference/errors.md': errorsPage,
  'docs/reference/configuration.md': configurationPage,
  'packages/gateway/config.schema.json': configurationSchema,
};

await main(async () => {
  const parsed = parseArguments({ check: { type: 'boolean', default: false } }, HELP);
  if (parsed === undefined) return;
  for (const [name, make] of Object.entries(PAGES)) {
    const text = await make();
    const file = resolve(name);
    if (!parsed.options.check) {
      fs.writeFileSync(file, text);
      say(`wrote ${relative(file)}`);
    } else if (!fs.existsSync(file) || fs.readFileSync(file, 'utf8') !== text) {
      throw new Failure(`${relative(file)} is not what the table says: run node scripts/reference.mjs`);
    }
  }
});
