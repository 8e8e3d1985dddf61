// requires: firefox
import { FIREFOX } from '../support/browsers.ts';
import { testClientIn } from './client/all.ts';

testClientIn(FIREFOX);
