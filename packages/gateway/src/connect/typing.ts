import type { History } from './history.ts';
import { outgoing, outgoingFile } from './outgoing.ts';
import { Prompt } from './prompt.ts';
import type { Screen } from './screen.ts';
import type { Session } from './session.ts';
import type { ConnectSettings } from './settings.ts';
import { COMMANDS, readWish, type Wish } from './slash-commands.ts';
import type { Style } from './style.ts';

export interface TypingOptions {
  readonly settings: ConnectSettings;
  readonly screen: Screen;
  readonly stdin: NodeJS.ReadStream;
  readonly history: History | undefined;
  readonly style: Style;
}

/** Lets somebody type messages and commands. @returns what ends it */
export function openPrompt({ settings, screen, stdin, history, style }: TypingOptions, session: Session): () => void {
  const note = (text: string): void => screen.err(`${style('dim', text)}\n`);
  note('/help lists the commands; Ctrl-C or Ctrl-D closes');
  const prompt = new Prompt({
    input: stdin,
    output: screen.stdout,
    text: `${style('green', '>')} `,
    history,
    onLine(line) {
      carryOut(readWish(line), session, settings, note).catch((error: unknown) => note((error as Error).message));
    },
    onInterrupt() {
      if (session.isOpen) note('closing; Ctrl-C again cuts the connection off');
      session.interrupt();
    },
    onEnd: () => session.close(),
    onHistoryFailed: (why) => note(`what you type is not kept: ${why}`),
  });
  screen.typedLine = prompt;
  return () => {
    prompt.close();
    screen.typedLine = undefined;
  };
}

/** @throws what says that it cannot be done */
async function carryOut(
  wish: Wish,
  session: Session,
  { encoding }: ConnectSettings,
  note: (text: string) => void,
): Promise<void> {
  const isForPeer = wish.what !== 'help' && wish.what !== 'mistake' && wish.what !== 'nothing';
  if (isForPeer && !session.isOpen) return note('the connection is closing: nothing is sent any more');
  switch (wish.what) {
    case 'send':
      return session.send(outgoing(wish.text, encoding));
    case 'binary':
    case 'hex':
      return session.send(outgoing(wish.text, wish.what));
    case 'file':
      return session.send(await outgoingFile(wish.path));
    case 'ping':
      return session.ping(wish.text);
    case 'close':
      return session.close(wish.code, wish.reason);
    case 'help':
      return note(COMMANDS.map(([form, about]) => `${form.padEnd(24)}${about}`).join('\n'));
    case 'mistake':
      return note(wish.message);
    case 'nothing':
  }
}
