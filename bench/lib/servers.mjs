// Starting a server of the comparison for a row.
import { Contestant } from './contestant.mjs';

function serverArgs(row, contestant, options) {
  const args = ['--mode', row.mode, '--level', String(options.level), ...contestant.args];
  if (row.takeover) args.push('--takeover');
  return args;
}

export function startServer(context, row, contestant, flags = []) {
  const [program, ...rest] = contestant.command;
  return Contestant.start(context.machine, {
    name: contestant.server,
    role: 'server',
    cpu: context.machine.serverCpu,
    command: [program, ...flags, ...rest],
    args: serverArgs(row, contestant, context.options),
  });
}
