// The same by the public path of writing, which every socket takes where the self-test of direct writes fails.
import '../support/public-write.ts';
import './shared-read-buffer.test.ts';
import './messages.test.ts';
import './slow-consumer.test.ts';
import './server-lifetime.test.ts';
