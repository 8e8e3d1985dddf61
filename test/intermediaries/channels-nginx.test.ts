// requires: nginx
import { startNginx } from '../support/proxy.ts';
import { channelsBehindProxy } from './channels-behind-proxy.ts';

channelsBehindProxy('nginx', startNginx);
