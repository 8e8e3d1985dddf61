import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { PeerCertificate } from 'node:tls';
import { codeOf } from '../failure.ts';
import { certificate, NO_ADDRESS, NO_TLS, NOT_REACHED, refusedByProxy } from './advice.ts';
import { certificateFault, day, issuerOf, namesOf } from './certificate.ts';
import { fail, ok, type Outcome, skip, warn } from './check.ts';
import { ms } from './duration.ts';
import type { DoctorSettings } from './settings.ts';
import { bare, type Way, WayError } from './way.ts';

export function checkProxy({ proxy, proxyOption }: DoctorSettings): Outcome {
  if (proxy === undefined) {
    const why = proxyOption === 'environment' ? 'none: the environment names none for this host' : 'none';
    return skip(why);
  }
  const from = proxy.variable === undefined ? '--proxy' : proxy.variable;
  return ok(`${proxy.url} (${from})`, { url: proxy.url, from });
}

/** The addresses behind a name: the proxy's, where there is one, for it looks up the server's. */
export async function checkName(way: Way): Promise<Outcome> {
  const { host } = way.firstHost;
  const name = bare(host);
  if (isIP(name) !== 0) return ok(`${name} is an address`, { addresses: [name] });
  const begin = performance.now();
  try {
    const addresses = (await lookup(name, { all: true })).map(({ address }) => address);
    const time = performance.now() - begin;
    return ok(`${name}: ${addresses.join(', ')} in ${ms(time)}`, { addresses, time });
  } catch (error) {
    return fail(`${name} has no address (${codeOf(error) ?? (error as Error).message})`, NO_ADDRESS);
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nobody listens there',
  EHOSTUNREACH: 'there is no way to that host',
  ENETUNREACH: 'there is no way to that network',
  ETIMEDOUT: 'no answer',
};

export async function checkConnection(way: Way): Promise<Outcome> {
  const { host, port } = way.firstHost;
  const begin = performance.now();
  try {
    const socket = await way.dialTcp();
    const time = performance.now() - begin;
    const { remoteAddress = bare(host) } = socket;
    socket.destroy();
    return ok(`TCP to ${remoteAddress} port ${port} in ${ms(time)}`, { address: remoteAddress, port, time });
  } catch (error) {
    const why = REASONS[codeOf((error as Error).cause) ?? ''] ?? (error as Error).message;
    return fail(`no TCP to ${host} port ${port}: ${why}`, NOT_REACHED);
  }
}

/** What TLS agrees on, and whether the certificate may be believed. */
export async function checkTls(way: Way, { url, insecure }: DoctorSettings): Promise<Outcome> {
  if (!way.isSecure) return skip('none: ws:// and http:// are without');
  const begin = performance.now();
  try {
    // Looked at first, judged afterwards: what is wrong with it is to be said.
    const socket = await way.dialSecure({ rejectUnauthorized: false, ALPNProtocols: ['h2', 'http/1.1'] });
    const time = performance.now() - begin;
    const shown = socket.getPeerCertificate();
    const version = socket.getProtocol() ?? 'TLS';
    const alpn = socket.alpnProtocol === false ? null : socket.alpnProtocol;
    const { authorized, authorizationError } = socket as unknown as {
      readonly authorized: boolean;
      readonly authorizationError: string | { readonly code?: string } | null;
    };
    socket.destroy();
    const values = { version, alpn, time, ...certificateValues(shown), authorized };
    const agreed = `${version.replace('TLSv', 'TLS ')}, ${alpn === 'h2' ? 'HTTP/2' : 'HTTP/1.1'}${alpn === null ? ' (no ALPN)' : ''}`;
    if (authorized) {
      return ok(`${agreed}, certificate of ${issuerOf(shown)} until ${day(shown.valid_to)}`, values);
    }
    const code = typeof authorizationError === 'string' ? authorizationError : (authorizationError?.code ?? 'unknown');
    const { short, advice } = certificateFault(code, bare(url.hostname), shown);
    return insecure
      ? warn(`${agreed}; ${short} (--insecure)`, certificate(advice), values)
      : fail(short, certificate(advice), values);
  } catch (error) {
    if (error instanceof WayError && error.stage === 'proxy') return fail(error.message, refusedByProxy(error.refusal));
    return fail(`no TLS: ${(error as Error).message}`, NO_TLS);
  }
}

function certificateValues(shown: PeerCertificate): Readonly<Record<string, unknown>> {
  const { valid_from: from, valid_to: to } = shown;
  return { certificate: { names: namesOf(shown), issuer: issuerOf(shown), from, to } };
}
