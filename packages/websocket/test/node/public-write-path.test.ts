// The same by the public path of writing, which every socket takes where the self-test of direct writes fails.
process.env['PULSEBEACON_WRITE'] = 'public';
await import('./shared-read-buffer.test.ts');
await import('./messages.test.ts');
await import('./slow-consumer.test.ts');
await import('./server-lifetime.test.ts');
