// requires: nginx
import { startNginx } from '../support/proxy.ts';
import { BY_HEADER, knownClients } from './known-clients.ts';

knownClients('nginx', startNginx, BY_HEADER, '--trusted-proxy', 'loopback');
