import { networkInterfaces } from 'node:os';
import { codeOf, Failure } from '../failure.ts';
import { describePlace, type TcpPlace, type UnixPlace } from './target.ts';

/** Why it is not possible to listen somewhere, in one sentence that names the remedy. */
export function listenFailure(error: unknown, where: TcpPlace | UnixPlace): Failure {
  const sentence = where.kind === 'unix' ? unixSentence(error, where) : tcpSentence(error, where);
  return new Failure(sentence ?? `cannot listen on ${describePlace(where)}: ${messageOf(error)}`);
}

function tcpSentence(error: unknown, { host, port }: TcpPlace): string | undefined {
  switch (codeOf(error)) {
    case 'EADDRINUSE':
      return `port ${port} on ${host} is in use by another program: end that program, or choose another port, such as --port ${nextPort(port)} (--port 0 takes a free one)`;
    case 'EACCES':
    case 'EPERM':
      return `port ${port} is not allowed to this user, as ports below 1024 often are not: choose a higher one, such as --port ${port === 443 ? 8443 : 8080}, or let Node have it: sudo setcap cap_net_bind_service=+ep "$(readlink -f "$(command -v node)")"`;
    case 'EADDRNOTAVAIL':
      return `${host} is not an address of this machine: --host takes one of ${ownAddresses().join(', ')}, or 0.0.0.0 for all of them`;
    case 'EAFNOSUPPORT':
      return `this machine has no IPv6, so that ${host} cannot be listened on: choose an IPv4 address, such as --host 127.0.0.1`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `the host name ${host} stands for no address here: --host takes one of ${ownAddresses().join(', ')}, or 0.0.0.0 for all of them`;
    default:
      return undefined;
  }
}

function unixSentence(error: unknown, { path }: UnixPlace): string | undefined {
  switch (codeOf(error)) {
    case 'EADDRINUSE':
      return `another program listens on ${path}: end that program, or choose another path: --listen unix:PATH`;
    case 'EACCES':
    case 'EPERM':
      return `this user may not make the socket ${path}: choose a folder that belongs to this user`;
    case 'ENOENT':
    case 'ENOTDIR':
      return `the folder of the socket ${path} does not exist: make it first, or choose another path`;
    default:
      return undefined;
  }
}

function nextPort(port: number): number {
  return port < 1024 ? 8080 : port === 65535 ? 65534 : port + 1;
}

function ownAddresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((entries) => entries ?? []);
  const addresses = all.filter(({ scopeid }) => !scopeid).map(({ address }) => address);
  return addresses.length === 0 ? ['127.0.0.1'] : addresses;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
