// requires: haproxy
import { startHaproxy } from '../support/proxy.ts';
import { channelsBehindProxy } from './channels-behind-proxy.ts';

channelsBehindProxy('HAProxy', startHaproxy);
