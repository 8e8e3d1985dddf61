import { statSync } from 'node:fs';
import path from 'node:path';
import type { TrustedProxiesOptions } from '@pulsebeacon/websocket';
import { type Command, Option } from 'commander';
import type { ConfigFile } from '../config/config-file.ts';
import { Effective } from '../config/effective.ts';
import { SWITCH } from '../config/kinds.ts';
import { toKeyRecord, toNamespace } from '../config/lists.ts';
import { environmentName, flagOf, type Section, SECTIONS, type Setting } from '../config/table.ts';
import { Failure } from '../failure.ts';
import type { ListenTarget } from '../listen/target.ts';
import {
  DEFAULT_LIMITS,
  DEFAULT_NAMESPACE,
  type GatewayLimits,
  type GatewaySettings,
  type NamespaceSettings,
  type StoreSettings,
} from '../settings.ts';
import { type Certificate, loadCertificate, makeDevCertificate } from '../tls.ts';
import { addOptions, type OptionGroup, type OptionText } from './option-table.ts';
import { list, nonEmpty } from './values.ts';

/** What is read where no other file is named. */
export const USUAL_FILE = 'pulsebeacon.yaml';

const CONFIGURATION: OptionGroup = [
  'Configuration:',
  [
    {
      flags: '--config <file>',
      about: `YAML file with what no option says; without it, ${USUAL_FILE} where it is there`,
      read: nonEmpty,
    },
    { flags: '--no-config', about: `read no file, not even ${USUAL_FILE}` },
  ],
];

/** Which of the options a command takes. */
export interface ServeOptionsChoice {
  /** Those that the help lists, such as `--data`; undefined: all. */
  readonly shown?: readonly string[];
  /** Only these sections. */
  readonly sections?: readonly string[];
}

/**
 * Adds the options of `serve`; each can be given in the environment, too: --max-connections is
 * PULSEBEACON_MAX_CONNECTIONS. What a switch turns on in the file, --no-… turns off.
 */
export function addServeOptions(command: Command, { shown, sections }: ServeOptionsChoice = {}): void {
  const chosen = SECTIONS.filter(({ name }) => sections === undefined || sections.includes(name));
  addOptions(command, [...chosen.map(toGroup), CONFIGURATION], (option) => {
    option.hideHelp(shown?.includes(option.long!) === false);
    readFromEnvironment(command, option);
  });
  for (const setting of chosen.flatMap(({ settings }) => settings).filter(({ kind }) => kind === SWITCH)) {
    command.addOption(new Option(`--no-${flagOf(setting).slice(2)}`).hideHelp());
  }
}

function toGroup({ heading, settings }: Section): OptionGroup {
  return [heading, settings.map(toOption)];
}

function toOption({ flags, about, kind, isList = false, byDefault }: Setting): OptionText {
  if (kind === SWITCH) return { flags, about };
  const shown =
    byDefault === undefined ? {} : { byDefault: { value: byDefault, shown: String(kind.show(byDefault as never)) } };
  if (kind.choices !== undefined) return { flags, about, choices: kind.choices, ...shown };
  if (isList) return { flags, about: `${about} (repeatable)`, read: list(kind.read) };
  return { flags, about, read: kind.read, ...shown };
}

function readFromEnvironment(command: Command, option: Option): void {
  if (option.negate) return;
  const name = environmentName(option.long!);
  const value = process.env[name];
  // Set but empty is how compose files say that there is nothing.
  if (value === undefined || value === '') return;
  const isOff = option.isBoolean() && /^(0|no|off|false)$/i.test(value);
  if (isOff) command.setOptionValueWithSource(option.attributeName(), false, 'env');
  else option.env(name);
}

/**
 * What holds for this command line: its options, the environment, and the configuration file.
 * @param named a file that was named in another way than by --config
 * @throws {Failure} what is wrong with the file
 */
export async function readServeSettings(command: Command, named?: string): Promise<Effective> {
  const option = command.getOptionValue('config') as string | boolean | undefined;
  if (named !== undefined && command.getOptionValueSource('config') === 'cli') {
    throw new Failure('the configuration is named twice: leave out --config, or the file behind the command', 2);
  }
  const file = named ?? (typeof option === 'string' ? option : undefined);
  if (file === undefined && option === false) return new Effective(command, undefined);
  const isThere = file !== undefined || statSync(USUAL_FILE, { throwIfNoEntry: false })?.isFile() === true;
  return new Effective(command, isThere ? await load(file ?? USUAL_FILE) : undefined);
}

/** Loaded where it is needed: YAML and JSON Schema would double the time that the program takes to start. */
async function load(file: string): Promise<ConfigFile> {
  const { loadConfig } = await import('../config/load.ts');
  return loadConfig(file);
}

