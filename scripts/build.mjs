// npm run build: installs what is missing and runs the compiler over everything.
import './lib/node-version.mjs';
import { ensure } from './ensure.mjs';
import { main } from './lib/project.mjs';

await main(() => ensure({ force: true }));
