import { statSync, writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { codeOf, Failure } from '../failure.ts';
import { describePlace, type ListenTarget } from '../listen/target.ts';
import type { GatewaySettings } from '../settings.ts';
import { describeOption } from './option-table.ts';
import { addServeOptions, readServeSettings, toSettings, USUAL_FILE } from './serve-options.ts';

const TAKES_OPTIONS = '\nIt takes the options of pulsebeacon serve, too, and its environment.';

/** `pulsebeacon config` */
export function addConfig(program: Command): void {
  const config = program
    .command('config')
    .description('the configuration file of serve: write an example, check it, show what holds')
    .helpOption('-h, --help', 'this text');
  config
    .command('init')
    .argument('[file]', 'where to write it', USUAL_FILE)
    .description('write a file that has every setting with its default, as comments')
    .option('--force', 'write over a file that is there')
    .helpOption('-h, --help', 'this text')
    .action(init);
  const check = addReader(
    config,
    'check',
    'say whether the file is right, and where serve would listen; 2 if it is not',
  );
  check.action((file: string | undefined) => checkFile(check, file));
  const show = addReader(config, 'show', 'show what holds, as YAML, and where each value comes from');
  show.action((file: string | undefined) => showFile(show, file));
}

function addReader(config: Command, name: string, description: string): Command {
  const command = config
    .command(name)
    .argument('[file]', `the file; without it, that of --config, or ${USUAL_FILE}`)
    .description(description)
    .helpOption('-h, --help', 'this text')
    .addHelpText('after', TAKES_OPTIONS)
    .configureHelp({ optionDescription: describeOption })
    .allowExcessArguments(false);
  addServeOptions(command, { shown: ['--config', '--no-config'] });
  return command;
}

async function init(file: string, { force = false }: { readonly force?: boolean }): Promise<void> {
  const { exampleConfig } = await import('../config/write.ts');
  const example = exampleConfig();
  try {
    writeFileSync(file, example, { flag: force ? 'w' : 'wx' });
  } catch (error) {
    const isThere = codeOf(error) === 'EEXIST';
    throw new Failure(
      isThere
        ? `${file} is there already: name another file, or write over it with --force`
        : `cannot write ${file}: ${(error as Error).message}`,
    );
  }
  const read = file === USUAL_FILE ? 'pulsebeacon serve' : `pulsebeacon serve --config ${file}`;
  process.stdout.write(`wrote ${file}; ${read} reads it\n`);
}

async function checkFile(command: Command, file: string | undefined): Promise<void> {
  const effective = await readServeSettings(command, file);
  if (effective.file === undefined) {
    const isThere = statSync(USUAL_FILE, { throwIfNoEntry: false }) !== undefined;
    throw new Failure(
      isThere
        ? `there is no file to check: ${USUAL_FILE} is not a file, or --no-config leaves it out`
        : `there is no ${USUAL_FILE} here: name a file, or write one with pulsebeacon config init`,
      2,
    );
  }
  const settings = await toSettings(effective);
  const places = settings.targets.map((target) => describeTarget(target, settings));
  const { folder, fsync } = settings.store;
  process.stdout.write(
    [
      `${effective.file.name}: ok`,
      `would listen on ${places.join(', ')}`,
      folder === undefined
        ? 'would keep its data in memory alone'
        : `would keep its data in ${folder} (fsync ${fsync})`,
      '',
    ].join('\n'),
  );
}

async function showFile(command: Command, file: string | undefined): Promise<void> {
  const effective = await readServeSettings(command, file);
  const settings = await toSettings(effective);
  const { showEffective } = await import('../config/write.ts');
  process.stdout.write(showEffective(effective, settings));
}

function describeTarget({ scheme, where }: ListenTarget, { certificate }: GatewaySettings): string {
  if (where.kind === 'unix') return `unix:${where.path}`;
  return `${scheme ?? (certificate === undefined ? 'http' : 'https')}://${describePlace(where)}`;
}