/** What the program runs with, from settings that were read one by one: do they go together, and is it all there? */
export async function toSettings(effective: Effective): Promise<GatewaySettings> {
  const targets = targetsOf(effective);
  const certificate = await certificateOf(effective);
  if (certificate === undefined && targets.some(({ scheme }) => scheme === 'https')) {
    throw new Failure('an https:// listener needs --tls-cert and --tls-key, or --tls-dev', 2);
  }
  const limits = limitsOf(effective);
  return {
    targets,
    certificate,
    http2: effective.get('listen.http2'),
    siteRoot: effective.get('content.static'),
    publicUrls: effective.get('access.publicUrls') ?? [],
    allowedOrigins: effective.get('access.allowedOrigins') ?? [],
    trustedProxies: trustedProxiesOf(effective),
    compression: effective.get('content.compression'),
    limits,
    store: storeOf(effective),
    anonymous: effective.get('access.anonymous'),
    heartbeat: effective.get('transports.heartbeat'),
    pollTimeout: effective.get('transports.pollTimeout'),
    namespaces: namespacesOf(effective, limits),
    keys: (effective.file?.keys ?? []).map(toKeyRecord),
    logHandshakes: effective.get('log.handshakes'),
    configFile: effective.file?.name,
  };
}

function trustedProxiesOf(effective: Effective): TrustedProxiesOptions | undefined {
  const peers = effective.get('proxies.trusted') ?? [];
  const header = effective.get('proxies.header');
  const proxyProtocol = effective.get('proxies.protocol');
  if (peers.length > 0) return { peers, header, proxyProtocol };
  // Without a proxy that is trusted nobody could connect.
  if (proxyProtocol) {
    throw new Failure(
      `${effective.nameOf('proxies.protocol')} needs to know who may speak it: --trusted-proxy ADDRESS`,
      2,
    );
  }
  if (header === 'x-forwarded') return undefined;
  throw new Failure(
    `${effective.nameOf('proxies.header')} needs to know whose header is read: --trusted-proxy ADDRESS`,
    2,
  );
}

function limitsOf(effective: Effective): GatewayLimits {
  const names = Object.keys(DEFAULT_LIMITS) as (keyof GatewayLimits)[];
  return Object.fromEntries(names.map((name) => [name, effective.get(`limits.${name}`)])) as unknown as GatewayLimits;
}

/** Where the data is. */
export function storeOf(effective: Effective): StoreSettings {
  const folder = effective.get('store.memory') ? undefined : path.resolve(effective.get('store.data'));
  return { folder, fsync: effective.get('store.fsync') };
}

function namespacesOf(effective: Effective, { maxMessageSize }: GatewayLimits): readonly NamespaceSettings[] {
  const namespaces = (effective.file?.namespaces ?? []).map((entry) => {
    const own = entry.values.get('maxMessageSize');
    if (own !== undefined && (own.value as number) > maxMessageSize) {
      const limit = `${maxMessageSize} bytes of limits.maxMessageSize (${effective.sourceOf('limits.maxMessageSize').name})`;
      throw new Failure(
        `${own.place}: maxMessageSize of a namespace is above the ${limit}, which no message passes: lower it, or raise that`,
        2,
      );
    }
    return toNamespace(entry, maxMessageSize);
  });
  const isComplete = namespaces.some(({ match }) => match === '*');
  return isComplete ? namespaces : [...namespaces, { ...DEFAULT_NAMESPACE, maxMessageSize }];
}

function targetsOf(effective: Effective): readonly ListenTarget[] {
  const listen = effective.get('listen.addresses');
  const listenRank = effective.sourceOf('listen.addresses').rank;
  const singleRank = Math.max(effective.sourceOf('listen.host').rank, effective.sourceOf('listen.port').rank);
  if (singleRank === 3 && listenRank === 3) {
    throw new Failure('--listen takes the place of --host and --port: give either, not both', 2);
  }
  // What is typed comes before what the environment says, and that before the file.
  if (listen !== undefined && listen.length > 0 && listenRank >= singleRank) return listen;
  const where = { kind: 'tcp', host: effective.get('listen.host'), port: effective.get('listen.port') } as const;
  return [{ scheme: undefined, where }];
}

async function certificateOf(effective: Effective): Promise<Certificate | undefined> {
  const cert = effective.get('tls.cert');
  const key = effective.get('tls.key');
  if (cert === undefined && key === undefined) return effective.get('tls.dev') ? makeDevCertificate() : undefined;
  const pairRank = Math.max(effective.sourceOf('tls.cert').rank, effective.sourceOf('tls.key').rank);
  const devRank = effective.sourceOf('tls.dev').rank;
  if (effective.get('tls.dev') && devRank === pairRank) {
    throw new Failure(
      `${effective.nameOf('tls.dev')} makes a certificate of its own: leave out --tls-cert and --tls-key, or --tls-dev`,
      2,
    );
  }
  if (effective.get('tls.dev') && devRank > pairRank) return makeDevCertificate();
  if (cert === undefined) {
    throw new Failure(`${effective.nameOf('tls.key')} needs its certificate, too: --tls-cert FILE`, 2);
  }
  if (key === undefined) throw new Failure(`${effective.nameOf('tls.cert')} needs its key, too: --tls-key FILE`, 2);
  return loadCertificate(cert, key);
}
