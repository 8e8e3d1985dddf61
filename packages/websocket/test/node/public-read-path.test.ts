// The same over the public path of reading, which every socket takes where the self-test of the shared read buffer fails.
import '../support/public-read.ts';
import './messages.test.ts';
import './slow-consumer.test.ts';
import './authorize.test.ts';
import './server-lifetime.test.ts';
