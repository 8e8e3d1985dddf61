import { styleText } from 'node:util';

type Format = Parameters<typeof styleText>[0];

/** How something looks on one stream: as it is, unless that is a terminal that may have colours. */
export type Style = (format: Format, text: string) => string;

export interface StyledStream {
  readonly isTTY?: boolean;
}

/** @param allowed false for `--no-color`; NO_COLOR in the environment (https://no-color.org) says the same */
export function styleFor({ isTTY = false }: StyledStream, allowed: boolean, env: NodeJS.ProcessEnv): Style {
  const { NO_COLOR: noColor = '', TERM: term } = env;
  if (!allowed || !isTTY || noColor !== '' || term === 'dumb') return (_, text) => text;
  // It was decided here; Node would look at standard output, whichever stream this is for.
  return (format, text) => styleText(format, text, { validateStream: false });
}
