// requires: apache
import { startApache } from '../support/proxy.ts';
import { channelsBehindProxy } from './channels-behind-proxy.ts';

channelsBehindProxy('Apache', startApache);
