// The same without WebAssembly: frames are unmasked by the loop of src/protocol/mask.ts.
import '../support/plain-mask.ts';
import './messages.test.ts';
