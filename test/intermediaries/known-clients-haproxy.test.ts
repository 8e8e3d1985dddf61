// requires: haproxy
import { startHaproxy, startTcpHaproxy } from '../support/proxy.ts';
import { BY_HEADER, BY_PROXY_PROTOCOL, knownClients } from './known-clients.ts';

knownClients('HAProxy', startHaproxy, BY_HEADER, '--trusted-proxy', 'loopback');
const proxied = ['--trusted-proxy', 'loopback', '--proxy-protocol'];
knownClients('HAProxy, by the PROXY protocol', startTcpHaproxy, BY_PROXY_PROTOCOL, ...proxied);
