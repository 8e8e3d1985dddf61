import { HandshakeUsageError } from '@pulsebeacon/websocket';
import type { Command } from 'commander';
import { type OpenedKeys, openKeys } from '../access/open-keys.ts';
import { Failure } from '../failure.ts';
import { Gateway } from '../gateway.ts';
import { createLog } from '../log/log.ts';
import { drainOnSignals, logFaults } from '../lifecycle.ts';
import { announce } from './announce.ts';
import { describeOption } from './option-table.ts';
import { addServeOptions, readServeSettings, toSettings } from './serve-options.ts';

const EXAMPLES = `
Examples:
  pulsebeacon serve                                 http://localhost:8080, for this machine only
  pulsebeacon serve --port 3000 --static ./public   a site with sockets beside it
  pulsebeacon serve --memory                        keep nothing; without it, channels are kept in ./data
  pulsebeacon serve --tls-dev                       https:// and wss:// on localhost
  pulsebeacon serve --host 0.0.0.0 --public-url https://live.example.com

Every option can be given in the environment: --max-connections is PULSEBEACON_MAX_CONNECTIONS; and in a file, which
pulsebeacon config init writes. The command line goes before the environment, and that before the file. A switch that
is on there is turned off by --no-: --no-compression.`;

/** `pulsebeacon serve` */
export function addServe(program: Command): void {
  const command = program
    .command('serve')
    .description('serve live channels, pages and WebSockets on one port')
    .helpOption('-h, --help', 'this text')
    .addHelpText('after', EXAMPLES)
    .configureHelp({ optionDescription: describeOption })
    .allowExcessArguments(false);
  addServeOptions(command);
  command.action(() => serve(command));
}

async function serve(command: Command): Promise<void> {
  const effective = await readServeSettings(command);
  const settings = await toSettings(effective);
  const log = createLog(effective.get('log.level'), effective.get('log.format'));
  logFaults(log);
  let gateway: Gateway;
  let keys: OpenedKeys;
  try {
    keys = openKeys(settings, log);
    gateway = await Gateway.start(settings, keys.ring, log);
  } catch (error) {
    // What the library cannot read is a value of --public-url or --allow-origin.
    throw error instanceof HandshakeUsageError ? new Failure(error.message, 2) : error;
  }
  // First of all: whoever reads that it is ready may stop it at once.
  drainOnSignals(gateway, log);
  announce(gateway, keys, log);
}
