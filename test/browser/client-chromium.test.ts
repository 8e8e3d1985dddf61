// requires: chromium
// slow: waits for transports that stall
import { CHROMIUM } from '../support/browsers.ts';
import { testClientIn } from './client/all.ts';

testClientIn(CHROMIUM);
