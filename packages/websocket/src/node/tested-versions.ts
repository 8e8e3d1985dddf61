const FIRST_MAJOR = 20;
const LAST_MAJOR = 26;

/**
 * Why private parts of Node whose arguments are checked by assertions are not used here, or undefined where they may
 * be: such a check ends the process, so what was not tested is not tried.
 */
export function untestedRuntime(versions: Readonly<NodeJS.ProcessVersions>): string | undefined {
  const major = Number.parseInt(versions.node, 10);
  if (!(major >= FIRST_MAJOR && major <= LAST_MAJOR)) return `not tested on Node ${versions.node}`;
  for (const other of ['bun', 'deno']) if (versions[other] !== undefined) return `not tested on ${other}`;
  return undefined;
}
