// The same on servers of node:http: their handshakes are read by Node's parser, and not with the first bytes.
import '../support/attached-servers.ts';
import './authorize.test.ts';
import './capacity.test.ts';
import './origins.test.ts';
import './trace.test.ts';
