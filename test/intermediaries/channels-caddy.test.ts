// requires: caddy
import { startCaddy } from '../support/proxy.ts';
import { channelsBehindProxy } from './channels-behind-proxy.ts';

channelsBehindProxy('Caddy', startCaddy);
