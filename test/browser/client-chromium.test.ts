// requires: chromium
import { CHROMIUM } from '../support/browsers.ts';
import { testClientIn } from './client/all.ts';

testClientIn(CHROMIUM);
