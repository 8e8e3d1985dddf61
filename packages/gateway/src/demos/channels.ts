import { ChannelPattern } from '@pulsebeacon/wire';
import { DEFAULT_NAMESPACE, type NamespaceSettings } from '../settings.ts';

const HOUR_MS = 3_600_000;
/** More than anything that the pages publish. */
const MAX_MESSAGE_SIZE = 4096;
const NOTHING_KEPT = { size: 0, ageMs: HOUR_MS };

type OwnRules = Partial<NamespaceSettings> & Pick<NamespaceSettings, 'match'>;

const DEMO_CHANNELS: readonly OwnRules[] = [
  { match: 'demo:chat', history: { size: 300, ageMs: HOUR_MS }, presence: true, joinLeave: true, rate: 50 },
  { match: 'demo:chat:names', history: { size: 300, ageMs: HOUR_MS }, rate: 50 },
  { match: 'demo:chat:typing', history: NOTHING_KEPT, slowConsumer: 'drop', rate: 100 },
  {
    match: 'demo:cursors',
    history: NOTHING_KEPT,
    presence: true,
    joinLeave: true,
    slowConsumer: 'conflate',
    rate: 2000,
  },
  { match: 'demo:break:*', history: { size: 3000, ageMs: 600_000 } },
];

/**
 * The rules of all channels, with those of the demonstrations. These say what is kept, and who is told who comes and goes;
 * who may follow and publish is as for any channel of that name, so that they open nothing to anybody. Where the settings
 * have a rule for one of them by name, that holds, whole.
 */
export function withDemoChannels(namespaces: readonly NamespaceSettings[]): readonly NamespaceSettings[] {
  const own = DEMO_CHANNELS.filter(({ match }) => {
    const pattern = new ChannelPattern(match);
    return !namespaces.some((namespace) => pattern.matches(namespace.match));
  });
  return [...own.map((rules) => completed(rules, namespaces)), ...namespaces];
}

function completed(rules: OwnRules, namespaces: readonly NamespaceSettings[]): NamespaceSettings {
  const name = rules.match.replace('*', '1');
  // The last of them matches all.
  const { subscribe, publish, readHistory, maxMessageSize } = namespaces.find(({ match }) =>
    new ChannelPattern(match).matches(name),
  )!;
  const size = Math.min(MAX_MESSAGE_SIZE, maxMessageSize);
  return { ...DEFAULT_NAMESPACE, ...rules, subscribe, publish, readHistory, maxMessageSize: size };
}
