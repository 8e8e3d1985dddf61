// requires: nginx
import { startNginx } from '../support/proxy.ts';
import { channelsBehindProxy } from './channels-behind-proxy.ts';

await channelsBehindProxy('nginx', startNginx);
