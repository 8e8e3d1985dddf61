// requires: haproxy
import { startHaproxy } from '../support/proxy.ts';
import { channelsBehindProxy } from './channels-behind-proxy.ts';

await channelsBehindProxy('HAProxy', startHaproxy);
