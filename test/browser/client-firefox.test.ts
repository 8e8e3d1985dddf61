// requires: firefox
// slow: waits for transports that stall
import { FIREFOX } from '../support/browsers.ts';
import { testClientIn } from './client/all.ts';

testClientIn(FIREFOX);
