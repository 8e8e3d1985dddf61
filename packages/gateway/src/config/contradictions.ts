import { ChannelPattern } from '@pulsebeacon/wire';
import { DEFAULT_NAMESPACE } from '../settings.ts';
import type { ConfigFile, FileEntry } from './config-file.ts';
import type { ValuePath } from './places.ts';

/** Settings of a file that do not go together. */
export interface Contradiction {
  readonly path: ValuePath;
  readonly says: string;
}

/** What is right by itself, and wrong together. Values that could not be read are not in the file any more. */
export function findContradictions({ settings, namespaces, keys }: ConfigFile): readonly Contradiction[] {
  const found: Contradiction[] = [];
  if (settings.has('listen.addresses') && (settings.has('listen.port') || settings.has('listen.host'))) {
    const says = 'takes the place of host and port. Give either, not both.';
    found.push({ path: ['listen', 'addresses'], says });
  }
  if (settings.get('tls.dev')?.value === true && (settings.has('tls.cert') || settings.has('tls.key'))) {
    const says = 'makes a certificate of its own. Leave out cert and key, or dev.';
    found.push({ path: ['tls', 'dev'], says });
  }
  return [...found, ...inNamespaces(namespaces), ...inKeys(keys)];
}

function inNamespaces(namespaces: readonly FileEntry[]): readonly Contradiction[] {
  const found: Contradiction[] = [];
  const before: { readonly pattern: ChannelPattern; readonly place: string }[] = [];
  namespaces.forEach(({ values, place }, position) => {
    const size = values.get('history.size')?.value ?? DEFAULT_NAMESPACE.history.size;
    if (values.get('slowConsumer')?.value === 'spill' && size === 0) {
      const says = 'spill reads on from the history, and history.size is 0. Give it a size, or another policy.';
      found.push({ path: ['namespaces', position, 'slowConsumer'], says });
    }
    if (values.get('joinLeave')?.value === true && values.get('presence')?.value !== true) {
      const says = 'tells who comes and goes, and needs presence. Set presence: true, too.';
      found.push({ path: ['namespaces', position, 'joinLeave'], says });
    }
    if (values.get('maxMessageSize')?.value === 0) {
      const says = '0 lets no message through. Give a size such as 64KiB, or leave it out.';
      found.push({ path: ['namespaces', position, 'maxMessageSize'], says });
    }
    const match = values.get('match')?.value as string | undefined;
    if (match === undefined) return;
    // No name has a star: a pattern that matches the text of another matches all that the other does.
    const earlier = before.find(({ pattern }) => pattern.matches(match));
    if (earlier !== undefined) {
      const says = `can never apply: the entry at ${earlier.place} matches these channels before it. Put it first, or leave it out.`;
      found.push({ path: ['namespaces', position, 'match'], says });
    }
    before.push({ pattern: new ChannelPattern(match), place });
  });
  return found;
}

function inKeys(keys: readonly FileEntry[]): readonly Contradiction[] {
  const found: Contradiction[] = [];
  const before = new Map<unknown, string>();
  keys.forEach(({ values, place }, position) => {
    const id = values.get('id')?.value;
    if (id === undefined) return;
    const earlier = before.get(id);
    if (earlier !== undefined) {
      const says = `${String(id)} is the id of the entry at ${earlier}, too. Each key has an id of its own.`;
      found.push({ path: ['keys', position, 'id'], says });
    }
    before.set(id, place);
  });
  return found;
}
