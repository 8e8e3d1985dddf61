import type { Hop, Trace, TraceEvent } from '@pulsebeacon/websocket';
import { escapeLine } from './escape.ts';
import { describeFrame } from './frame-text.ts';
import type { Screen } from './screen.ts';
import type { Style } from './style.ts';

/** For `-v`: both handshakes and each frame, marked by direction as curl does it. */
export function verboseTrace(screen: Screen, style: Style): Trace {
  const sent = style('green', '>');
  const came = style('cyan', '<');
  const handshake = (mark: string, text: string): void => {
    const lines = text.replace(/\r?\n(?:\r?\n)?$/, '').split('\r\n');
    screen.err([...lines.map(escapeLine), ''].map((line) => `${mark} ${line}`.trimEnd() + '\n').join(''));
  };
  return (event: TraceEvent) => {
    if (event.type === 'request') handshake(sent, event.text);
    else if (event.type === 'answer') handshake(came, event.text);
    else if (event.type === 'hop') screen.err(`${style('dim', escapeLine(`* ${describeHop(event.hop)}`))}\n`);
    else screen.err(`${event.direction === 'out' ? sent : came} ${style('dim', describeFrame(event))}\n`);
  };
}

/** What an answer led to, in a line. */
function describeHop({ url, proxy, status, location }: Hop): string {
  const from = proxy === undefined ? url : `the proxy ${proxy}`;
  return location === undefined ? `${status} of ${from}: asking again` : `${status} of ${from}: on to ${location}`;
}
